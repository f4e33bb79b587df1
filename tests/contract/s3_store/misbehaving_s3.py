"""A server on loopback that answers S3 requests with scripted bytes."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

import boto3
from botocore.config import Config

from s3leader._core.requests import Create, List, Read, Replace, StoreRequest, Tag

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ssl import SSLContext

    from mypy_boto3_s3 import S3Client

DATE_MS: Final = 1_795_413_601_000
DATE: Final = formatdate(DATE_MS / 1000, usegmt=True)
MODIFIED_MS: Final = DATE_MS - 7000
MODIFIED: Final = formatdate(MODIFIED_MS / 1000, usegmt=True)
ETAG: Final = '"0123456789abcdef0123456789abcdef"'
KEY: Final = "elections/nightly/lock_0000000001.json"
CREATE: Final = Create(KEY, b'{"nonce": 1}')
REPLACE: Final = Replace(KEY, b'{"nonce": 2}', ETAG)
READ: Final = Read(KEY)
EVERY_REQUEST: Final[list[StoreRequest]] = [List("elections/"), READ, CREATE, REPLACE, Tag(KEY)]


@dataclass(frozen=True)
class Sent:
    """A request as the server received it, and the client's port."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    port: int


def answer(
    status: int, body: bytes = b"", *, date: str | None = DATE, cut: int = 0, **headers: str
) -> bytes:
    """Return an HTTP answer whose length is that of `body`, without the last `cut` bytes."""
    lines = {"Content_Length": str(len(body)), "Connection": "close", **headers}
    lines |= {} if date is None else {"Date": date}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    whole = f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body
    return whole[: len(whole) - cut]


def error(status: int, code: str, message: str = "so it is", **headers: str) -> bytes:
    text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return answer(status, text.encode(), date=DATE, cut=0, **headers)


def found(body: bytes, *, cut: int = 0) -> bytes:
    return answer(200, body, ETag=ETAG, Last_Modified=MODIFIED, cut=cut)


def page(*keys: str, count: int | None = None, rest: str = "") -> bytes:
    """Return the body of a list; it is complete unless `rest` says otherwise."""
    counted = "" if count is None else f"<KeyCount>{count}</KeyCount>"
    items = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in keys)
    whole = "" if rest else "<IsTruncated>false</IsTruncated>"
    return f"<ListBucketResult>{counted}{whole}{rest}{items}</ListBucketResult>".encode()


class MisbehavingS3:
    """`will(…)` sets the answers to the next requests; `sent` holds the requests received."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.sent: list[Sent] = []
        self.answers: SimpleQueue[bytes | None] = SimpleQueue()
        self.over = threading.Event()

    def will(self, *answers: bytes | None) -> None:
        """Answer the next requests with these bytes; None: no answer."""
        for one in answers:
            self.answers.put(one)

    def forget(self) -> None:
        """Clear the requests received and the answers not yet sent."""
        self.sent.clear()
        while not self.answers.empty():
            self.answers.get()

    def ports(self) -> list[int]:
        """Return the client's port of each request: one for each connection."""
        return [sent.port for sent in self.sent]

    def client(self, *, tries: int = 1, region: str = "us-east-1", **options: Any) -> S3Client:
        """Return a new client of this server."""
        made = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        made |= {"endpoint_url": self.endpoint}
        config = Config(retries={"total_max_attempts": tries, "mode": "standard"})
        session = boto3.session.Session(region_name=region)
        return session.client("s3", config=config, **(made | options))


@contextmanager
def misbehaving_s3(tls: SSLContext | None = None) -> Iterator[MisbehavingS3]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            sent = Sent(self.command, self.path, headers, body, self.client_address[1])
            s3.sent.append(sent)
            response = error(500, "NotScripted") if s3.answers.empty() else s3.answers.get()
            self.close_connection = b"Connection: keep-alive" not in (response or b"")
            if response is None:
                s3.over.wait(30)
                return
            with suppress(OSError):
                self.wfile.write(response)

        do_PUT = do_HEAD = do_POST = do_GET  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        scheme = "http" if tls is None else "https"
        s3 = MisbehavingS3(f"{scheme}://127.0.0.1:{server.server_address[1]}")
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield s3
        finally:
            s3.over.set()
            server.shutdown()
            thread.join()
