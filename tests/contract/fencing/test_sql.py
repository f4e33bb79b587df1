"""Guards on real databases: autocommit, isolation levels, SQLAlchemy, errors."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
import pymysql
import pytest
import sqlalchemy
from psycopg.rows import class_row, dict_row
from sqlalchemy.orm import Session

from s3leader.errors import InvalidArgument, StaleToken
from s3leader.fencing import sql
from tests.contract.fencing.sql_databases import Database, amounts, pay
from tests.contract.fencing.sql_resources import ELECTION


def autocommitting(database: Database) -> Any:
    if database.dialect == "sqlite":
        return database.connect(isolation_level=None)
    return database.connect(autocommit=True)


def test_a_connection_that_commits_by_itself_is_refused_before_anything_is_sent(
    database: Database,
) -> None:
    refusal = r"Connection in autocommit mode.*protects nothing"
    with closing(autocommitting(database)) as connection, pytest.raises(Exception, match=refusal):
        sql.guard(connection, ELECTION, 5)
    database.lead(1)


def test_a_transaction_that_is_begun_by_hand_may_be_guarded(database: Database) -> None:
    database.lead(3)
    with closing(autocommitting(database)) as connection:
        connection.cursor().execute("BEGIN")
        pay(connection, 1)
        sql.guard(connection, ELECTION, 3)
        connection.cursor().execute("ROLLBACK")
    assert database.paid() == []


def test_an_unguarded_transaction_of_a_stale_leader_is_void_even_if_it_ignores_the_error(
    database: Database,
) -> None:
    """It has paid before its guard, and commits all the same."""
    database.lead(5)
    with closing(database.connect()) as connection:
        pay(connection, 1)
        with suppress(StaleToken):
            sql.guard(connection, ELECTION, 3)
        connection.commit()
    assert database.paid() == []


def test_the_row_keeps_the_highest_token(database: Database) -> None:
    for token in (2, 7):
        database.lead(token)
    for token in (1, 6):
        with pytest.raises(StaleToken) as stale:
            database.lead(token)
        assert (stale.value.token, stale.value.written_token) == (token, 7)
    database.lead(7)


def test_elections_have_rows_of_their_own(database: Database) -> None:
    database.lead(5)
    with closing(database.connect()) as connection:
        sql.guard(connection, "nightly/Compaction", 1)
        sql.guard(connection, "other", 2)
        connection.commit()


def test_a_guard_that_is_rolled_back_leaves_the_row_as_it_was(database: Database) -> None:
    with closing(database.connect()) as connection:
        sql.guard(connection, ELECTION, 9)
        connection.rollback()
    database.lead(1)


def test_a_connection_of_sqlalchemy_is_guarded(database: Database) -> None:
    with database.engine.begin() as connection:
        sql.guard(connection, ELECTION, 3)
        connection.exec_driver_sql("INSERT INTO paid VALUES (3)")
    database.lead(5)
    with pytest.raises(StaleToken), database.engine.begin() as connection:  # noqa: PT012
        connection.exec_driver_sql("INSERT INTO paid VALUES (4)")
        sql.guard(connection, ELECTION, 3)
    assert database.paid() == [3]


def test_an_orm_session_of_sqlalchemy_is_guarded(database: Database) -> None:
    with Session(database.engine) as session, session.begin():
        sql.guard(session, ELECTION, 3)
        session.execute(sqlalchemy.text("INSERT INTO paid VALUES (3)"))
    database.lead(5)
    with pytest.raises(StaleToken), Session(database.engine) as session, session.begin():  # noqa: PT012
        session.execute(sqlalchemy.text("INSERT INTO paid VALUES (4)"))
        sql.guard(session, ELECTION, 3)
    assert database.paid() == [3]


def test_sqlalchemy_in_autocommit_mode_or_in_a_savepoint_is_refused(database: Database) -> None:
    automatic = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with automatic.connect() as connection, pytest.raises(InvalidArgument, match="autocommit mode"):
        sql.guard(connection, ELECTION, 5)
    with (
        database.engine.begin() as connection,
        connection.begin_nested(),
        pytest.raises(InvalidArgument, match="got a savepoint"),
    ):
        sql.guard(connection, ELECTION, 5)


LEVELS = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]


def at_level(database: Database, level: str) -> Any:
    connection = database.connect()
    if database.dialect == "postgresql":
        connection.isolation_level = psycopg.IsolationLevel[level.replace(" ", "_")]
    else:
        connection.cursor().execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
    return connection


SERVERS = pytest.mark.parametrize("database", ["postgresql", "mysql"], indirect=True)
CONFLICTS = (psycopg.errors.SerializationFailure, pymysql.OperationalError)


@SERVERS
@pytest.mark.parametrize("level", LEVELS)
def test_a_transaction_with_an_old_snapshot_cannot_pass_a_later_term(
    database: Database, level: str
) -> None:
    """Its snapshot, taken before the successor's commit, still shows the old token."""
    database.lead(3)
    with closing(at_level(database, level)) as connection:
        if database.dialect != "mysql" or level != "SERIALIZABLE":
            amounts(connection)  # there this read locks the table
        with closing(database.connect()) as successor:
            sql.guard(successor, ELECTION, 5)
            pay(successor, 5)
            successor.commit()
        with pytest.raises((StaleToken, *CONFLICTS)):
            sql.guard(connection, ELECTION, 3)
        with suppress(*CONFLICTS):
            connection.commit()
    assert database.paid() == [5]


