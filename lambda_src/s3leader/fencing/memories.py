"""Memories of the highest token, for a server of HTTP. Public under `s3leader.fencing.http`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from s3leader._core.config import check_name
from s3leader._core.sql_fence import TABLE, DialectName, check_identifier
from s3leader._core.tokens import check_token
from s3leader.errors import InvalidArgument, S3LeaderError, StaleToken, StoreUnavailable

from . import sql

if TYPE_CHECKING:
    from .dynamodb import FenceRow

__all__ = ["ProcessMemory", "RowMemory", "SqlMemory"]


class ProcessMemory:
    """Remembers in this process alone, for a server that is one process.

    A restart forgets: until a request of the latest term comes, every token passes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._highest = 0

    def claim(self, *, token: int) -> None:
        """Raise the memory to `token`, or raise `StaleToken`."""
        check_token(token)
        with self._lock:
            if token < self._highest:
                raise StaleToken(
                    key="the server's memory", token=token, written_token=self._highest
                )
            self._highest = token


class SqlMemory:
    """Remembers in the election's row of the table of guards (`sql.table_ddl`).

    `connect` returns a connection of a driver or of SQLAlchemy (`engine.connect`), which is closed
    after each use. A token that the row has already costs one SELECT, a higher one a transaction.
    The SELECT has to see the latest commit, and nothing that is not committed: connect to the
    primary, not to a replica, and not at the isolation level READ UNCOMMITTED.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        election: str,
        *,
        table: str = TABLE,
        dialect: DialectName | None = None,
        paramstyle: str | None = None,
    ) -> None:
        _check_connect(connect)
        check_name(election)
        check_identifier("table", table)
        self._connect = connect
        self.election = election
        self._options: dict[str, Any] = {
            "table": table,
            "dialect": dialect,
            "paramstyle": paramstyle,
        }

    def claim(self, *, token: int) -> None:
        """Raise the row to `token`, as `sql.guard` does in a transaction of its own.

        Raises `StaleToken`; `TableUnusable` if the table is not as it has to be; `StoreUnavailable`
        for errors of the driver, and if there is no connection.
        """
        check_token(token)
        with _answering("the database"), closing(self._connect()) as connection:
            connection.rollback()  # a pool may hand out a connection with an old snapshot
            written = sql.read_token(connection, self.election, **self._options)
            connection.rollback()  # so that the guard comes first in its transaction
            if written == token:
                return
            with _rolled_back(connection):
                sql.guard(connection, self.election, token, **self._options)
                connection.commit()


def _check_connect(connect: object) -> None:
    if not callable(connect) or hasattr(connect, "cursor"):  # a connection of sqlite3 is callable
        raise InvalidArgument(
            f"connect: expected a function that returns a new connection, such as engine.connect or"
            f" `lambda: psycopg.connect(…)`, got {connect!r}"
        )


@contextmanager
def _rolled_back(connection: Any) -> Iterator[None]:  # noqa: ANN401 - of any driver
    try:
        yield
    except BaseException:
        with suppress(Exception):  # it is closed all the same
            connection.rollback()
        raise


@contextmanager
def _answering(what: str) -> Iterator[None]:
    """Raise `StoreUnavailable` for what is not an error of this package's.

    Its text goes to the client of the server, so it does not repeat the error's.
    """
    try:
        yield
    except S3LeaderError:
        raise
    except Exception as error:
        raise StoreUnavailable(f"{what} does not answer ({type(error).__name__})") from error


class RowMemory:
    """Remembers in a `FenceRow`, and reads it first.

    A token that the row has already costs one consistent read instead of a transaction. The read
    needs dynamodb:GetItem on the row, which `grant_fence_row` does not give.
    """

    def __init__(self, row: FenceRow) -> None:
        if not callable(getattr(row, "read_token", None)):
            raise InvalidArgument(f"row: expected a FenceRow, got {row!r}")
        self._row = row

    def claim(self, *, token: int) -> None:
        """Raise the row to `token`, as `FenceRow.claim` does.

        Raises as that does, but `StoreUnavailable` for errors of boto3.
        """
        check_token(token)
        with _answering("DynamoDB"):
            if self._row.read_token() != token:
                self._row.claim(token=token)
