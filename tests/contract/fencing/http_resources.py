"""A log behind an HTTP server that handles one request at a time, and refuses stale tokens.

So the check of a request and its effect are one step. In a server that runs requests side by side
they are two, and the effect needs a guard of its own: `test_http.py` shows both.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from s3leader.errors import StoreUnavailable
from s3leader.fencing.http import (
    ENVIRON_KEY,
    FencedASGI,
    FencedWSGI,
    FencingToken,
    TokenMemory,
    raise_if_stale,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.contract.fencing.resources import Faults, Pause, Writer

ELECTION = "nightly/compaction"
Answer = tuple[int, bytes]


class Server(Protocol):
    def handle(self, value: str, entry: str) -> Answer:
        """Answer a POST with this header and body."""


class Log:
    """What the application keeps. It does nothing for an entry that it has, as it is to be."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.tokens: list[int] = []

    def append(self, token: int, entry: str) -> None:
        self.tokens.append(token)
        if entry and entry not in self.entries:
            self.entries.append(entry)


def post(application: FencedWSGI, value: str, entry: str) -> Answer:
    environ = {"REQUEST_METHOD": "POST", "HTTP_FENCING_TOKEN": value, "entry": entry}
    started: list[Any] = []
    body = b"".join(application(environ, lambda *each: started.extend(each)))
    return int(started[0][:3]), body


class WsgiServer:
    def __init__(self, log: Log, memory: TokenMemory) -> None:
        self.log = log
        self.application = FencedWSGI(self._run, election=ELECTION, memory=memory)

    def _run(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.log.append(environ[ENVIRON_KEY], environ["entry"])
        start_response("204 No Content", [])
        return []

    def handle(self, value: str, entry: str) -> Answer:
        return post(self.application, value, entry)


class AsgiServer:
    def __init__(self, log: Log, memory: TokenMemory) -> None:
        self.log = log
        self.application = FencedASGI(self._run, election=ELECTION, memory=memory)

    async def _run(self, scope: Any, _: Any, send: Any) -> None:
        self.log.append(scope[ENVIRON_KEY], scope["entry"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def handle(self, value: str, entry: str) -> Answer:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"fencing-token", value.encode())]
        scope = {"type": "http", "method": "POST", "headers": headers, "entry": entry}
        asyncio.run(self.application(scope, _nothing, send))
        return sent[0]["status"], sent[1]["body"]


async def _nothing() -> Any: ...


@dataclass
class HttpWriter:
    resource: HttpResource
    token: int

    def claim(self) -> None:
        self.append("")

    def append(self, entry: str, pause: Pause | None = None) -> None:
        """Send the entry until there is an answer; the application recognises repetitions."""
        if pause is not None:
            pause()
        value = FencingToken(ELECTION, self.token).format()
        while True:
            with suppress(ConnectionError):
                status, body = self.resource.send(value, entry)
                raise_if_stale(status, body)
                if status != 204:
                    raise StoreUnavailable(body.decode())
                return


@dataclass
class HttpResource:
    """Its requests may lose their answers, or arrive late."""

    server: Server
    log: Log
    _faults: deque[str] = field(default_factory=deque)
    _late: list[tuple[str, str]] = field(default_factory=list)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    @property
    def faults(self) -> Faults:
        return self

    def lose_answers(self, times: int) -> None:
        self._faults.extend(["answer"] * times)

    def delay_copy(self) -> None:
        self._faults.append("late")

    def deliver_late(self) -> int:
        late, self._late = self._late, []
        for value, entry in late:
            self.server.handle(value, entry)
        return len(late)

    def send(self, value: str, entry: str) -> Answer:
        with self._one_at_a_time:
            fault = self._faults.popleft() if self._faults else None
            if fault == "late":
                self._late.append((value, entry))
                raise ConnectionError
            answer = self.server.handle(value, entry)
            if fault == "answer":
                raise ConnectionError
            return answer

    def writer(self, token: int) -> Writer:
        return HttpWriter(self, token)

    def entries(self) -> list[str]:
        return list(self.log.entries)
