"""Connections of DB-API drivers and of SQLAlchemy, as a guard needs them.

No driver is imported: a connection's class names its driver, and attributes say the rest. Known are
psycopg, psycopg2, pg8000, PyMySQL, mysqlclient, MySQL Connector, MariaDB Connector and sqlite3.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, Final

from s3leader._core.sql_fence import DIALECTS, Dialect, DialectName, known_dialect, render
from s3leader.errors import InvalidArgument

# By the package that a connection's class is in.
_DRIVERS: Final[dict[str, Dialect]] = {
    "MySQLdb": "mysql",
    "mariadb": "mysql",
    "mysql": "mysql",
    "pg8000": "postgresql",
    "psycopg": "postgresql",
    "psycopg2": "postgresql",
    "pymysql": "mysql",
    "sqlite3": "sqlite",
}
_IDLE: Final = 0  # libpq's transaction status; others are in a transaction
_IN_TRANSACTION: Final = 1  # a bit of MySQL's server status


@dataclass(frozen=True, slots=True)
class SqlConnection:
    """`driver` is the driver's connection, `alchemy` SQLAlchemy's around it, if there is one."""

    dialect: Dialect
    style: str
    driver: Any
    alchemy: Any = None

    def read_row(self, statement: str, values: Mapping[str, object]) -> Sequence[Any] | None:
        """Execute a statement as `execute` does; return the values of its first row, or None."""
        row = self.execute(statement, values)
        if row is None:
            return None
        return [*row.values()] if isinstance(row, Mapping) else [*row]

    def execute(self, statement: str, values: Mapping[str, object]) -> Any:  # noqa: ANN401
        """Execute a statement with `{name}` in place of values; return its first row or None."""
        text, parameters = render(statement, values, self.style)
        if self.alchemy is not None:
            result = self.alchemy.exec_driver_sql(text, parameters)
            return result.fetchone() if result.returns_rows else None
        cursor = self.driver.cursor()
        # Tuples, whatever rows the caller's cursors return. A cursor of psycopg2 has an attribute
        # of this name too, and with another meaning; its connection has not.
        if hasattr(self.driver, "row_factory"):
            cursor.row_factory = None if self.dialect == "sqlite" else _of_tuples
        try:
            cursor.execute(text, parameters)
            return cursor.fetchone() if cursor.description is not None else None
        finally:
            cursor.close()

    def check_transaction(self) -> None:
        """Raise `InvalidArgument` if the next statement would be committed by itself."""
        if self.alchemy is not None and self.alchemy.in_nested_transaction():
            raise InvalidArgument(
                "expected the outermost transaction, got a savepoint: if it is rolled back, so is"
                " the guard; call guard before begin_nested()"
            )
        if _in_transaction(self.driver):
            return
        if self._autocommits():
            raise InvalidArgument(
                f"expected a connection within a transaction, got a {_name(self.driver)} in"
                f" autocommit mode: there each statement is committed by itself, and the guard"
                f" protects nothing. Turn autocommit off, or begin a transaction first"
            )

    def forbid_commit(self, failing: str | None) -> None:
        """End the transaction, so that nothing of it can be committed.

        `failing` is a statement after which the server takes no other until a rollback.
        """
        if failing is None:
            self.driver.rollback()
            return
        with suppress(Exception):  # its error is its purpose
            self.execute(failing, {})

    def _autocommits(self) -> bool:
        driver = self.driver
        mode = getattr(driver, "autocommit", None)
        if isinstance(mode, bool):
            return mode
        if self.dialect == "sqlite" and hasattr(driver, "isolation_level"):
            return driver.isolation_level is None
        if callable(get := getattr(driver, "get_autocommit", None)):
            return bool(get())
        if self.dialect == "mysql":
            return bool((self.read_row("SELECT @@autocommit", {}) or [0])[0])
        raise InvalidArgument(
            f"cannot tell whether a {_name(driver)} is in autocommit mode; pass the driver's own"
            f" connection, which has an attribute `autocommit`"
        )


def _of_tuples(_: object) -> type[tuple[Any, ...]]:
    """Make rows for psycopg."""
    return tuple


def sql_connection(
    connection: Any,  # noqa: ANN401 - of any driver
    dialect: DialectName | None,
    paramstyle: str | None,
) -> SqlConnection:
    """Recognise a connection. `dialect` and `paramstyle` say what is not known of its driver."""
    given = None if dialect is None else known_dialect(dialect)
    if iscoroutinefunction(getattr(connection, "commit", None)):
        raise InvalidArgument(
            f"expected a blocking connection, got a {_name(connection)}; with SQLAlchemy:"
            f" await connection.run_sync(guard, election, token)"
        )
    if hasattr(connection, "get_bind") and hasattr(connection, "connection"):
        connection = connection.connection()  # what an ORM session uses
    if hasattr(connection, "exec_driver_sql"):
        return _alchemy(connection, given)
    if not hasattr(connection, "cursor"):
        raise InvalidArgument(
            f"expected a connection of the DB-API or of SQLAlchemy, got a {_name(connection)}"
        )
    modules = [each.__module__ for each in type(connection).__mro__]
    packages = [each.partition(".")[0] for each in modules]
    found = given or next(filter(None, map(_DRIVERS.get, packages)), None)
    paramstyle = paramstyle or next(filter(None, map(_paramstyle, modules)), None)
    if found is None or paramstyle is None:
        raise InvalidArgument(
            f"the driver of a {_name(connection)} is not known: pass the driver's own connection,"
            f" or dialect=… (one of {DIALECTS}) and paramstyle=… (as of the DB-API)"
        )
    return SqlConnection(found, paramstyle, connection)


def _paramstyle(module: str) -> str | None:
    """Return the paramstyle of `module`, or of the nearest package around it that has one."""
    while module:
        style = getattr(sys.modules.get(module), "paramstyle", None)
        if style is not None:
            return str(style)
        module = module.rpartition(".")[0]
    return None


def _alchemy(connection: Any, dialect: Dialect | None) -> SqlConnection:  # noqa: ANN401
    name = connection.dialect.name
    known: dict[str, Dialect] = {**{each: each for each in DIALECTS}, "mariadb": "mysql"}
    if (found := dialect or known.get(name)) is None:
        raise InvalidArgument(
            f"expected an engine of one of {DIALECTS}, got {name!r}; pass dialect=… if it speaks"
            f" one of these"
        )
    driver = connection.connection.dbapi_connection
    return SqlConnection(found, connection.dialect.paramstyle, driver, connection)


def _in_transaction(driver: Any) -> bool:  # noqa: ANN401 - of any driver
    """Whether a transaction has begun, as far as the driver says."""
    status = getattr(getattr(driver, "info", None), "transaction_status", None)  # psycopg
    if isinstance(status, int):
        return status != _IDLE
    flags = getattr(driver, "server_status", None)  # PyMySQL
    if isinstance(flags, int):
        return bool(flags & _IN_TRANSACTION)
    return getattr(driver, "in_transaction", None) is True  # sqlite3, MySQL Connector


def _name(thing: object) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"
