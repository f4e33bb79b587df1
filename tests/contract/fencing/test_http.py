"""Middleware with memories on real stores, and what it cannot do by itself."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from sqlalchemy.pool import NullPool

from s3leader.errors import StaleToken
from s3leader.fencing import FencedObject, sql
from s3leader.fencing.dynamodb import FenceRow
from s3leader.fencing.http import (
    ENVIRON_KEY,
    FencedWSGI,
    FencingToken,
    RowMemory,
    SqlMemory,
    TokenMemory,
)
from tests.contract.fencing.conftest import Clients
from tests.contract.fencing.http_resources import ELECTION, HttpWriter, Log, WsgiServer, post
from tests.contract.fencing.resources import create_bucket, create_table
from tests.contract.fencing.sql_resources import connect_to_mariadb
from tests.contract.fencing.test_fencing_page import run

STORES = ["object", "table", "client", "row"]
DATABASES = ["postgresql", "mariadb", "sqlalchemy"]


@pytest.fixture(params=[*STORES, *DATABASES])
def memories(request: pytest.FixtureRequest) -> Callable[[], TokenMemory]:
    """A function that returns the memory of one more process of a server."""
    if request.param == "sqlalchemy":
        return _sqlalchemy(request.getfixturevalue("tmp_path"))
    if request.param in DATABASES:
        return _sql(request.param, request)
    clients: Clients = request.getfixturevalue("clients")("ministack")
    if request.param == "object":
        s3 = clients.make("client", "s3", direct=True)
        bucket = create_bucket(s3)
        return lambda: FencedObject("token.json", bucket=bucket, client=s3)
    client = clients.make("client", "dynamodb", direct=True)
    table = create_table(client)
    if request.param == "client":
        return lambda: RowMemory(FenceRow(client, table=table, key={"id": {"S": ELECTION}}))
    row = FenceRow(
        clients.make("resource", "dynamodb", direct=True).Table(table), key={"id": ELECTION}
    )
    return lambda: RowMemory(row) if request.param == "table" else row


def _sql(name: str, request: pytest.FixtureRequest) -> Callable[[], TokenMemory]:
    server = request.getfixturevalue(name)
    is_postgresql = name == "postgresql"

    def connect() -> Any:
        return psycopg.connect(server) if is_postgresql else connect_to_mariadb(server, seconds=50)

    table = "fence_of_http"
    with closing(connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute(sql.table_ddl("postgresql" if is_postgresql else "mysql", table=table))
        connection.commit()
    return lambda: SqlMemory(connect, ELECTION, table=table)


def _sqlalchemy(folder: Path) -> Callable[[], TokenMemory]:
    engine = sqlalchemy.create_engine(f"sqlite:///{folder}/fence.db", poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(sql.table_ddl("sqlite"))
    return lambda: SqlMemory(engine.connect, ELECTION)


def test_processes_of_one_server_share_what_they_have_seen(
    memories: Callable[[], TokenMemory],
) -> None:
    log = Log()
    first, second = (WsgiServer(log, memories()) for _ in range(2))
    order = [(first, 3), (second, 3), (second, 5), (first, 3), (first, 5), (first, 4)]
    statuses = [server.handle(f'{token};election="{ELECTION}"', "")[0] for server, token in order]
    assert statuses == [204, 204, 204, 409, 204, 409]
    assert log.tokens == [3, 3, 5, 5]


def test_a_row_that_has_the_token_is_only_read(clients: Callable[[str], Clients]) -> None:
    made = clients("ministack")
    client = made.make("client", "dynamodb", direct=True)
    through = made.make("client", "dynamodb")
    row = FenceRow(through, table=create_table(client), key={"id": {"S": "fence"}})
    before = made.proxy.writes
    for _ in range(3):
        RowMemory(row).claim(token=3)
    assert made.proxy.writes == before + 1
    assert row.read_token() == 3


class Side:
    """A server whose first request is paused in the application, while others are handled."""

    def __init__(self, database: Path, write: Callable[[Any, int, str], None]) -> None:
        self.database, self.write = database, write
        self.pauses: list[Callable[[], None]] = []
        with closing(self.connect()) as connection:
            connection.execute(sql.table_ddl("sqlite"))
            connection.execute("CREATE TABLE log (entry TEXT)")
        memory = SqlMemory(self.connect, ELECTION)
        self.application = FencedWSGI(self._run, election=ELECTION, memory=memory)

    def connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.database)

    def _run(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self.pauses:
            self.pauses.pop()()
        with closing(self.connect()) as connection:
            self.write(connection, environ[ENVIRON_KEY], environ["entry"])
            connection.commit()
        start_response("204 No Content", [])
        return []

    def send(self, value: str, entry: str) -> tuple[int, bytes]:
        return post(self.application, value, entry)

    def run(self) -> list[str]:
        """Pause a request of token 3 after its check, and handle one of token 5; return the log."""
        old, new = (HttpWriter(self, token) for token in (3, 5))  # type: ignore[arg-type]
        self.pauses.append(lambda: new.append("5"))
        old.append("3")
        return self.entries()

    def entries(self) -> list[str]:
        with closing(self.connect()) as connection:
            return [row[0] for row in connection.execute("SELECT entry FROM log ORDER BY rowid")]


def insert(connection: sqlite3.Connection, _: int, entry: str) -> None:
    connection.execute("INSERT INTO log VALUES (?)", (entry,))


def guard_and_insert(connection: sqlite3.Connection, token: int, entry: str) -> None:
    sql.guard(connection, ELECTION, token)
    insert(connection, token, entry)


def test_a_request_that_was_admitted_before_its_successor_s_may_write_after_it(
    tmp_path: Path,
) -> None:
    assert Side(tmp_path / "bank.db", insert).run() == ["5", "3"]


def test_it_does_not_if_the_application_guards_its_transaction(tmp_path: Path) -> None:
    server = Side(tmp_path / "bank.db", guard_and_insert)
    with pytest.raises(StaleToken):
        server.run()
    assert server.entries() == ["5"]


def test_an_asgi_application_finds_the_token_in_its_scope() -> None:
    application = run("FencedASGI(")["application"]

    def answer(method: str, *headers: tuple[bytes, bytes]) -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": method, "headers": headers}
        asyncio.run(application(scope, None, send))
        return [sent[0]["status"], sent[1]["body"]]

    token = FencingToken("nightly-credits", 34).format().encode()
    assert answer("POST", (b"fencing-token", token)) == [200, b"34"]
    assert answer("GET") == [200, b"None"]
    assert answer("POST")[0] == 428
