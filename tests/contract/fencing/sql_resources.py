"""A log in a table of a database, whose transactions are guarded."""

from __future__ import annotations

import itertools
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pymysql
import pytest

from s3leader.fencing import sql
from tests.contract.fencing.resources import Busy, Pause

if TYPE_CHECKING:
    from pathlib import Path

    from s3leader._core.sql_fence import Dialect
    from tests.contract.fencing.resources import Faults, Writer

ELECTION = "nightly/compaction"
_numbers = itertools.count(1)
_BLOCKED = (psycopg.errors.LockNotAvailable, pymysql.OperationalError, sqlite3.OperationalError)


class AnswerLost(Exception):  # noqa: N818 - not the driver's
    """The connection broke while it waited for the answer to a commit."""


@dataclass
class SqlWriter:
    resource: SqlResource
    token: int

    def claim(self) -> None:
        self.transact(lambda _: None)

    def append(self, entry: str, pause: Pause | None = None) -> None:
        """Append the entry; if an answer is lost, look for it in a new guarded transaction."""

        def insert(cursor: Any) -> None:
            if pause is not None:
                pause()
            mark = self.resource.mark
            cursor.execute(f"SELECT 1 FROM {self.resource.table} WHERE entry = {mark}", (entry,))
            if cursor.fetchone() is None:
                cursor.execute(
                    f"INSERT INTO {self.resource.table} (entry) VALUES ({mark})", (entry,)
                )

        while True:
            try:
                return self.transact(insert)
            except AnswerLost:
                pause = None

    def transact(self, work: Callable[[Any], None]) -> None:
        connection = self.resource.connect()
        try:
            cursor = connection.cursor()
            try:
                sql.guard(connection, ELECTION, self.token, table=self.resource.fence)
            except _BLOCKED as error:
                raise Busy from error
            work(cursor)
            if not self.resource.lost:
                connection.commit()
                return
            if self.resource.lost.popleft():
                connection.commit()
            raise AnswerLost
        finally:
            with suppress(Exception):
                connection.rollback()
            connection.close()


class SqlResource:
    """`connect` makes a connection whose guard does not wait for another transaction."""

    mark = "%s"

    def __init__(self, dialect: Dialect, connect: Callable[[], Any], number: str) -> None:
        name = f"log_{next(_numbers)}"
        self.connect = connect
        self.table, self.fence = name, f"fence_{name}"
        self.lost: deque[bool] = deque()  # whether the commit is applied before its answer is lost
        connection = connect()
        cursor = connection.cursor()
        cursor.execute(sql.table_ddl(dialect, table=self.fence))
        cursor.execute(f"CREATE TABLE {name} (number {number}, entry VARCHAR(100))")
        connection.commit()
        connection.close()

    @property
    def faults(self) -> Faults:
        return self

    def lose_answers(self, times: int) -> None:
        self.lost.extend([True, False][:times])

    def delay_copy(self) -> None:
        pytest.skip("statements belong to a connection: no copy of them arrives later")

    def deliver_late(self) -> int:
        return 0

    def writer(self, token: int) -> Writer:
        return SqlWriter(self, token)

    def entries(self) -> list[str]:
        connection = self.connect()
        cursor = connection.cursor()
        cursor.execute(f"SELECT entry FROM {self.table} ORDER BY number")
        found = [str(row[0]) for row in cursor.fetchall()]
        connection.close()
        return found


class SqliteResource(SqlResource):
    mark = "?"

    def __init__(self, folder: Path) -> None:
        path = folder / f"{next(_numbers)}.db"
        with sqlite3.connect(path) as first:
            first.execute("PRAGMA journal_mode=WAL")  # readers do not delay a commit
        first.close()
        super().__init__(
            "sqlite", lambda: sqlite3.connect(path, timeout=0), "INTEGER PRIMARY KEY AUTOINCREMENT"
        )


def postgresql(address: str) -> SqlResource:
    options = "-c lock_timeout=20ms"
    return SqlResource(
        "postgresql", lambda: psycopg.connect(address, options=options), "serial PRIMARY KEY"
    )


def connect_to_mariadb(port: int, *, seconds: int = 0, **options: Any) -> Any:
    return pymysql.connect(
        host="127.0.0.1", port=port, user="root", database="fenced",
        init_command=f"SET innodb_lock_wait_timeout = {seconds}", **options,
    )  # fmt: skip


def mariadb(port: int) -> SqlResource:
    return SqlResource(
        "mysql", lambda: connect_to_mariadb(port), "INTEGER PRIMARY KEY AUTO_INCREMENT"
    )
