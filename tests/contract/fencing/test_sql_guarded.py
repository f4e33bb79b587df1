"""A guard that a savepoint, a commit or a deadlock undoes: what is refused, and what is not."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import psycopg
import pymysql
import pytest

from s3leader.errors import GuardEnded, InvalidArgument, StaleToken
from s3leader.fencing import sql
from tests.contract.fencing.sql_databases import Database, amounts, pay
from tests.contract.fencing.sql_resources import ELECTION

OTHERS = pytest.mark.parametrize("database", ["mysql", "sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
MYSQL = pytest.mark.parametrize("database", ["mysql"], indirect=True)
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def execute(connection: Any, statement: str) -> None:
    connection.cursor().execute(statement)


def in_savepoint(database: Database) -> Any:
    """A connection within a transaction with a savepoint, which no driver shows."""
    connection = database.connect()
    if database.dialect == "sqlite":
        execute(connection, "BEGIN")
    execute(connection, "SAVEPOINT earlier")
    return connection


@POSTGRESQL
def test_postgresql_refuses_a_guard_after_a_savepoint(database: Database) -> None:
    with closing(in_savepoint(database)) as connection:
        with pytest.raises(InvalidArgument, match="got a savepoint"):
            sql.guard(connection, ELECTION, 3)
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            pay(connection, 3)


@POSTGRESQL
def test_postgresql_refuses_a_guard_in_a_savepoint_of_psycopg_or_sqlalchemy(
    database: Database,
) -> None:
    with (
        database.connect() as connection,
        connection.transaction(),
        pytest.raises(InvalidArgument, match="got a savepoint"),
        connection.transaction(),
    ):
        sql.guard(connection, ELECTION, 3)
    with closing(database.engine.connect()) as alchemy:
        alchemy.exec_driver_sql("SAVEPOINT earlier")
        with pytest.raises(InvalidArgument, match="got a savepoint"):
            sql.guard(alchemy, ELECTION, 3)


@POSTGRESQL
def test_a_savepoint_that_has_ended_before_the_guard_does_no_harm(database: Database) -> None:
    database.lead(3)  # so that the row is there
    with closing(in_savepoint(database)) as connection:
        pay(connection, 1)
        execute(connection, "RELEASE SAVEPOINT earlier")
        sql.guard(connection, ELECTION, 3)
        connection.commit()
    with database.connect() as outer, outer.transaction():
        sql.guard(outer, ELECTION, 3)
    assert database.paid() == [1]


@OTHERS
def test_a_rollback_to_a_savepoint_undoes_a_guard_unnoticed(database: Database) -> None:
    """The documented gap of `guard` alone: the stale term's write comes after the later one's."""
    database.lead(3)
    with closing(in_savepoint(database)) as connection:
        sql.guard(connection, ELECTION, 5)
        execute(connection, "ROLLBACK TO SAVEPOINT earlier")
        pay(connection, 5)
        connection.commit()
    database.lead(3)


@OTHERS
def test_a_rollback_to_a_savepoint_in_a_guarded_block_is_refused(database: Database) -> None:
    database.lead(3)
    with closing(in_savepoint(database)) as connection:
        with pytest.raises(GuardEnded), sql.guarded(connection, ELECTION, 5):  # noqa: PT012
            execute(connection, "ROLLBACK TO SAVEPOINT earlier")
            pay(connection, 5)
        connection.commit()
    assert database.paid() == []


def commit(connection: Any) -> None:
    connection.commit()


def roll_back(connection: Any) -> None:
    connection.rollback()


@pytest.mark.parametrize("end", [commit, roll_back])
def test_what_comes_after_the_end_of_the_guarded_transaction_is_refused(
    database: Database, end: Callable[[Any], None]
) -> None:
    with closing(database.connect()) as connection:
        with (  # noqa: PT012
            pytest.raises(GuardEnded, match="token 3 ended before its block"),
            sql.guarded(connection, ELECTION, 3),
        ):
            pay(connection, 1)
            end(connection)
            pay(connection, 2)
        connection.commit()
    assert database.paid() == ([1] if end is commit else [])


@MYSQL
def test_a_ddl_statement_ends_a_guarded_block(database: Database) -> None:
    """It commits what came before, under the guard; what comes after it is rolled back."""
    with closing(database.connect()) as connection:
        with pytest.raises(GuardEnded), sql.guarded(connection, ELECTION, 3):  # noqa: PT012
            pay(connection, 1)
            execute(connection, "CREATE OR REPLACE TABLE made (n INTEGER)")
            pay(connection, 2)
        connection.commit()
    assert database.paid() == [1]


@SQLITE
def test_a_script_ends_a_guarded_block(database: Database) -> None:
    with closing(database.connect()) as connection:
        with pytest.raises(GuardEnded), sql.guarded(connection, ELECTION, 3):  # noqa: PT012
            pay(connection, 1)
            connection.executescript("CREATE TABLE made (n INTEGER)")
            pay(connection, 2)
        connection.commit()
    assert database.paid() == [1]


@MYSQL
def test_a_statement_that_is_tried_again_after_a_deadlock_is_not_committed(
    database: Database,
) -> None:
    """MariaDB rolls back the whole transaction, the guard included."""
    with closing(database.connect()) as setup:
        execute(setup, "CREATE OR REPLACE TABLE pairs (n INTEGER PRIMARY KEY) ENGINE=InnoDB")
        execute(setup, "INSERT INTO pairs VALUES (1), (2), (3), (4)")
        setup.commit()
    with (
        closing(database.connect(seconds=50)) as victim,
        closing(database.connect(seconds=50)) as other,
    ):
        # The transaction that has changed fewer rows is the one that is rolled back.
        execute(other, "INSERT INTO paid VALUES (9), (9), (9), (9)")
        execute(other, "UPDATE pairs SET n = 12 WHERE n = 2")
        with pytest.raises(GuardEnded), sql.guarded(victim, ELECTION, 3):  # noqa: PT012
            execute(victim, "SELECT n FROM pairs WHERE n = 1 FOR UPDATE")
            waiting = threading.Thread(
                target=execute, args=(other, "UPDATE pairs SET n = 11 WHERE n = 1")
            )
            waiting.start()
            with pytest.raises(pymysql.OperationalError, match="1213"):
                execute(victim, "SELECT n FROM pairs WHERE n = 2 FOR UPDATE")
            pay(victim, 3)
            waiting.join()
        victim.commit()
        other.rollback()
    assert database.paid() == []


def test_a_guarded_block_is_committed_with_the_savepoints_that_were_set_in_it(
    database: Database,
) -> None:
    with closing(database.connect()) as connection:
        with sql.guarded(connection, ELECTION, 3), sql.guarded(connection, "other", 4):
            pay(connection, 1)
            execute(connection, "SAVEPOINT later")
            pay(connection, 2)
            execute(connection, "ROLLBACK TO SAVEPOINT later")
            pay(connection, 3)
        connection.commit()
        assert amounts(connection) == [1, 3]
        assert sql.read_token(connection, ELECTION) == 3
        connection.rollback()
    database.lead(5)
    with closing(database.connect()) as connection:
        with pytest.raises(StaleToken), sql.guarded(connection, ELECTION, 3):
            pytest.fail("a stale leader's block was run")
        connection.rollback()


def test_a_guarded_block_of_sqlalchemy_is_committed_after_it(database: Database) -> None:
    with database.engine.begin() as connection, sql.guarded(connection, ELECTION, 3):
        connection.exec_driver_sql("INSERT INTO paid VALUES (1)")
    assert database.paid() == [1]


def test_an_error_within_the_block_is_raised_as_it_is(database: Database) -> None:
    """Also if the transaction has ended: then nothing of the rest can be committed."""
    with closing(database.connect()) as connection:
        with pytest.raises(KeyError), sql.guarded(connection, ELECTION, 3):
            raise KeyError
        with pytest.raises(KeyError), sql.guarded(connection, ELECTION, 3):  # noqa: PT012
            connection.commit()
            pay(connection, 2)
            raise KeyError
        with suppress(Exception):
            connection.commit()
    assert database.paid() == []


@pytest.mark.skipif(not hasattr(sqlite3, "LEGACY_TRANSACTION_CONTROL"), reason="Python 3.12")
@SQLITE
def test_sqlite_without_autocommit_is_guarded_from_the_first_statement(database: Database) -> None:
    with closing(database.connect(autocommit=False)) as connection:
        with sql.guarded(connection, ELECTION, 3):
            pay(connection, 1)
        connection.commit()
    with (
        closing(database.connect(autocommit=True)) as connection,
        pytest.raises(InvalidArgument, match="autocommit mode"),
    ):
        sql.guard(connection, ELECTION, 3)
    assert database.paid() == [1]
