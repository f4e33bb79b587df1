"""A faulty S3 server on a socket: it applies a fault plan to requests and answers."""

import asyncio
import socket
import time
from asyncio import StreamReader, StreamWriter
from contextlib import suppress

from tests.verification.fault_injection.faults import ERRORS, NOT_APPLIED, Fault, FaultPlan
from tests.verification.fault_injection.http import Answer, Request, error, read_request
from tests.verification.fault_injection.http_s3 import HttpS3


class FaultyS3:
    """Serves the connections of a listening socket."""

    def __init__(self, s3: HttpS3, plan: FaultPlan) -> None:
        """Stand in front of `s3`."""
        self._s3 = s3
        self._plan = plan
        self._later: set[asyncio.Task[None]] = set()
        self.requests = 0

    async def serve(self, listening: socket.socket) -> asyncio.Server:
        """Begin to answer."""
        return await asyncio.start_server(self._connected, sock=listening, backlog=128)

    async def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            while (request := await read_request(reader, writer)) is not None:
                self.requests += 1
                if not await self._answered(request, self._plan.draw(), writer):
                    break
        writer.transport.abort()

    async def _answered(self, request: Request, fault: Fault, writer: StreamWriter) -> bool:
        """Answer one request; False if its connection is to be cut off."""
        if fault.kind == "late":
            await asyncio.sleep(fault.delay_s)
        answer = self._applied(request, fault)
        whole = answer.encode(time.time() + fault.ahead_s, date_first=fault.date_first)
        if fault.kind in {"lost", "dropped"}:
            return False
        if fault.kind == "cut":
            writer.write(whole[: int(len(whole) * fault.share)])
            await writer.drain()
            return False
        if fault.kind == "short body" and answer.body:
            lacking = 1 + int((len(answer.body) - 1) * fault.share)
            writer.write(whole[: len(whole) - lacking])
            await writer.drain()
            return False
        if fault.kind == "slow":
            half = int(len(whole) * fault.share)
            writer.write(whole[:half])
            await writer.drain()
            await asyncio.sleep(fault.delay_s)
            whole = whole[half:]
        writer.write(whole)
        await writer.drain()
        return True

    def _applied(self, request: Request, fault: Fault) -> Answer:
        answer = error(500, "InternalError")
        if fault.kind == "echo":
            self._s3.perform(request, fault.ahead_s)  # nobody hears that answer
        if fault.kind not in NOT_APPLIED:
            answer = self._s3.perform(request, fault.ahead_s)
        if fault.kind == "twice":
            later = asyncio.create_task(self._again(request, fault))
            self._later.add(later)
            later.add_done_callback(self._later.discard)
        return error(*ERRORS[fault.kind]) if fault.kind in ERRORS else answer

    async def _again(self, request: Request, fault: Fault) -> None:
        await asyncio.sleep(fault.delay_s)
        self._s3.perform(request, fault.ahead_s)
