"""Guards with drivers that are no dependencies of this project. One that is missing is skipped.

Elsewhere the suite uses psycopg, PyMySQL and sqlite3.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from s3leader.errors import GuardEnded, InvalidArgument, StaleToken, TableUnusable
from s3leader.fencing import sql
from tests.contract.fencing.sql_databases import make_database, pay
from tests.contract.fencing.sql_resources import ELECTION

POSTGRESQL = {"psycopg2", "pg8000.dbapi"}
MYSQL = {"mysql.connector", "mariadb", "MySQLdb"}
# How a connection is made to return dictionaries, where the driver can.
DICTIONARIES: dict[str, Any] = {
    "psycopg2": lambda driver: {
        "cursor_factory": importlib.import_module(f"{driver.__name__}.extras").RealDictCursor
    },
    "MySQLdb": lambda driver: {
        "cursorclass": importlib.import_module(f"{driver.__name__}.cursors").DictCursor
    },
}


class Connections:
    """Makes connections of one driver to the server that it is for."""

    def __init__(self, name: str, request: pytest.FixtureRequest, folder: Any) -> None:
        self.name = name
        self.driver = pytest.importorskip(name)
        self.dialect = "postgresql" if name in POSTGRESQL else "mysql"
        self.database = make_database(self.dialect, request, folder)
        if self.dialect == "postgresql":
            address = request.getfixturevalue("postgresql")
            parts = urlsplit(address)
            self.options: dict[str, Any] = {
                "user": parts.username, "host": parts.hostname, "port": parts.port,
                "database": "postgres",
            }  # fmt: skip
        else:
            port = request.getfixturevalue("mariadb")
            self.options = {
                "host": "127.0.0.1", "port": port, "user": "root", "database": "fenced",
            }  # fmt: skip

    def connect(self, **options: Any) -> Any:
        return self.driver.connect(**self.options, **options)


@pytest.fixture(params=sorted(POSTGRESQL | MYSQL))
def made(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Connections]:
    found = Connections(request.param, request, tmp_path)
    yield found
    found.database.engine.dispose()


@pytest.fixture
def connection(made: Connections) -> Iterator[Any]:
    with closing(made.connect()) as opened:
        yield opened


def test_a_stale_token_is_refused_and_the_transaction_with_it(
    made: Connections, connection: Any
) -> None:
    with sql.guarded(connection, ELECTION, 5):
        pay(connection, 5)
    connection.commit()
    assert sql.read_token(connection, ELECTION) == 5
    connection.rollback()
    pay(connection, 3)
    with pytest.raises(StaleToken) as stale:
        sql.guard(connection, ELECTION, 3)
    assert (stale.value.token, stale.value.written_token) == (3, 5)
    with suppress(Exception):  # PostgreSQL rolls back; pg8000 raises an error that says so
        connection.commit()
    assert made.database.paid() == [5]


def test_a_connection_in_autocommit_mode_is_refused(made: Connections, connection: Any) -> None:
    if made.name == "MySQLdb":
        connection.autocommit(True)
    else:
        connection.autocommit = True
    with pytest.raises(InvalidArgument, match="in autocommit mode"):
        sql.guard(connection, ELECTION, 5)
    made.database.lead(1)


def test_a_guard_that_has_ended_is_noticed(connection: Any) -> None:
    with pytest.raises(GuardEnded), sql.guarded(connection, ELECTION, 5):  # noqa: PT012
        connection.commit()
        pay(connection, 5)


def test_a_savepoint_before_the_guard_is_noticed(made: Connections, connection: Any) -> None:
    connection.cursor().execute("SAVEPOINT earlier")
    if made.dialect == "postgresql":
        with pytest.raises(InvalidArgument, match="got a savepoint"):
            sql.guard(connection, ELECTION, 5)
        return
    with pytest.raises(GuardEnded), sql.guarded(connection, ELECTION, 5):
        connection.cursor().execute("ROLLBACK TO SAVEPOINT earlier")


def test_a_missing_table_is_named(connection: Any) -> None:
    with pytest.raises(TableUnusable, match=r"no_such failed.*Create it"):
        sql.guard(connection, ELECTION, 5, table="no_such")


def test_dictionaries_as_rows_are_understood(made: Connections) -> None:
    if made.name not in DICTIONARIES:
        pytest.skip("its connections return tuples")
    made.database.lead(5)
    with closing(made.connect(**DICTIONARIES[made.name](made.driver))) as opened:
        sql.guard(opened, ELECTION, 5)
        opened.rollback()
        with pytest.raises(StaleToken):
            sql.guard(opened, ELECTION, 3)
