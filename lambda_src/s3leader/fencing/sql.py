"""Transactions that a stale leader cannot commit: PostgreSQL, MySQL, MariaDB, SQLite.

What is **not** guaranteed, first. `guard` protects the transaction that it is called in, and what
does not go through it is not protected; PostgreSQL's trigger (`trigger_ddl`) refuses that as well.
A new leader is safe from its predecessors once a guard of its own has returned: until then they
may commit. What a transaction has read before its guard may be out of date, so call it first.
While a guarded transaction is open, later ones wait, those of later terms too: let the server end
transactions of paused clients (docs/fencing.md). Writers with equal tokens, such as a clone of the
leader's process, are not distinguished: both may write, one after the other.

What ends the transaction ends the protection: a DDL statement in MySQL and MariaDB, a deadlock
there (error 1213 rolls all of it back: begin again with the guard), `executescript` of sqlite3, and
a rollback to a savepoint that was set before the guard. `guard` alone does not notice; `guarded`, a
context manager, refuses at its end what would be committed then.

A guard locks the row of its election until the transaction ends. So of two guarded transactions
the later sees all that the earlier did, and if the commit's answer is lost, a new guarded
transaction waits for the old one's end and then sees whether it was committed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from s3leader._core import sql_fence
from s3leader._core.config import check_name
from s3leader._core.sql_fence import (
    STALE_SQLSTATE,
    STATEMENTS,
    TABLE,
    Dialect,
    DialectName,
    fill,
    guard_statements,
    guard_values,
)
from s3leader._io.seams import new_nonce
from s3leader._io.sql_connection import SqlConnection, sql_connection
from s3leader._io.sql_errors import OTHER_FORM, code_of, described, is_missing_savepoint, remedy
from s3leader.errors import (
    GuardEnded,
    InvalidArgument,
    StaleToken,
    TableUnusable,
)

__all__ = [
    "STALE_SQLSTATE",
    "drop_trigger_ddl",
    "guard",
    "guarded",
    "read_token",
    "table_ddl",
    "trigger_ddl",
]


def guard(
    connection: Any,  # noqa: ANN401 - of any driver, or of SQLAlchemy
    election: str,
    token: int,
    *,
    table: str = TABLE,
    dialect: DialectName | None = None,
    paramstyle: str | None = None,
) -> None:
    """Let this transaction commit only if no later term has been here; lock the election's row.

    Call it first in the transaction, outside of savepoints. `connection` is a driver's, or
    SQLAlchemy's `Connection` or ORM session. `dialect` and `paramstyle` (as of the DB-API) are
    needed for drivers that are not known here.

    Raises:
        StaleToken: a later term has been here. The transaction is rolled back or, on PostgreSQL,
            can only be; stop, another candidate leads.
        InvalidArgument: among others, the connection is in autocommit mode, where no guard helps,
            or a savepoint is open (PostgreSQL shows it, of others only SQLAlchemy).
        TableUnusable: the table of guards is not there, has another form, or a right is missing.
        Exception: of the driver. If it is a serialization failure or a lock time-out, begin the
            transaction again. It is rolled back or, on PostgreSQL, can only be.
    """
    _guard(_connection(connection, dialect, paramstyle), election, token, table)


@contextmanager
def guarded(
    connection: Any,  # noqa: ANN401 - as guard takes it
    election: str,
    token: int,
    *,
    table: str = TABLE,
    dialect: DialectName | None = None,
    paramstyle: str | None = None,
) -> Iterator[None]:
    """Guard the transaction, and check at the end of the block that it is still the guarded one.

    Commit right after the block, not in it. On MySQL, MariaDB and SQLite the guard sets a
    savepoint, which is gone if the transaction has ended in between or was rolled back to an
    earlier savepoint; PostgreSQL refuses a guard after a savepoint, and is asked for the token. It
    costs one or two more statements. The parameters are those of `guard`.

    Raises:
        GuardEnded: the guard has ended before the block. What would be committed now is rolled back
            or, on PostgreSQL, can only be.
        StaleToken, TableUnusable, InvalidArgument, Exception: as `guard` does.
    """
    sql = _connection(connection, dialect, paramstyle)
    _guard(sql, election, token, table)
    mark = f"s3leader_{new_nonce()}"
    if (setting := STATEMENTS[sql.dialect].set_mark) is not None:
        sql.execute(fill(setting, mark=mark), {})
    try:
        yield
    except BaseException:
        with suppress(Exception):  # the error of the block is the one to raise
            _check_mark(sql, mark, election, token)
        raise
    _check_mark(sql, mark, election, token)


def _check_mark(sql: SqlConnection, mark: str, election: str, token: int) -> None:
    statements = STATEMENTS[sql.dialect]
    values = guard_values(election, token)
    try:
        found = sql.read_row(fill(statements.check_mark, mark=mark), values)
    except Exception as error:
        sql.forbid_commit(statements.forbid_commit)
        if not is_missing_savepoint(error):
            raise
        raise GuardEnded(election=election, token=token) from error
    if found is not None and found[0] != values["text"]:
        sql.forbid_commit(statements.forbid_commit)
        raise GuardEnded(election=election, token=token)


def _connection(
    connection: Any,  # noqa: ANN401 - as guard takes it
    dialect: DialectName | None,
    paramstyle: str | None,
) -> SqlConnection:
    sql = sql_connection(connection, dialect, paramstyle)
    sql.check_transaction()
    return sql


def _guard(sql: SqlConnection, election: str, token: int, table: str) -> None:
    check_name(election)
    values = guard_values(election, token)
    statements = guard_statements(sql.dialect, table)
    try:
        with _explained("advancing", election, table, sql.dialect):
            row = sql.read_row(statements.advance_row, values)
            if statements.read_row is not None:
                row = sql.read_row(statements.read_row, values)
    except Exception:  # also for a caller that ignores it, and commits what it has written before
        with suppress(Exception):
            sql.forbid_commit(statements.forbid_commit)
        raise
    written = 0 if row is None else int(row[0])
    if written == token and row is not None and not any(row[1:2]):
        return
    sql.forbid_commit(statements.forbid_commit)
    if written > token:
        raise StaleToken(
            key=f"the row of election {election!r} in table {table}",
            token=token,
            written_token=written,
        )
    if written < token:
        raise TableUnusable(
            f"the row of election {election!r} in table {table} was advanced to {token}, and then"
            f" had {written}. {OTHER_FORM.format(dialect=sql.dialect)}.",
            tables=(table,),
            code="",
        )
    raise InvalidArgument(
        "expected the outermost transaction, got a savepoint: if it is rolled back, so is the"
        " guard; call guard before the first SAVEPOINT"
    )


def read_token(
    connection: Any,  # noqa: ANN401 - as guard takes it
    election: str,
    *,
    table: str = TABLE,
    dialect: DialectName | None = None,
    paramstyle: str | None = None,
) -> int | None:
    """Return the highest token that any committed guard of `election` had, None if there was none.

    It locks nothing: a later term may come as soon as this has returned. It is no guard, then, and
    tells only who is stale. A replica, and a transaction that has read before, may show a lower
    token. The parameters are those of `guard`. Raises `TableUnusable`, and errors of the driver.
    """
    check_name(election)
    statement = sql_fence.read_statement(table)
    sql = sql_connection(connection, dialect, paramstyle)
    with _explained("reading", election, table, sql.dialect):
        row = sql.read_row(statement, {"election": election})
    return None if row is None else int(row[0])


@contextmanager
def _explained(doing: str, election: str, table: str, dialect: Dialect) -> Iterator[None]:
    """Raise `TableUnusable` for what no repetition gets past; note what was done at others."""
    try:
        yield
    except Exception as error:
        what = f"{doing} the row of election {election!r} in table {table}"
        if (found := remedy(error, dialect)) is None:
            error.add_note(f"while {what}")
            raise
        raise TableUnusable(
            f"{what} failed: {described(error)}. {found}.",
            tables=(table,),
            code=str(code_of(error) or ""),
        ) from error


def table_ddl(dialect: DialectName, *, table: str = TABLE) -> str:
    """Return the statement that creates the table of guards, unless there is one.

    A writer needs SELECT, INSERT and UPDATE on it. `dialect` is "postgresql", "mysql", "mariadb"
    (the same as "mysql") or "sqlite".
    """
    return sql_fence.table_ddl(dialect, table)


def trigger_ddl(
    tables: Sequence[str], election: str, *, schema: str = "public", table: str = TABLE
) -> list[str]:
    """Return statements for PostgreSQL (11 or later) that let only guarded transactions write.

    Each of `tables` gets a trigger that refuses INSERT, UPDATE, DELETE, MERGE, COPY and TRUNCATE in
    a transaction without a guard of `election`, with SQLSTATE `STALE_SQLSTATE`. Names without a
    schema are in `schema`; the table of guards, `table`, too. Execute the statements one by one,
    after `table_ddl`'s, as the role that the tables belong to.

    A table has one such trigger: the latest call counts. Names are as in a statement, with quotes
    if they need some (`'"Order lines"'`), as capitals and reserved words do. A role that writes
    needs SELECT, INSERT and UPDATE on the table of guards: let it be another than these.

    Not refused: that role and superusers may drop or disable a trigger. A statement fires only the
    trigger of the table that it names: name a partitioned table or a parent, and those of its
    partitions or children that are written by their own names.
    """
    check_name(election)
    return sql_fence.trigger_ddl(tables, election, schema=schema, table=table)


def drop_trigger_ddl(
    tables: Sequence[str], *, schema: str = "public", table: str = TABLE
) -> list[str]:
    """Return statements that drop what `trigger_ddl` has made with the same names.

    The function is dropped with the last trigger that calls it. The table of guards stays.
    """
    return sql_fence.drop_trigger_ddl(tables, schema=schema, table=table)
