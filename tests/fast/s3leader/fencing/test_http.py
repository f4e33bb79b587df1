"""Middleware refuses requests before the application runs; a small application shows which ran."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from s3leader._io.memory_store import MemoryStore
from s3leader.aio import AsyncTerm
from s3leader.errors import InvalidArgument, StaleToken
from s3leader.fencing.http import (
    ENVIRON_KEY,
    FencedASGI,
    FencedWSGI,
    FencingToken,
    ProcessMemory,
    TokenMemory,
    fencing_headers,
    raise_if_stale,
)
from s3leader.testing import async_election
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


ODD = [
    "", " ", "3", "3;", 'x;election="nightly"', '03;election="nightly"', '0;election="nightly"',
    '-3;election="nightly"', '+3;election="nightly"', '3.0;election="nightly"',
    '1_0;election="nightly"', '\u0663;election="nightly"', '\uff13;election="nightly"',
    '9999999999999999;election="nightly"', f'{"9" * 5000};election="nightly"',
    '3;Election="nightly"', "3;election=nightly", '3;election="nightly";x=1',
    '3;election="nightly"\t', '3;election="nightly"\n', '3 ;election="nightly"',
    '3;election="nightly",3;election="nightly"', '3;election="Nightly"',
]  # fmt: skip


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:30])
def test_a_header_that_is_not_exactly_a_token_does_not_run(kind: Any, value: str) -> None:
    server = kind(ProcessMemory(), required=False)
    assert (server.send("POST", value)[0], server.ran) == (400, [])


@pytest.mark.parametrize("name", [b"Fencing-Token", b"FENCING-TOKEN"])
def test_a_server_that_leaves_the_names_of_headers_as_they_are_is_understood(name: bytes) -> None:
    """ASGI wants them in lower case. Taken for missing, the token would not be checked here."""
    memory = ProcessMemory()
    memory.claim(token=5)
    server = Asgi(memory, required=False)
    headers = [(name, header(3).encode())]
    start, _ = server.call({"type": "http", "method": "POST", "headers": headers})
    assert (start["status"], server.ran) == (409, [])


def test_safe_methods_run_without_a_token(kind: Any) -> None:
    server = kind(ProcessMemory())
    assert server.send("GET")[0] == 200
    assert server.ran == [None]


def test_the_answer_to_a_head_has_no_body(kind: Any) -> None:
    status, headers, body = kind(ProcessMemory(), exempt_methods=()).send("HEAD")
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
    check = gate.check_with_memory

    def check_and_be_overtaken(token: int) -> Any:
        answer = check(token)
        gate._learn(4)
        return answer

    monkeypatch.setattr(gate, "check_with_memory", check_and_be_overtaken)
    assert server.send("POST", header(3))[0] == 409
    assert server.ran == []


def test_a_stale_token_after_the_answer_has_begun_is_the_server_s_to_handle() -> None:
    server = Asgi(ProcessMemory())
    server.work_after = stop
    with pytest.raises(StaleToken):
        server.send("POST", header(3))


def test_a_web_socket_counts_as_a_get() -> None:
    scope = {"type": "websocket", "headers": []}
    guarded, open_to_all = Asgi(ProcessMemory(), exempt_methods=()), Asgi(ProcessMemory())
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


@pytest.mark.parametrize("term", [34, None, "nightly"])
def test_headers_are_made_of_a_term_and_not_of_its_number(term: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"term: expected the term .* pass the term itself"):
        fencing_headers(term)


def test_headers_are_made_of_an_asyncio_term_too() -> None:
    async def campaign() -> dict[str, str]:
        term = await async_election(store=MemoryStore()).campaign()
        assert isinstance(term, AsyncTerm)
        async with term:
            return fencing_headers(term)

    (header,) = asyncio.run(campaign()).values()
    assert header.startswith("1;")
