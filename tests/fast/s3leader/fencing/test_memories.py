"""Memories of the highest token, behind the middleware of HTTP and alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from s3leader._core.requests import Read
from s3leader._io.memory_store import MemoryStore
from s3leader.errors import InvalidArgument, StaleToken, TableUnusable
from s3leader.fencing import sql
from s3leader.fencing.dynamodb import FenceRow
from s3leader.fencing.http import ProcessMemory, RowMemory, SqlMemory
from tests.fast.s3leader.fencing.test_fenced_object import fenced
from tests.fast.s3leader.fencing.test_http import ELECTION, Asgi, Wsgi, header


@pytest.fixture(params=[Wsgi, Asgi])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_a_fenced_object_is_a_memory_that_is_written_only_by_higher_tokens(kind: Any) -> None:
    store = MemoryStore()
    servers = [kind(fenced(store, nonce=name)) for name in ("a", "b")]
    order = [(0, 3), (1, 3), (0, 3), (1, 5), (0, 3), (0, 5)]
    assert [servers[at].send("POST", header(token))[0] for at, token in order] == [
        *(200, 200, 200, 200, 409, 200)
    ]
    assert sum(not isinstance(each, Read) for each in store.requests) == 2


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "server.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql.table_ddl("sqlite"))
    return path


def test_a_row_of_a_database_is_a_memory_that_is_written_only_by_higher_tokens(
    database: Path, kind: Any
) -> None:
    said: list[str] = []

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(database)
        connection.set_trace_callback(said.append)
        return connection

    servers = [kind(SqlMemory(connect, ELECTION)) for _ in range(2)]
    order = [(0, 3), (1, 3), (0, 3), (1, 5), (0, 3), (0, 5)]
    assert [servers[at].send("POST", header(token))[0] for at, token in order] == [
        *(200, 200, 200, 200, 409, 200)
    ]
    assert sum("COMMIT" in each for each in said) == 2


def test_the_guard_of_a_memory_comes_first_in_its_transaction(database: Path) -> None:
    said: list[str] = []

    class Noting(sqlite3.Connection):
        def rollback(self) -> None:
            said.append("ROLLBACK")
            super().rollback()

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(database, factory=Noting)
        connection.set_trace_callback(lambda text: said.append(text.split()[0]))
        return connection

    SqlMemory(connect, ELECTION).claim(token=3)
    assert said[: said.index("INSERT")] == ["ROLLBACK", "SELECT", "ROLLBACK", "BEGIN"]


def test_a_missing_table_of_guards_is_explained(tmp_path: Path) -> None:
    memory = SqlMemory(lambda: sqlite3.connect(tmp_path / "empty.db"), ELECTION)
    with pytest.raises(TableUnusable, match=r"table_ddl\('sqlite'\)"):
        memory.claim(token=3)


def test_a_database_that_cannot_be_reached_answers_as_a_memory_that_does_not(
    kind: Any, tmp_path: Path
) -> None:
    """The client sees no address and no account of the database."""
    memory = SqlMemory(lambda: sqlite3.connect(tmp_path / "no" / "secret.db"), ELECTION)
    server = kind(memory)
    status, _, body = server.send("POST", header(3))
    assert (status, b"secret" in body, server.ran) == (503, False, [])


def test_a_row_that_cannot_be_read_answers_as_a_memory_that_does_not(kind: Any) -> None:
    client = boto3.client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
        endpoint_url="http://127.0.0.1:9", config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    server = kind(RowMemory(FenceRow(client, key={"id": {"S": "f"}}, table="t")))
    status, _, _ = server.send("POST", header(3))
    assert (status, server.ran) == (503, [])


def test_a_pooled_connection_with_an_old_snapshot_does_not_let_a_stale_token_pass(
    tmp_path: Path,
) -> None:
    path = tmp_path / "fence.db"
    with closing(sqlite3.connect(path)) as first:
        first.execute("PRAGMA journal_mode=WAL")
        first.execute(sql.table_ddl("sqlite"))
        sql.guard(first, ELECTION, 3)
        first.commit()
        pooled = sqlite3.connect(path)
        pooled.execute("BEGIN")
        assert sql.read_token(pooled, ELECTION) == 3
        sql.guard(first, ELECTION, 5)
        first.commit()
    with pytest.raises(StaleToken):
        SqlMemory(lambda: pooled, ELECTION).claim(token=3)


def test_a_connection_is_closed_also_if_it_fails(tmp_path: Path) -> None:
    made: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        made.append(sqlite3.connect(tmp_path / "empty.db"))
        return made[-1]

    with pytest.raises(TableUnusable):
        SqlMemory(connect, ELECTION).claim(token=3)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        made[0].execute("SELECT 1")


@pytest.mark.parametrize("token", [0, -1, True, "3"])
def test_what_is_no_token_is_not_remembered(token: Any) -> None:
    for memory in (ProcessMemory(), SqlMemory(pytest.fail, ELECTION)):
        with pytest.raises(InvalidArgument):
            memory.claim(token=token)


def test_a_memory_of_no_known_kind_is_refused_when_the_middleware_is_made(kind: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"memory: expected .* got \{\}"):
        kind({})


def test_a_connection_is_not_taken_for_a_function_that_connects() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        for wrong in (connection, object(), None):
            with pytest.raises(InvalidArgument, match="connect: expected a function"):
                SqlMemory(wrong, ELECTION)  # type: ignore[arg-type]


def test_names_and_rows_of_memories_are_checked_when_they_are_made() -> None:
    with pytest.raises(InvalidArgument, match="a//b"):
        SqlMemory(print, "a//b")
    with pytest.raises(InvalidArgument, match="table: expected"):
        SqlMemory(print, ELECTION, table="a b")
    with pytest.raises(InvalidArgument, match="row: expected a FenceRow"):
        RowMemory({"id": "nightly"})  # type: ignore[arg-type]


def test_a_memory_of_another_election_is_refused_when_the_middleware_is_made(kind: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected that of the memory, 'another'"):
        kind(SqlMemory(print, "another"))
