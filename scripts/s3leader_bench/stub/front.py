"""The HTTP front: counts requests by kind, delays answers, and hands requests on.

They go to a bucket of this process or, through a relay, to another server.

A round trip is spent on each new connection, on each `100 Continue`, and on each answer. Requests
below `/-/` are the benchmark's own: they are neither counted nor delayed.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from urllib.parse import parse_qsl, unquote, urlsplit

from s3leader_bench.stub.bucket import Answer, Bucket, Request, http_date
from s3leader_bench.stub.kinds import kind, sender
from s3leader_bench.stub.relay import Relay


class Front:
    """A server on loopback; without an `upstream` server, any bucket exists."""

    def __init__(self, upstream: str | None = None) -> None:
        self._upstream = upstream
        self._buckets: defaultdict[str, Bucket] = defaultdict(Bucket)
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)  # by sender
        self._round_trip = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        connecting = True
        relay = None if self._upstream is None else Relay(self._upstream)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._one(head, reader, writer, relay, connecting=connecting)
                connecting = False
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            if relay is not None:
                relay.close()

    async def _one(
        self,
        head: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        relay: Relay | None,
        *,
        connecting: bool,
    ) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        method, target, _ = first.split(" ", 2)
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        url = urlsplit(target)
        own = url.path.startswith("/-/")
        if connecting and not own:
            await self._travel()
        if headers.get("expect", "").lower() == "100-continue":
            await self._travel()
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await writer.drain()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        request = Request(method, unquote(url.path), query, headers, body)
        if own:
            answer = self._control(request)
        else:
            self._counts[sender(request)][kind(request)] += 1
            if relay is None:
                answer = self._from_bucket(request)
            else:
                answer = await relay.answer(method, target, headers, body)
            await self._travel()
        writer.write(_encoded(answer, with_body=method != "HEAD"))
        await writer.drain()

    async def _travel(self) -> None:
        if self._round_trip:
            await asyncio.sleep(self._round_trip)

    def _from_bucket(self, request: Request) -> Answer:
        name = request.path.strip("/").partition("/")[0]
        return self._buckets[name].answer(request)

    def _control(self, request: Request) -> Answer:
        asked = json.loads(request.body or b"{}")
        match request.path:
            case "/-/counts":  # and begin again
                return Answer(200, body=json.dumps(self._counted(asked.get("sender"))).encode())
            case "/-/round_trip":
                self._round_trip = asked["seconds"]
            case "/-/generate":
                bucket = self._buckets[asked["bucket"]]
                bucket.generate(asked["kind"], asked["prefix"], asked["last"])
            case "/-/age":
                self._buckets[asked["bucket"]].age(asked["key"], asked["seconds"])
            case "/-/forget":
                self._buckets.pop(asked["bucket"], None)
            case unknown:
                return Answer(404, body=f"no such control: {unknown}".encode())
        return Answer(200)

    def _counted(self, sender: str | None) -> Counter[str]:
        """Return what one sender has sent since the last call, or all; and begin again."""
        if sender is not None:
            return self._counts.pop(sender, Counter())
        counts, self._counts = self._counts, defaultdict(Counter)
        return sum(counts.values(), Counter())


def _encoded(answer: Answer, *, with_body: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} -"]
    if "date" not in answer.headers:  # else it is the other server's
        lines += [f"Date: {http_date(time.time())}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    lines += [f"Content-Length: {len(answer.body)}", "", ""]
    return "\r\n".join(lines).encode() + (answer.body if with_body else b"")
