"""`--page`: the timeline of the demo's elections, served on loopback and growing as they go on.

A page asks once a second. Only then are the locks read, so a page that nobody has open costs
nothing. Requests for another host's name are refused, so that no site can read the page through a
name that it resolves to this machine.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeAlias
from urllib.parse import quote, unquote

from botocore.exceptions import BotoCoreError

from s3leader import Election, S3LeaderError
from s3leader_cli.report import lock_as_json, standing_of
from s3leader_cli.timeline.data import timeline_data
from s3leader_cli.timeline.page import render_page

Timeline: TypeAlias = dict[str, Any]
_ALL = 10_000
_FRESH_SECONDS = 0.8
_HOSTS = ("127.0.0.1", "localhost")


@dataclass
class _Source:
    """Reads an election's terms, at most about once a second however many pages are open."""

    read: Callable[[], Timeline]
    last: Timeline
    read_at: float = 0.0
    ended: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def timeline(self) -> Timeline:
        with self.lock:
            if not self.ended and time.monotonic() - self.read_at > _FRESH_SECONDS:
                try:
                    self.last = self.read()
                except (S3LeaderError, BotoCoreError):  # such as a cloud that is being stopped
                    return self.last
                self.read_at = time.monotonic()
            return self.last


class LivePage:
    """Serves a page for each election that it is given, from a thread, until it is closed."""

    def __init__(self, port: int = 0) -> None:
        """Listen on a port of 127.0.0.1, a free one for 0. Raises `OSError` if it is taken."""
        self._sources: dict[str, _Source] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Return the page, which listens already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def show(self, election: Election) -> str:
        """Serve an election's terms from now on; return the address."""
        return self.serve(election.name, lambda: read_timeline(election))

    def serve(self, name: str, read: Callable[[], Timeline]) -> str:
        """Serve what `read` returns from now on; return the address."""
        self._sources[name] = _Source(read, read())
        return f"http://127.0.0.1:{self._server.server_port}/{quote(name, safe='')}"

    def end(self) -> None:
        """Read each election a last time; from now on the pages show that."""
        for source in self._sources.values():
            source.read_at = 0.0
            source.timeline()
            source.ended = True

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """Return the content type and the body of a path; None if there is none."""
        name, _, rest = path.lstrip("/").partition("/")
        source = self._sources.get(unquote(name))
        if source is None:
            return None
        if rest == "timeline.json":
            ended = source.ended  # before the terms are read, or a page may miss the last
            answer = {"timeline": source.timeline(), "ended": ended}
            return "application/json", json.dumps(answer).encode()
        page = render_page(source.timeline(), live=f"/{name}/timeline.json")
        return None if rest else ("text/html; charset=utf-8", page.encode())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        live_page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host = self.headers.get("Host", "").rpartition(":")[0]
                found = live_page.answer(self.path) if host in _HOSTS else None
                if found is None:
                    self.send_error(HTTPStatus.NOT_FOUND)
                    return
                kind, body = found
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's
                """Write nothing: the demo's output goes on."""

        return Handler


def read_timeline(election: Election) -> Timeline:
    """Return an election's terms, as the page takes them."""
    locks = election.history(_ALL)
    seen = [lock.seen_at for lock in locks if lock.seen_at is not None]
    return timeline_data(
        [lock_as_json(lock) for lock in locks],
        election=election.name,
        generated_at=max(seen, default=datetime.now(UTC)),
        standing="lapsed" if locks and standing_of(election, locks[0]) == "lapsed" else "held",
    )
