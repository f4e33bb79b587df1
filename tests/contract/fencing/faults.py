"""An HTTP proxy that loses the answers to writes, or delivers writes late."""

from __future__ import annotations

import json
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOP_BY_HOP = {"connection", "expect", "keep-alive", "transfer-encoding", "content-length"}
_WRITES = ("TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class FaultyProxy:
    """Passes requests to `server`, except as many writes as are to be lost or delayed."""

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self._server = (str(parts.hostname), int(parts.port or 80))
        self._faults: deque[str | Answer] = deque()
        self._late: list[tuple[str, str, dict[str, str], bytes]] = []
        self.writes = 0
        self.signatures: list[str] = []  # of the writes
        self.spared: str | None = None  # in the path of writes to which nothing happens
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_any(self) -> None:
                proxy._handle(self)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_any  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def lose_answers(self, times: int) -> None:
        """The server performs the next writes, and the client sees the connection closed."""
        self._faults.extend(["answer"] * times)

    def corrupt_answer(self) -> None:
        """The server performs the next write, and its answer does not match its checksum."""
        self._faults.append("checksum")

    def delay_copy(self) -> None:
        """The next write arrives only at `deliver_late`; the client sees the connection closed."""
        self._faults.append("late")

    def refuse(self, status: int, error: str, **fields: object) -> None:
        """Answer the next write with an error of DynamoDB; the server does not see it."""
        body = json.dumps({"__type": f"com.amazonaws.dynamodb#{error}", **fields})
        kind = [("Content-Type", "application/x-amz-json-1.0")]
        self._faults.append(Answer(status, kind, body.encode()))

    def deliver_late(self) -> int:
        """Send what was delayed to the server; return how much that was."""
        late, self._late = self._late, []
        for request in late:
            self._perform(*request)
        return len(late)

    def forget(self) -> None:
        """Have no further faults, and nothing that is delayed."""
        self._faults.clear()
        self._late.clear()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        target = handler.headers.get("X-Amz-Target", "")
        is_write = handler.command == "PUT" or target.endswith(_WRITES)
        headers = {k: v for k, v in handler.headers.items() if k.lower() not in _HOP_BY_HOP}
        request = (handler.command, handler.path, headers, body)
        self.writes += is_write
        self.signatures += [str(handler.headers.get("Authorization"))] * is_write
        spared = self.spared is not None and self.spared in handler.path
        fault = self._faults.popleft() if is_write and self._faults and not spared else None
        if fault == "late":
            self._late.append(request)
        answer = fault if isinstance(fault, Answer) else None
        if not isinstance(fault, Answer) and fault != "late":
            answer = self._perform(*request)
        if answer is None or fault == "answer":
            handler.close_connection = True
            return
        handler.send_response_only(answer.status)  # Date is the server's
        if fault == "checksum":
            handler.send_header("x-amz-crc32", "1")
        for name, value in answer.headers:
            if name.lower() not in _HOP_BY_HOP | ({"x-amz-crc32"} if fault else set()):
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)

    def _perform(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        connection = HTTPConnection(*self._server, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()


@contextmanager
def faulty(server: str) -> Iterator[FaultyProxy]:
    proxy = FaultyProxy(server)
    try:
        yield proxy
    finally:
        proxy.close()
