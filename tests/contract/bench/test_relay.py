"""The front's relay: what a server answers arrives unchanged, however the server frames it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from s3leader_bench.stub.bucket import Answer
from s3leader_bench.stub.relay import Relay

PLAIN = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nDate: now\r\nContent-Length: 2\r\n\r\nhi'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
REFUSED = b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"


class Server:
    """Answers requests by the script; closes a connection after `a_connection` of them."""

    def __init__(self, script: Sequence[bytes], a_connection: int = 99) -> None:
        self.seen: list[bytes] = []
        self.connections: list[asyncio.Task[None] | None] = []
        self._script = iter(script)
        self._a_connection = a_connection

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(asyncio.current_task())
        for _ in range(self._a_connection):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            self.seen.append(head + await reader.readexactly(length))
            writer.write(next(self._script))
        writer.close()
        await writer.wait_closed()


async def exchanged(server: Server, methods: Sequence[str], *, pause: bool = False) -> list[Answer]:
    """Send requests through a relay; with a `pause`, only after the server has closed."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    relay = Relay(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
    answers = []
    async with listening:
        for method in methods:
            headers = {"host": "front", "if-match": '"1"', "expect": "100-continue"}
            answers.append(await relay.answer(method, "/a?b=c%20d", headers, b"body"))
            if pause and relay._streams is not None:
                assert await relay._streams[0].read() == b""
        relay.close()
        await asyncio.gather(*(task for task in server.connections if task is not None))
    return answers


def test_answers_arrive_with_status_headers_and_body() -> None:
    found = asyncio.run(exchanged(Server([PLAIN, CHUNKED, EMPTY, REFUSED]), ["GET"] * 4))
    assert found == [
        Answer(200, {"etag": '"1"', "date": "now"}, b"hi"),
        Answer(200, {}, b"abcde"),
        Answer(204, {}, b""),
        Answer(412, {}, b""),
    ]


def test_a_request_is_sent_as_it_came_but_for_the_connection() -> None:
    server = Server([PLAIN])
    asyncio.run(exchanged(server, ["PUT"]))
    assert server.seen == [
        b'PUT /a?b=c%20d HTTP/1.1\r\nhost: front\r\nif-match: "1"\r\ncontent-length: 4\r\n\r\nbody'
    ]


def test_a_connection_is_used_again() -> None:
    server = Server([PLAIN, PLAIN])
    asyncio.run(exchanged(server, ["GET", "GET"]))
    assert len(server.connections) == 1


def test_a_connection_that_the_server_announced_to_close_is_not_used_again() -> None:
    server = Server([CLOSING, PLAIN], a_connection=1)
    found = asyncio.run(exchanged(server, ["GET", "GET"]))
    assert [answer.body for answer in found] == [b"hi", b"hi"]
    assert len(server.connections) == 2


def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again() -> None:
    server = Server([PLAIN, PLAIN], a_connection=1)
    found = asyncio.run(exchanged(server, ["GET", "GET"], pause=True))
    assert [answer.body for answer in found] == [b"hi", b"hi"]
    assert len(server.connections) == 2


def test_an_address_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected an address like .*, got 'https://x'"):
        Relay("https://x")
