"""Transactions that a stale leader cannot commit: PostgreSQL, MySQL, MariaDB, SQLite.

What is **not** guaranteed, first. `guard` protects the transaction that it is called in, and what
does not go through it is not protected; PostgreSQL's trigger (`trigger_ddl`) refuses that as well.
A new leader is safe from its predecessors once a guard of its own has returned: until then they
may commit. What a transaction has read before its guard may be out of date, so call it first.
While a guarded transaction is open, later ones wait, those of later terms too: let the server end
transactions of paused clients (docs/fencing.md). Writers with equal tokens, such as a clone of the
leader's process, are not distinguished: both may write, one after the other.

What ends the transaction ends the protection, silently: a DDL statement in MySQL and MariaDB, a
deadlock there (error 1213 rolls all of it back: begin again with the guard), `executescript` of
sqlite3, and a rollback to a savepoint that was set before the guard.

A guard locks the row of its election until the transaction ends. So of two guarded transactions
the later sees all that the earlier did, and if the commit's answer is lost, a new guarded
transaction waits for the old one's end and then sees whether it was committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from s3leader._core import sql_fence
from s3leader._core.config import check_name
from s3leader._core.sql_fence import STALE_STATE, TABLE, Dialect, guard_statements, guard_values
from s3leader._core.tokens import check_token
from s3leader._io.sql_connection import sql_connection
from s3leader.errors import StaleToken

__all__ = ["STALE_STATE", "guard", "read_token", "table_ddl", "trigger_ddl"]


def guard(
    connection: Any,  # noqa: ANN401 - of any driver, or of SQLAlchemy
    election: str,
    token: int,
    *,
    table: str = TABLE,
    dialect: Dialect | None = None,
    paramstyle: str | None = None,
) -> None:
    """Let this transaction commit only if no later term has been here; lock the election's row.

    Call it first in the transaction, outside of savepoints. `connection` is a driver's, or
    SQLAlchemy's `Connection` or ORM session. `dialect` and `paramstyle` (as of the DB-API) are
    needed for drivers that are not known here.

    Raises:
        StaleToken: a later term has been here. The transaction is rolled back or, on PostgreSQL,
            can only be; stop, another candidate leads.
        InvalidArgument: among others, the connection is in autocommit mode, where no guard helps.
        Exception: of the driver. If it is a serialization failure or a lock time-out, roll the
            transaction back and begin again.
    """
    check_name(election)
    check_token(token)
    values = guard_values(election, token)
    sql = sql_connection(connection, dialect, paramstyle)
    statements = guard_statements(sql.dialect, table)
    sql.check_transaction()
    try:
        if statements.read_row is None:
            written = sql.read_number(statements.raise_row, values)
        else:
            sql.execute(statements.raise_row, values)
            written = sql.read_number(statements.read_row, values)
    except Exception as error:
        error.add_note(_explained("raising", election, table, sql.dialect))
        raise
    if written > token:
        sql.forbid_commit(statements.forbid_commit)
        raise StaleToken(
            key=f"the row of election {election!r} in table {table}",
            token=token,
            written_token=written,
        )


def read_token(
    connection: Any,  # noqa: ANN401 - as guard takes it
    election: str,
    *,
    table: str = TABLE,
    dialect: Dialect | None = None,
    paramstyle: str | None = None,
) -> int | None:
    """Return the highest token that any committed guard of `election` had, None if there was none.

    It locks nothing: a later term may come as soon as this has returned. It is no guard, then, and
    tells only who is stale. The parameters are those of `guard`.
    """
    check_name(election)
    statement = sql_fence.read_statement(table)
    sql = sql_connection(connection, dialect, paramstyle)
    try:
        return sql.find_number(statement, {"election": election})
    except Exception as error:
        error.add_note(_explained("reading", election, table, sql.dialect))
        raise


def _explained(doing: str, election: str, table: str, dialect: Dialect) -> str:
    return (
        f"while {doing} the row of election {election!r} in table {table}. If the table does not"
        f" exist, create it: s3leader.fencing.sql.table_ddl({dialect!r})"
    )


def table_ddl(dialect: Dialect, *, table: str = TABLE) -> str:
    """Return the statement that creates the table of guards, unless there is one.

    A writer needs SELECT, INSERT and UPDATE on it. `dialect` is "postgresql", "mysql" (also for
    MariaDB) or "sqlite".
    """
    return sql_fence.table_ddl(dialect, table)


def trigger_ddl(
    tables: Sequence[str], election: str, *, schema: str = "public", table: str = TABLE
) -> list[str]:
    """Return statements for PostgreSQL (11 or later) that let only guarded transactions write.

    Each of `tables` gets a trigger that refuses INSERT, UPDATE, DELETE, MERGE, COPY and TRUNCATE in
    a transaction without a guard of `election`, with SQLSTATE `STALE_STATE`. Names without a schema
    are in `schema`; the table of guards, `table`, too. Execute the statements one by one, after
    `table_ddl`'s, as the role that the tables belong to.

    Not refused: that role and superusers may drop or disable a trigger. A partition that is written
    by its own name needs its own trigger: name it too.
    """
    check_name(election)
    return sql_fence.trigger_ddl(tables, election, schema=schema, table=table)
