"""Middleware refuses requests before the application runs; a small application shows which ran."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from s3leader._core.requests import Read
from s3leader._io.memory_store import MemoryStore
from s3leader.errors import InvalidArgument, StaleToken
from s3leader.fencing import sql
from s3leader.fencing.http import (
    ENVIRON_KEY,
    FencedASGI,
    FencedWSGI,
    FencingToken,
    ProcessMemory,
    SqlMemory,
    TokenMemory,
    fencing_headers,
    raise_if_stale,
)
from tests.fast.s3leader.fencing.test_fenced_object import fenced
from tests.fast.s3leader.one_bucket import OneBucket, won

ELECTION = "nightly"
Answer = tuple[int, dict[str, str], bytes]


def header(token: int) -> str:
    return FencingToken(ELECTION, token).format()


class Wsgi:
    def __init__(self, memory: TokenMemory, **options: Any) -> None:
        self.ran: list[Any] = []
        self.work: Callable[[int], object] = lambda _: None
        self.work_after = self.work
        self.app = FencedWSGI(self._run, election=ELECTION, memory=memory, **options)

    def _run(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.ran.append(environ.get(ENVIRON_KEY))
        self.work(self.ran[-1])
        start_response("200 OK", [])
        return [b"done"]

    def send(self, method: str, *values: str) -> Answer:
        environ = {"REQUEST_METHOD": method}
        if values:
            environ["HTTP_FENCING_TOKEN"] = ",".join(values)
        started: list[Any] = []
        body = b"".join(self.app(environ, lambda *started_with: started.extend(started_with)))
        return int(started[0][:3]), dict(started[1]), body


class Asgi:
    def __init__(self, memory: TokenMemory, **options: Any) -> None:
        self.ran: list[Any] = []
        self.work: Callable[[int], object] = lambda _: None
        self.work_after = self.work
        self.app = FencedASGI(self._run, election=ELECTION, memory=memory, **options)

    async def _run(self, scope: Any, _: Any, send: Any) -> None:
        self.ran.append(scope.get(ENVIRON_KEY))
        self.work(self.ran[-1])
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            self.work_after(self.ran[-1])
            await send({"type": "http.response.body", "body": b"done"})

    def call(self, scope: dict[str, Any]) -> list[Any]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        return sent

    def send(self, method: str, *values: str) -> Answer:
        headers = [(b"fencing-token", value.encode()) for value in values]
        start, body = self.call({"type": "http", "method": method, "headers": headers})
        named = {name.decode().title(): value.decode() for name, value in start["headers"]}
        return start["status"], named, body["body"]


@pytest.fixture(params=[Wsgi, Asgi])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_the_application_is_called_with_the_token_of_an_admitted_request(kind: Any) -> None:
    server = kind(ProcessMemory())
    assert server.send("POST", header(3))[2] == b"done"
    assert server.ran == [3]


def test_a_stale_request_gets_a_problem_with_both_numbers_and_does_not_run(kind: Any) -> None:
    server = kind(ProcessMemory())
    server.send("POST", header(5))
    status, headers, body = server.send("POST", header(3))
    assert (status, headers["Content-Type"]) == (409, "application/problem+json")
    assert headers["Content-Length"] == str(len(body))
    problem = json.loads(body)
    assert (problem["token"], problem["written_token"]) == (3, 5)
    assert server.ran == [5]


def test_the_client_gets_the_refusal_as_an_error(kind: Any) -> None:
    server = kind(ProcessMemory())
    server.send("POST", header(5))
    status, _, body = server.send("POST", header(3))
    with pytest.raises(StaleToken, match=r"carries fencing token 5.* token 3 is refused"):
        raise_if_stale(status, body)
    status, _, body = server.send("POST", header(5))
    raise_if_stale(status, body)


def test_a_missing_a_malformed_and_a_repeated_header_do_not_run(kind: Any) -> None:
    server = kind(ProcessMemory())
    answers = [server.send("POST", *each)[0] for each in ((), ("x",), (header(3), header(3)))]
    assert answers == [428, 400, 400]
    assert server.ran == []


def test_safe_methods_run_without_a_token(kind: Any) -> None:
    server = kind(ProcessMemory())
    assert server.send("GET")[0] == 200
    assert server.ran == [None]


def test_the_answer_to_a_head_has_no_body(kind: Any) -> None:
    status, headers, body = kind(ProcessMemory(), unguarded=()).send("HEAD")
    assert (status, body) == (428, b"")
    assert int(headers["Content-Length"]) > 0


def test_an_error_of_the_memory_does_not_run_the_application(kind: Any) -> None:
    class Broken:
        def claim(self, *, token: int) -> None:
            raise ConnectionError(str(token))

    server = kind(Broken())
    with pytest.raises(ConnectionError):
        server.send("POST", header(3))
    assert server.ran == []


def stop(_: int) -> None:
    raise StaleToken(key="row", token=3, written_token=9)


def test_a_guard_of_the_application_s_own_is_answered_in_the_same_way(kind: Any) -> None:
    server = kind(ProcessMemory())
    server.work = stop
    status, _, body = server.send("POST", header(3))
    with pytest.raises(StaleToken, match=r"carries fencing token 9.* token 3 is refused"):
        raise_if_stale(status, body)


def test_a_stale_token_of_the_application_s_own_leadership_is_not_the_client_s(kind: Any) -> None:
    server = kind(ProcessMemory())
    server.work = stop  # token 3, which is not that of the request
    with pytest.raises(StaleToken):
        server.send("POST", header(5))


def test_a_request_that_a_higher_token_overtook_in_the_event_loop_does_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The thread has admitted it, and the loop admits another before it goes on with this one."""
    server = Asgi(ProcessMemory())
    gate = server.app._gate
    ask = gate.ask

    def ask_and_be_overtaken(token: int) -> Any:
        answer = ask(token)
        gate._learn(4)
        return answer

    monkeypatch.setattr(gate, "ask", ask_and_be_overtaken)
    assert server.send("POST", header(3))[0] == 409
    assert server.ran == []


