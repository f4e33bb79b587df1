"""Hands requests to a real server, so that the front only counts and delays them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from s3leader_bench.stub.bucket import Answer

# Each connection has its own; the body has no longer the coding that these name.
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}


class Relay:
    """One connection to the server at `upstream`, for one connection of a client."""

    def __init__(self, upstream: str) -> None:
        url = urlsplit(upstream)
        if url.scheme != "http" or url.hostname is None or url.port is None:
            raise ValueError(f"expected an address like http://127.0.0.1:4566, got {upstream!r}")
        self._address = url.hostname, url.port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Send one request as it came, and return what the server answers."""
        if self._streams is not None and self._streams[0].at_eof():
            self.close()  # the server has closed it meanwhile
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address, limit=1 << 20)
        reader, writer = self._streams
        lines = [f"{method} {target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items() if name not in _HOP]
        lines += [f"content-length: {len(body)}", "", ""]
        writer.write("\r\n".join(lines).encode("latin-1") + body)
        await writer.drain()
        answer, close = await _read(reader, with_body=method != "HEAD")
        if close:
            self.close()
        return answer

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._streams is not None:
            with suppress(OSError):
                self._streams[1].close()
            self._streams = None


async def _read(reader: asyncio.StreamReader, *, with_body: bool) -> tuple[Answer, bool]:
    """Return an answer, and whether the server closes the connection after it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")[:-2]
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    status = int(first.split(" ", 2)[1])
    if not with_body or status in {204, 304}:
        body = b""
    elif headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    kept = {name: value for name, value in headers.items() if name not in _HOP}
    return Answer(status, kept, body), headers.get("connection", "").lower() == "close"


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while (await reader.readuntil(b"\r\n")) != b"\r\n":
        pass  # trailers
    return body
