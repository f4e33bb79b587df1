"""A TCP proxy in front of a server, which counts requests and can stop to pass anything on."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_METHOD = re.compile(rb"(?:GET|PUT|HEAD|POST) /")


class Proxy:
    """`endpoint` passes everything on to the server, until `hangs` is set."""

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self._server = (str(parts.hostname), int(parts.port or 80))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.hangs = threading.Event()
        self._requests = 0
        self._arrived = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def wait_for_requests(self, number: int, seconds: float = 300) -> None:
        """Return when so many requests have arrived since the proxy was made."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: self._requests >= number, seconds)

    def wait_for_more(self, number: int) -> None:
        """Return when so many further requests have arrived."""
        self.wait_for_requests(self._requests + number)

    def close(self) -> None:
        self.hangs.set()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                for source, sink, counts in ((client, server, True), (server, client, False)):
                    threading.Thread(
                        target=self._pass_on, args=(source, sink, counts), daemon=True
                    ).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:  # noqa: FBT001
        with suppress(OSError):
            while part := source.recv(65536):
                if counts and _METHOD.match(part):
                    with self._arrived:
                        self._requests += 1
                        self._arrived.notify_all()
                if not self.hangs.is_set():
                    sink.sendall(part)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def proxy_to(server: str) -> Iterator[Proxy]:
    proxy = Proxy(server)
    try:
        yield proxy
    finally:
        proxy.close()
