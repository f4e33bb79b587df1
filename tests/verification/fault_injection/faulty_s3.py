"""A hostile S3 on a socket: mischief in front of a small linearizable one."""

import asyncio
import socket
import time
from asyncio import StreamReader, StreamWriter
from contextlib import suppress

from tests.verification.fault_injection.faults import ERRORS, NOT_APPLIED, Fate, Mischief
from tests.verification.fault_injection.http import Answer, Request, error, read_request
from tests.verification.fault_injection.linearizable_s3 import TinyS3


class HostileS3:
    """Serves the connections of a listening socket."""

    def __init__(self, s3: TinyS3, mischief: Mischief) -> None:
        """Stand in front of `s3`."""
        self._s3 = s3
        self._mischief = mischief
        self._later: set[asyncio.Task[None]] = set()
        self.requests = 0

    async def serve(self, listening: socket.socket) -> asyncio.Server:
        """Begin to answer."""
        return await asyncio.start_server(self._connected, sock=listening, backlog=128)

    async def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            while (request := await read_request(reader, writer)) is not None:
                self.requests += 1
                if not await self._answered(request, self._mischief.draw(), writer):
                    break
        writer.transport.abort()

    async def _answered(self, request: Request, fate: Fate, writer: StreamWriter) -> bool:
        """Answer one request; False if its connection is to be cut off."""
        if fate.kind == "late":
            await asyncio.sleep(fate.delay_s)
        answer = self._applied(request, fate)
        whole = answer.encode(time.time() + fate.ahead_s, date_first=fate.date_first)
        if fate.kind in {"lost", "dropped"}:
            return False
        if fate.kind == "cut":
            writer.write(whole[: int(len(whole) * fate.share)])
            await writer.drain()
            return False
        if fate.kind == "short body" and answer.body:
            lacking = 1 + int((len(answer.body) - 1) * fate.share)
            writer.write(whole[: len(whole) - lacking])
            await writer.drain()
            return False
        if fate.kind == "slow":
            half = int(len(whole) * fate.share)
            writer.write(whole[:half])
            await writer.drain()
            await asyncio.sleep(fate.delay_s)
            whole = whole[half:]
        writer.write(whole)
        await writer.drain()
        return True

    def _applied(self, request: Request, fate: Fate) -> Answer:
        answer = error(500, "InternalError")
        if fate.kind == "echo":
            self._s3.perform(request, fate.ahead_s)  # nobody hears that answer
        if fate.kind not in NOT_APPLIED:
            answer = self._s3.perform(request, fate.ahead_s)
        if fate.kind == "twice":
            later = asyncio.create_task(self._again(request, fate))
            self._later.add(later)
            later.add_done_callback(self._later.discard)
        return error(*ERRORS[fate.kind]) if fate.kind in ERRORS else answer

    async def _again(self, request: Request, fate: Fate) -> None:
        await asyncio.sleep(fate.delay_s)
        self._s3.perform(request, fate.ahead_s)
