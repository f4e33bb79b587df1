"""A guard recognises connections, and refuses those that it cannot protect."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from s3leader.errors import InvalidArgument, StaleToken
from s3leader.fencing import sql


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as made:
        made.execute(sql.table_ddl("sqlite"))
        yield made


def test_a_lower_token_is_refused_with_both_and_the_row_is_named(
    connection: sqlite3.Connection,
) -> None:
    sql.guard(connection, "nightly", 5)
    connection.commit()
    with pytest.raises(
        StaleToken, match="the row of election 'nightly' in table s3leader_fence"
    ) as e:
        sql.guard(connection, "nightly", 3)
    assert (e.value.token, e.value.written_token) == (3, 5)
    assert not connection.in_transaction


def test_a_guard_opens_the_transaction_that_it_protects(connection: sqlite3.Connection) -> None:
    sql.guard(connection, "nightly", 5)
    assert connection.in_transaction


@pytest.mark.parametrize("token", [0, True, "3"])
def test_a_token_is_a_whole_number_from_one(connection: sqlite3.Connection, token: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected a fencing token"):
        sql.guard(connection, "nightly", token)


def test_the_name_of_an_election_is_one(connection: sqlite3.Connection) -> None:
    with pytest.raises(InvalidArgument, match="election name 'a b'"):
        sql.guard(connection, "a b", 1)
    with pytest.raises(InvalidArgument, match="election name"):
        sql.trigger_ddl(["accounts"], "it's")


class Driver:
    """A connection of a driver that records what it is sent. `row` is what a SELECT returns."""

    description: Any = ()

    def __init__(self, row: Any = (1,), **attributes: Any) -> None:
        self.row = row
        self.sent: list[tuple[str, Any]] = []
        self.rolled_back = 0
        self.__dict__.update(attributes)

    def cursor(self) -> Driver:
        return self

    def execute(self, text: str, parameters: Any) -> None:
        self.sent.append((" ".join(text.split())[:20], parameters))

    def fetchone(self) -> Any:
        return self.row

    def rollback(self) -> None:
        self.rolled_back += 1

    def close(self) -> None: ...


def of_driver(module: str, style: str, monkeypatch: pytest.MonkeyPatch) -> type[Driver]:
    """Return a class of connections as the driver `module` has it, in a module of its own."""
    for name in (module, f"{module}.connection"):
        made = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, made)
        if name == module:
            made.paramstyle = style  # type: ignore[attr-defined]
    return type("Connection", (Driver,), {"__module__": f"{module}.connection"})


IDLE, IN_TRANSACTION = SimpleNamespace(transaction_status=0), SimpleNamespace(transaction_status=2)


@pytest.mark.parametrize(
    ("module", "style", "attributes", "refused"),
    [
        ("psycopg", "pyformat", {"autocommit": True, "info": IDLE}, True),
        ("psycopg", "pyformat", {"autocommit": False, "info": IDLE}, False),
        ("psycopg", "pyformat", {"autocommit": True, "info": IN_TRANSACTION}, False),
        ("psycopg2", "pyformat", {"autocommit": True, "info": IDLE}, True),
        ("pg8000", "format", {"autocommit": True}, True),
        ("pg8000", "format", {"autocommit": False}, False),
        ("pymysql", "pyformat", {"get_autocommit": lambda: True, "server_status": 2}, True),
        ("pymysql", "pyformat", {"get_autocommit": lambda: True, "server_status": 3}, False),
        ("MySQLdb", "format", {"get_autocommit": lambda: True}, True),
        ("MySQLdb", "format", {"get_autocommit": lambda: False}, False),
        ("mysql.connector", "pyformat", {"autocommit": True, "in_transaction": False}, True),
        ("mysql.connector", "pyformat", {"autocommit": True, "in_transaction": True}, False),
        ("mariadb", "qmark", {"autocommit": True}, True),
        ("sqlite3", "qmark", {"isolation_level": None, "in_transaction": False}, True),
        ("sqlite3", "qmark", {"isolation_level": None, "in_transaction": True}, False),
        ("sqlite3", "qmark", {"isolation_level": "", "autocommit": -1}, False),
        ("sqlite3", "qmark", {"isolation_level": "", "autocommit": True}, True),
        ("sqlite3", "qmark", {"isolation_level": None, "autocommit": False}, False),
        ("mariadb", "qmark", {"row": (1,)}, True),  # asked: SELECT @@autocommit
    ],
)
def test_autocommit_is_recognised_of_each_driver(
    module: str,
    style: str,
    attributes: dict[str, Any],
    refused: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = of_driver(module, style, monkeypatch)(**attributes)
    if refused:
        with pytest.raises(InvalidArgument, match=r"in autocommit mode.* Turn autocommit off"):
            sql.guard(connection, "nightly", 1)
        assert [text for text, _ in connection.sent if not text.startswith("SELECT @@")] == []
    else:
        sql.guard(connection, "nightly", 1)
        assert connection.sent


def test_a_subclass_of_a_driver_s_connection_is_recognised() -> None:
    class Own(sqlite3.Connection):
        pass

    with closing(sqlite3.connect(":memory:", factory=Own)) as connection:
        connection.execute(sql.table_ddl("sqlite"))
        sql.guard(connection, "nightly", 1)


def test_an_unknown_driver_is_used_as_the_caller_says() -> None:
    connection = Driver(autocommit=False)
    with pytest.raises(InvalidArgument, match=r"the driver of a .*Driver is not known: pass"):
        sql.guard(connection, "nightly", 1)
    sql.guard(connection, "nightly", 1, dialect="mysql", paramstyle="named")
    assert connection.sent[0] == ("INSERT INTO s3leader", {"election": "nightly", "token": 1})


def test_a_driver_that_does_not_show_its_mode_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"cannot tell whether a .*Driver is in autocommit"):
        sql.guard(Driver(), "nightly", 1, dialect="postgresql", paramstyle="format")


def test_a_stale_transaction_is_rolled_back_or_can_only_be() -> None:
    mysql = Driver(row=(9,), autocommit=False)
    with pytest.raises(StaleToken):
        sql.guard(mysql, "nightly", 1, dialect="mysql", paramstyle="format")
    postgresql = Driver(row=(9,), autocommit=False)
    with pytest.raises(StaleToken):
        sql.guard(postgresql, "nightly", 1, dialect="postgresql", paramstyle="format")
    assert (mysql.rolled_back, postgresql.rolled_back) == (1, 0)
    assert postgresql.sent[-1] == ("SELECT CAST('stale f", ())


@pytest.mark.parametrize("dialect", ["oracle", ""])
def test_an_unknown_dialect_is_refused(connection: sqlite3.Connection, dialect: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected a dialect"):
        sql.guard(connection, "nightly", 1, dialect=dialect)


class Asynchronous:
    async def commit(self) -> None: ...


def test_what_is_no_blocking_connection_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="run_sync"):
        sql.guard(Asynchronous(), "nightly", 1)
    with pytest.raises(InvalidArgument, match=r"expected a connection of the DB-API .* got a"):
        sql.guard("postgresql://…", "nightly", 1)


def alchemy(name: str) -> Any:
    return SimpleNamespace(
        exec_driver_sql=None,
        dialect=SimpleNamespace(name=name, paramstyle="format"),
        connection=SimpleNamespace(dbapi_connection=Driver(autocommit=True)),
        in_nested_transaction=lambda: False,
    )


def test_an_engine_of_another_database_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"expected an engine of one of .* got 'oracle'"):
        sql.guard(alchemy("oracle"), "nightly", 1)


def test_an_engine_of_mariadb_speaks_mysql() -> None:
    with pytest.raises(InvalidArgument, match="autocommit mode"):
        sql.guard(alchemy("mariadb"), "nightly", 1)


class CursorOfPsycopg2(Driver):
    """Calls its `row_factory`, if one is set, as cursors of psycopg2 do."""

    row_factory: Any = None

    def fetchone(self) -> Any:
        return self.row_factory(self)[0] if self.row_factory else self.row


def test_an_attribute_of_psycopg2_s_cursors_is_left_alone() -> None:
    """Guards with psycopg2 failed: the attribute is named as one of psycopg's, and is another."""
    connection = SimpleNamespace(
        autocommit=False, cursor=lambda: CursorOfPsycopg2(row=(1, False, "1"))
    )
    sql.guard(connection, "nightly", 1, dialect="postgresql", paramstyle="format")
