"""Elections that are broken on purpose, to see that the event logs show it.

Each is called in a candidate's process before it campaigns; nothing here reaches what ships.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from s3leader._core import conditional_write, create_lock, fenced_object, holding
from s3leader._core.candidate import CandidateConfig
from s3leader._core.conditional_write import WriteApplied, WriteConflict
from s3leader._core.lock import Lock
from s3leader._core.requests import Conflict, Reply, Unknown
from s3leader._io.async_driver import AsyncDriver

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3leader._core.candidate import Steps
    from s3leader._core.requests import Create, Replace, Request
    from s3leader._io.async_driver import Cancellation
    from s3leader.errors import S3LeaderError

    Outcome = Steps[WriteApplied | WriteConflict]


def _settle_by(settle: Callable[[Reply], WriteApplied | WriteConflict | None]) -> None:
    """End a write as soon as `settle` returns its outcome from an answer."""
    proper: Callable[..., Outcome] = conditional_write.write_until_known

    def believing(write: Create | Replace, nonce: str, **others: Any) -> Outcome:
        steps = proper(write, nonce, **others)
        request = next(steps)
        while True:
            reply = yield request
            if (settled := settle(reply)) is not None:
                return settled
            try:
                request = steps.send(reply)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]

    for module in (create_lock, holding, conditional_write):
        patch.object(module, "write_until_known", believing).start()


def unknown_counts_as_applied() -> None:
    """Without R5: a writer that gets no answer assumes that its write was applied."""

    def settle(reply: Reply) -> WriteApplied | None:
        if not isinstance(reply.answer, Unknown):
            return None
        return WriteApplied(
            etag=f'"{secrets.token_hex(16)}"',
            applied_ms=int(time.time() * 1000),
            date_ms=int(time.time() * 1000),
            sent_ms=reply.sent_ms,
            received_ms=reply.received_ms,
        )

    _settle_by(settle)


def conflicts_are_believed() -> None:
    """Without R5's read: a writer that gets a 412 assumes that another write came first."""
    _settle_by(
        lambda reply: WriteConflict(reply=reply) if isinstance(reply.answer, Conflict) else None
    )


def done_is_forgotten() -> None:
    """Without R8: a tick is led whatever the ledger says of it."""
    patch.object(Lock, "is_done", lambda *_: False).start()


def leases_are_ignored() -> None:
    """Without R4: any lock that is not sealed passes for lapsed."""
    patch.object(CandidateConfig, "lapsed", lambda _, lock: not lock.sealed).start()


def tokens_are_not_compared() -> None:
    """A fenced object that takes whatever wrote it for the lowest token."""
    proper = fenced_object._decode
    patch.object(fenced_object, "_decode", lambda *body: replace(proper(*body), token=1)).start()


def asyncio_deadlines_count_from_answers() -> None:
    """Without R4 under asyncio: a lease is counted from the answer, not from the request."""
    proper = AsyncDriver._perform

    async def perform(
        driver: AsyncDriver, request: Request, cancellation: Cancellation
    ) -> Reply | S3LeaderError:
        reply = await proper(driver, request, cancellation)
        if isinstance(reply, Reply):
            return Reply(reply.answer, reply.received_ms, reply.received_ms)
        return reply

    patch.object(AsyncDriver, "_perform", perform).start()