def test_a_stale_token_after_the_answer_has_begun_is_the_server_s_to_handle() -> None:
    server = Asgi(ProcessMemory())
    server.work_after = stop
    with pytest.raises(StaleToken):
        server.send("POST", header(3))


def test_a_web_socket_counts_as_a_get() -> None:
    scope = {"type": "websocket", "headers": []}
    guarded, open_to_all = Asgi(ProcessMemory(), unguarded=()), Asgi(ProcessMemory())
    assert guarded.call(scope) == [{"type": "websocket.close", "code": 1008}]
    open_to_all.call(scope)
    assert (guarded.ran, open_to_all.ran) == ([], [None])


def test_the_lifespan_of_an_asgi_server_reaches_the_application() -> None:
    server = Asgi(ProcessMemory())
    server.call({"type": "lifespan"})
    assert server.ran == [None]


def test_the_scope_of_the_server_is_not_changed() -> None:
    scope: dict[str, Any] = {"type": "http", "method": "POST"}
    scope["headers"] = [(b"fencing-token", header(3).encode())]
    Asgi(ProcessMemory()).call(scope)
    assert ENVIRON_KEY not in scope


def test_the_event_loop_runs_on_while_the_memory_is_asked() -> None:
    """The memory answers only after the event loop has done something else."""
    asked, looped = threading.Event(), threading.Event()

    class Slow:
        def claim(self, *, token: int) -> None:
            asked.set()
            assert looped.wait(60), token

    server = Asgi(Slow())

    async def both() -> None:
        async def nothing(*_: Any) -> None: ...

        headers = [(b"fencing-token", header(3).encode())]
        scope = {"type": "http", "method": "POST", "headers": headers}
        request = asyncio.create_task(server.app(scope, nothing, nothing))  # type: ignore[arg-type]
        await asyncio.to_thread(asked.wait, 60)
        looped.set()
        await request

    asyncio.run(both())
    assert server.ran == [3]


def test_a_term_gives_the_headers_of_its_requests() -> None:
    term = won(OneBucket().election().campaign())
    assert fencing_headers(term) == {"Fencing-Token": '1;election="e"'}


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
    assert said[: said.index("INSERT")] == ["SELECT", "ROLLBACK", "BEGIN"]


def test_a_missing_table_of_guards_is_explained(tmp_path: Path) -> None:
    memory = SqlMemory(lambda: sqlite3.connect(tmp_path / "empty.db"), ELECTION)
    with pytest.raises(sqlite3.OperationalError) as error:
        memory.claim(token=3)
    assert "table_ddl('sqlite')" in " ".join(error.value.__notes__)


def test_a_connection_is_closed_also_if_it_fails(tmp_path: Path) -> None:
    made: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        made.append(sqlite3.connect(tmp_path / "empty.db"))
        return made[-1]

    with pytest.raises(sqlite3.OperationalError):
        SqlMemory(connect, ELECTION).claim(token=3)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        made[0].execute("SELECT 1")


@pytest.mark.parametrize("token", [0, -1, True, "3"])
def test_what_is_no_token_is_not_remembered(token: Any) -> None:
    for memory in (ProcessMemory(), SqlMemory(pytest.fail, ELECTION)):
        with pytest.raises(InvalidArgument):
            memory.claim(token=token)


def test_a_memory_of_no_known_kind_is_refused_when_the_middleware_is_made(kind: Any) -> None:
    with pytest.raises(InvalidArgument, match="got dict"):
        kind({})