@SERVERS
@pytest.mark.parametrize("level", LEVELS)
def test_a_guard_that_comes_first_sees_what_earlier_terms_have_committed(
    database: Database, level: str
) -> None:
    database.lead(3)
    with closing(at_level(database, level)) as connection:
        with closing(database.connect()) as predecessor:
            sql.guard(predecessor, ELECTION, 3)
            pay(predecessor, 3)
            predecessor.commit()
        sql.guard(connection, ELECTION, 5)
        assert amounts(connection) == [3]


@SERVERS
def test_a_commit_whose_answer_is_lost_is_settled_by_the_next_guard(database: Database) -> None:
    """The server ends the connection within a guarded transaction: nothing of it is there."""
    with closing(database.connect()) as broken, closing(database.connect()) as other:
        sql.guard(broken, ELECTION, 3)
        pay(broken, 3)
        cursor = other.cursor()
        kill(cursor, broken)
        with pytest.raises((psycopg.OperationalError, pymysql.Error)):
            broken.commit()
    database_waits_for_the_end(database)
    assert database.paid() == []


def kill(cursor: Any, connection: Any) -> None:
    if isinstance(connection, psycopg.Connection):
        cursor.execute(f"SELECT pg_terminate_backend({connection.info.backend_pid})")
    else:
        cursor.execute(f"KILL {connection.thread_id()}")


def database_waits_for_the_end(database: Database) -> None:
    """Guard with the waits that are the default: until the old transaction has ended."""
    options = {"seconds": 50} if database.dialect == "mysql" else {}
    with closing(database.connect(**options)) as connection:
        sql.guard(connection, ELECTION, 3)
        connection.commit()


@dataclass
class Payment:
    amount: int


def in_own_form(database: Database, form: str) -> Any:
    """A connection whose rows are dictionaries, or objects of a class of the caller's."""
    if database.dialect == "postgresql":
        return database.connect(row_factory=dict_row if form == "dict" else class_row(Payment))
    if database.dialect == "mysql":
        return database.connect(cursorclass=pymysql.cursors.DictCursor)
    connection = database.connect()
    connection.row_factory = lambda cursor, row: {cursor.description[0][0]: row[0]}
    return connection


@pytest.mark.parametrize("form", ["dict", "class"])
def test_rows_may_have_any_form(database: Database, form: str) -> None:
    database.lead(5)
    with closing(in_own_form(database, form)) as connection:
        sql.guard(connection, ELECTION, 5)
        connection.commit()
        with pytest.raises(StaleToken, match="carries fencing token 5"):
            sql.guard(connection, ELECTION, 3)


@pytest.mark.parametrize("database", ["mysql"], indirect=True)
@pytest.mark.parametrize(
    ("begin", "seen"),
    [("START TRANSACTION", [1]), ("START TRANSACTION WITH CONSISTENT SNAPSHOT", [])],
)
def test_a_snapshot_that_is_taken_before_the_guard_shows_what_was_before_it(
    database: Database, begin: str, seen: list[int]
) -> None:
    """The documented exception to what a guard that comes first sees."""
    with closing(database.connect()) as connection, closing(database.connect()) as earlier:
        connection.cursor().execute(begin)
        sql.guard(earlier, ELECTION, 3)
        pay(earlier, 1)
        earlier.commit()
        sql.guard(connection, ELECTION, 4)
        assert amounts(connection) == seen
        connection.rollback()
