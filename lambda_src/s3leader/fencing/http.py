"""HTTP requests that a server refuses from stale leaders: a header, and WSGI and ASGI middleware.

What is **not** guaranteed, first. The check of a request and its effect are two steps: a request
that was admitted before its successor's may still be running, and may write after it. Where that
matters, let the application check again in the transaction that writes (`sql.guard` or a
`FenceRow`, with the token that it finds in `environ` or `scope`). A server is safe from a stale
leader only once a request of a later term has reached it. The header proves nothing: a
client that sends a high token shuts the leader out, so let authentication come first.
Equal tokens pass, those of a clone of the leader's process too.

    requests.post(url, headers=fencing_headers(term), json=…)        # the leader

    application = FencedWSGI(application, election="nightly-credits", memory=memory)  # the server

A refused request does not reach the application. The answer is a problem of RFC 9457:

    409 with both numbers    the token is lower than one that has been here; do not try again
    428                      there is no token
    400                      the header is malformed, or of another election
    503                      the memory does not answer; try again

It is 409 and not 412, because that is for the conditions of HTTP's own headers (`If-Match`), which
clients meet by reading again and trying again.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from s3leader._core.fencing_header import (
    HEADER,
    SAFE_METHODS,
    FencingToken,
    Problem,
    stale,
    stale_token,
)
from s3leader._io.token_gate import (
    Admitted,
    NeedsMemory,
    NotChecked,
    TokenGate,
    TokenMemory,
)
from s3leader.errors import InvalidArgument, StaleToken

from .memories import ProcessMemory, RowMemory, SqlMemory

if TYPE_CHECKING:
    from s3leader.aio import AsyncTerm
    from s3leader.term import Term

__all__ = [
    "ENVIRON_KEY",
    "HEADER",
    "SAFE_METHODS",
    "FencedASGI",
    "FencedWSGI",
    "FencingToken",
    "ProcessMemory",
    "RowMemory",
    "SqlMemory",
    "TokenMemory",
    "fencing_headers",
    "raise_if_stale",
]

ENVIRON_KEY: Final = "s3leader.fencing_token"
_WSGI_NAME: Final = "HTTP_FENCING_TOKEN"
_ASGI_NAME: Final = b"fencing-token"
_POLICY_VIOLATION: Final = 1008  # the close code of a web socket

Environ = dict[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def fencing_headers(term: Term | AsyncTerm) -> dict[str, str]:
    """Return the headers of a leader's request. Call `term.ensure_held()` before you send it."""
    if not isinstance(getattr(term, "election", None), str) or not hasattr(term, "number"):
        raise InvalidArgument(
            f"term: expected the term of the leader, got {term!r}; pass the term itself, not its"
            f" number: the header also names the election"
        )
    return {HEADER: FencingToken(term.election, term.number).format()}


def raise_if_stale(status: int, body: bytes | str) -> None:
    """Raise `StaleToken` if an answer refuses the request as a stale leader's; then stop."""
    if (error := stale_token(status, body)) is not None:
        raise error


class FencedWSGI:
    """Passes a WSGI application the requests of the latest term of `election`.

    `memory` is a `FencedObject`, a `FenceRow`, or one of the classes here; each is for one
    election. Requests with one of the `exempt_methods` pass without a check. Others need a
    token; if `required` is False, those without one pass too. The application finds the number at
    `environ["s3leader.fencing_token"]`; it is absent if nothing was checked. A `StaleToken` that
    it raises for this token, from a guard of its own, is answered in the same way, if it comes
    before the application has returned: a generator runs only afterwards.

    The memory is asked about each token, because another process of the server may have seen a
    higher one; only a lower one than this process has seen is refused at once. With `cache`, the
    highest one passes for that time after the memory confirmed it: so another process may admit a
    deposed leader for as long after its successor's first request. Other errors of the memory than
    `StaleToken` and `StoreUnavailable` are raised, and the application is not called.
    """

    def __init__(
        self,
        application: Callable[[Environ, Any], Iterable[bytes]],
        *,
        election: str,
        memory: TokenMemory,
        required: bool = True,
        exempt_methods: Collection[str] = SAFE_METHODS,
        cache: timedelta | None = None,
    ) -> None:
        self._application = application
        self._gate = TokenGate(
            election, memory, required=required, exempt_methods=exempt_methods, cache=cache
        )

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
        """Answer a request, or let the application do so."""
        value = environ.get(_WSGI_NAME)
        answer = self._gate.decide(environ["REQUEST_METHOD"], [] if value is None else [value])
        if isinstance(answer, NeedsMemory):
            answer = self._gate.check_with_memory(answer.token)
        if isinstance(answer, Problem):
            return _answer(environ, answer, start_response)
        if isinstance(answer, NotChecked):
            return self._application(environ, start_response)
        environ[ENVIRON_KEY] = answer.token
        try:
            return self._application(environ, start_response)
        except StaleToken as error:
            if error.token != answer.token:
                raise  # not of this request: the application has written with a token of its own
            problem = stale(self._gate.election, error.token, error.written_token)
            return _answer(environ, problem, start_response, sys.exc_info())


def _answer(
    environ: Environ,
    problem: Problem,
    start_response: Any,  # noqa: ANN401 - WSGI's
    *failed: object,
) -> list[bytes]:
    start_response(f"{problem.status.value} {problem.status.phrase}", problem.headers(), *failed)
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else problem.body()]


class FencedASGI:
    """Passes an ASGI application the requests of the latest term; otherwise as `FencedWSGI`.

    The application finds the number at `scope["s3leader.fencing_token"]`. The memory is asked in
    a thread of asyncio's, so the server has to run on asyncio. A web socket counts as a GET when
    it is opened, and what is sent over it later is not checked.
    """

    def __init__(
        self,
        application: Callable[[Any, Receive, Send], Awaitable[None]],
        *,
        election: str,
        memory: TokenMemory,
        required: bool = True,
        exempt_methods: Collection[str] = SAFE_METHODS,
        cache: timedelta | None = None,
    ) -> None:
        self._application = application
        self._gate = TokenGate(
            election, memory, required=required, exempt_methods=exempt_methods, cache=cache
        )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or let the application do so."""
        if scope["type"] not in {"http", "websocket"}:
            await self._application(scope, receive, send)
            return
        header_values = [
            value.decode("latin-1")
            for name, value in scope["headers"]
            if name.lower() == _ASGI_NAME
        ]
        answer = self._gate.decide(scope.get("method", "GET"), header_values)
        if isinstance(answer, NeedsMemory):
            answer = await asyncio.to_thread(self._gate.check_with_memory, answer.token)
            if isinstance(answer, Admitted):  # the loop may have admitted a higher one since
                answer = self._gate.still_admitted(answer)
        if isinstance(answer, Problem):
            await _refuse(scope, answer, receive, send)
            return
        if isinstance(answer, NotChecked):
            await self._application(scope, receive, send)
            return
        scope = {**scope, ENVIRON_KEY: answer.token}
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._application(scope, receive, send_and_note)
        except StaleToken as error:  # of a guard of its own
            if started or scope["type"] != "http" or error.token != answer.token:
                raise
            problem = stale(self._gate.election, error.token, error.written_token)
            await _refuse(scope, problem, receive, send)


async def _refuse(scope: Message, problem: Problem, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return
    headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers()]
    start = {"type": "http.response.start", "status": problem.status.value, "headers": headers}
    await send(start)
    body = b"" if scope["method"] == "HEAD" else problem.body()
    await send({"type": "http.response.body", "body": body})
