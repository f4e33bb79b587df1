"""An S3 that answers lists and reads from a table of keys, however many; bodies are made on demand.

Writing fifty thousand objects to an emulator would take minutes.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
_PAGE = 1000
Body = Callable[[str], bytes]


def lock_of(term: int, **more: object) -> bytes:
    """Return the lock of a term that began `term` minutes after `BEGAN` and took 30 seconds."""
    start = BEGAN + timedelta(minutes=term)
    body = {
        "term": term, "expired": True, "holder": f"job-{term % 3}", "tick": start.isoformat(),
        "started_at": start.isoformat(), "ended_at": (start + timedelta(seconds=30)).isoformat(),
        "outcome": "completed", "done": start.isoformat(), **more,
    }  # fmt: skip
    return json.dumps(body).encode()


class TableServer(ThreadingHTTPServer):
    """Objects in one bucket; what begins with a prefix in `denied` may not be read or listed."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, keys: list[str], body: Body) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys, self.body = sorted(keys), body
        self.denied: tuple[str, ...] = ()
        self.requests: Counter[str] = Counter()
        self.counting = Lock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: TableServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm: ClassVar[bool] = True

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        _, _, key = unquote(url.path).lstrip("/").partition("/")
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        kind = "GET" if key else "LIST"
        with self.server.counting:
            self.server.requests[kind] += 1
        asked = key or query.get("prefix", "")
        if asked.startswith(self.server.denied or ("\0",)):
            self._answer(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
        elif kind == "LIST":
            self._answer(200, self._list(query))
        elif self._has(key):
            self._answer(200, self.server.body(key))
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def _has(self, key: str) -> bool:
        at = bisect_right(self.server.keys, key)
        return at > 0 and self.server.keys[at - 1] == key

    def _list(self, query: dict[str, str]) -> bytes:
        prefix, keys = query.get("prefix", ""), self.server.keys
        after = query.get("continuation-token") or query.get("start-after", "")
        at = bisect_right(keys, max(after, prefix))
        found: list[str] = []
        while at < len(keys) and keys[at].startswith(prefix) and len(found) <= _PAGE:
            rest = keys[at].removeprefix(prefix)
            if "delimiter" in query and "/" in rest:
                folder = prefix + rest.split("/")[0] + "/"
                found.append(folder)
                at = bisect_right(keys, folder + "\U0010ffff")
            else:
                found.append(keys[at])
                at += 1
        page, more = found[:_PAGE], len(found) > _PAGE
        entries = [
            f"<CommonPrefixes><Prefix>{each}</Prefix></CommonPrefixes>"
            if each.endswith("/")
            else f"<Contents><Key>{each}</Key></Contents>"
            for each in page
        ]
        token = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        count = f"<KeyCount>{len(page)}</KeyCount>"
        answer = "".join([truncated, count, token, *entries])
        return f"<ListBucketResult>{answer}</ListBucketResult>".encode()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"a"')
        self.send_header("Last-Modified", format_datetime(BEGAN, usegmt=True))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def serving(keys: list[str], body: Body) -> Iterator[TableServer]:
    with TableServer(keys, body) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
