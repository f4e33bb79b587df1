"""A server on loopback that answers S3 requests with scripted bytes."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import formatdate
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

import boto3
from botocore.config import Config

from s3leader._core.requests import Create, List, Read, Replace, StoreRequest, Tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

DATE_MS: Final = 1_795_413_601_000
DATE: Final = formatdate(DATE_MS / 1000, usegmt=True)
MODIFIED_MS: Final = DATE_MS - 7000
MODIFIED: Final = formatdate(MODIFIED_MS / 1000, usegmt=True)
ETAG: Final = '"0123456789abcdef0123456789abcdef"'
KEY: Final = "elections/nightly/lock_0000000001.json"
CREATE: Final = Create(KEY, b'{"nonce": 1}')
REPLACE: Final = Replace(KEY, b'{"nonce": 2}', ETAG)
EVERY_REQUEST: Final[list[StoreRequest]] = [
    List("elections/"),
    Read(KEY),
    CREATE,
    REPLACE,
    Tag(KEY),
]


@dataclass(frozen=True)
class Sent:
    """A request as the server received it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def answer(
    status: int,
    body: bytes = b"",
    *,
    date: str | None = DATE,
    cut: int = 0,
    **headers: str,
) -> bytes:
    """Return an HTTP answer whose length is that of `body`, without the last `cut` bytes."""
    lines = {"Content-Length": str(len(body)), **({} if date is None else {"Date": date})}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    whole = f"HTTP/1.1 {status} Whatever\r\n{head}Connection: close\r\n\r\n".encode() + body
    return whole[: len(whole) - cut]


def error(status: int, code: str, message: str = "so it is", **headers: str) -> bytes:
    text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return answer(status, text.encode(), date=DATE, cut=0, **headers)


def found(body: bytes, *, cut: int = 0) -> bytes:
    return answer(200, body, ETag=ETAG, Last_Modified=MODIFIED, cut=cut)


class MisbehavingS3:
    """`will(…)` sets the answers to the next requests; `sent` holds the requests received."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.sent: list[Sent] = []
        self.answers: SimpleQueue[bytes | None] = SimpleQueue()
        self.over = threading.Event()

    def will(self, *answers: bytes | None) -> None:
        """Answer the next requests with these bytes and close the connection; None: no answer."""
        for one in answers:
            self.answers.put(one)

    def forget(self) -> None:
        """Clear the requests received and the answers not yet sent."""
        self.sent.clear()
        while not self.answers.empty():
            self.answers.get()

    def client(self, *, tries: int = 1, region: str = "us-east-1", **options: Any) -> S3Client:
        """Return a new client of this server."""
        made = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        made |= {"endpoint_url": self.endpoint}
        config = Config(retries={"total_max_attempts": tries, "mode": "standard"})
        session = boto3.session.Session(region_name=region)
        return session.client("s3", config=config, **(made | options))


@contextmanager
def misbehaving_s3() -> Iterator[MisbehavingS3]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            sent = self.receive()
            if sent is None:
                return
            s3.sent.append(sent)
            response = error(500, "NotScripted") if s3.answers.empty() else s3.answers.get()
            if response is None:
                s3.over.wait(30)
                return
            with suppress(OSError):
                self.wfile.write(response)

        def receive(self) -> Sent | None:
            method, _, rest = self.rfile.readline().decode().partition(" ")
            headers: dict[str, str] = {}
            while line := self.rfile.readline().strip().decode():
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
            if headers.get("expect") == "100-continue":
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = self.rfile.read(int(headers.get("content-length", "0")))
            return Sent(method, rest.split(" ")[0], headers, body) if method else None

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        s3 = MisbehavingS3(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield s3
        finally:
            s3.over.set()
            server.shutdown()
            thread.join()
