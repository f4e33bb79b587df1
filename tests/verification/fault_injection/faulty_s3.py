"""A faulty S3 on loopback: `MemoryStore` behind HTTP, and a fault plan for requests and answers."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from s3leader._core.requests import (
    Applied,
    Conflict,
    Create,
    Found,
    List,
    Listed,
    Missing,
    Read,
    Replace,
    StoreAnswer,
    StoreRequest,
    Tag,
)
from s3leader._io.memory_store import MemoryStore
from tests.verification.event_log import now_ns
from tests.verification.fault_injection.faults import ERRORS, NOT_APPLIED, Fault, FaultPlan


@dataclass(frozen=True)
class Answer:
    """An answer by HTTP, which `date_s` completes."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def encode(self, date_s: float, *, date_first: bool) -> bytes:
        """Return the bytes of the answer; `date_s` is the time by S3's clock."""
        date = {"Date": formatdate(int(date_s), usegmt=True)}
        others = {"Content-Length": str(len(self.body)), **self.headers}
        lines = date | others if date_first else others | date
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"HTTP/1.1 {self.status} So\r\n{head}\r\n".encode() + self.body


class FaultyS3(ThreadingHTTPServer):
    """One bucket. Its front ends' clocks differ; `Last-Modified` is by the one that wrote.

    `writes` are those that were applied, in order, with the time of the event logs' clock.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, plan: FaultPlan) -> None:
        """Listen; `serve_forever` begins to answer."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.writes: list[tuple[int, Create | Replace]] = []
        self.requests = 0
        self._plan = plan
        self._ahead_s = 0.0
        self._lock = threading.Lock()
        self._store = MemoryStore(
            clock_ms=lambda: int((time.time() + self._ahead_s) * 1000), observer=self._record
        )

    def draw(self) -> Fault:
        """Count a request, and return its fault."""
        with self._lock:
            self.requests += 1
            return self._plan.draw()

    def perform(self, request: StoreRequest, ahead_s: float) -> StoreAnswer:
        """Apply a request at a front end whose clock is that much ahead."""
        with self._lock:
            self._ahead_s = ahead_s
            return self._store.perform(request)

    def _record(self, request: StoreRequest, answer: StoreAnswer) -> None:
        if isinstance(request, Create | Replace) and isinstance(answer, Applied):
            self.writes.append((now_ns(), request))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyS3

    def handle(self) -> None:
        with suppress(OSError):  # the client gave up
            super().handle()

    def do_GET(self) -> None:
        request, fault = self._parse(), self.server.draw()
        if fault.kind == "late":
            time.sleep(fault.delay_s)
        answer = self._apply(request, fault)
        whole = answer.encode(time.time() + fault.ahead_s, date_first=fault.date_first)
        begin, end = 0, len(whole)
        match fault.kind:
            case "lost" | "dropped":
                end = 0
            case "cut":
                end = int(end * fault.share)
            case "short body" if answer.body:
                end -= 1 + int((len(answer.body) - 1) * fault.share)
            case "slow":
                begin = int(end * fault.share)
                self.wfile.write(whole[:begin])
                time.sleep(fault.delay_s)
        self.close_connection = end < len(whole)
        self.wfile.write(whole[begin:end])

    do_PUT = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _apply(self, request: StoreRequest, fault: Fault) -> Answer:
        answer = _error(500, "InternalError")
        if fault.kind == "echo":
            self.server.perform(request, fault.ahead_s)  # nobody hears that answer
        if fault.kind not in NOT_APPLIED:
            answer = _response(self.server.perform(request, fault.ahead_s))
        if fault.kind == "twice":
            again = threading.Timer(fault.delay_s, self.server.perform, (request, fault.ahead_s))
            again.daemon = True
            again.start()
        return _error(*ERRORS[fault.kind]) if fault.kind in ERRORS else answer

    def _parse(self) -> StoreRequest:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        url = urlsplit(self.path)
        key = unquote(url.path.removeprefix("/").partition("/")[2])
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        if self.command == "GET" and not key:
            after, token = query.get("start-after"), query.get("continuation-token")
            return List(query["prefix"], after, token)
        if self.command == "GET":
            return Read(key)
        if "tagging" in query:
            return Tag(key)
        if self.headers["If-None-Match"] == "*":
            return Create(key, body)
        etag = self.headers["If-Match"].strip('"')
        return Replace(key, body, f'"{etag}"')


def _error(status: int, code: str) -> Answer:
    text = f"<Error><Code>{code}</Code><Message>{code}, it says</Message></Error>"
    return Answer(status, text.encode(), {"Content-Type": "application/xml"})


def _response(answer: StoreAnswer) -> Answer:
    match answer:
        case Listed():
            return _page(answer)
        case Found():
            modified = formatdate(answer.modified_ms // 1000, usegmt=True)
            return Answer(200, answer.body, {"ETag": answer.etag, "Last-Modified": modified})
        case Applied():
            return Answer(200, b"", {"ETag": answer.etag} if answer.etag else {})
        case Conflict():
            return _error(412, "PreconditionFailed")
        case Missing():
            return _error(404, "NoSuchKey")
    raise AssertionError(f"unexpected answer {answer}")


def _page(page: Listed) -> Answer:
    items = "".join(f"<Contents><Key>{escape(quote(key))}</Key></Contents>" for key in page.keys)
    token = "" if page.next_token is None else escape(page.next_token)
    next_token = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    text = (
        f"<ListBucketResult><EncodingType>url</EncodingType><KeyCount>{len(page.keys)}</KeyCount>"
        f"<IsTruncated>{str(page.truncated).lower()}</IsTruncated>{next_token}{items}"
        "</ListBucketResult>"
    )
    return Answer(200, text.encode(), {"Content-Type": "application/xml"})
