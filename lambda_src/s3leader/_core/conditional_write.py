"""Conditional writes, repeated until their outcome is known (R2, R5). Sans-I/O, like `protocol.py`.

S3 answers a conditional write with *applied* (200) or *conflict* (412), or no usable answer comes:
a timeout, a reset, a 5xx, a 409. Then the write may have been applied, may have been lost, or may
still be applied later. So the writer sends the same bytes again.

A conflict does not prove that the write was not applied. An HTTP proxy may send a PUT twice: the
first copy is applied, and the writer receives the 412 to the second. So the writer reads the object
after each conflict. Its body carries the nonce of its last writer: the writer's own nonce means
that the write was applied, any other nonce that another write came first.

A copy that arrives later changes nothing: its condition names an ETag that never returns, since
nonces keep ETags unique, or an object that exists, since the highest lock is never deleted. The one
exception is the create of an old number whose lock was deleted; that win is void (R7).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from s3leader.errors import StoreUnavailable

from .candidate import CandidateConfig, LedgerHead, Steps
from .lock import DEPOSED, Lock
from .requests import Applied, Conflict, Create, Found, Missing, Read, Replace, Reply, Wait
from .times import from_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteApplied:
    """The write was applied at `applied_ms` by S3's clock.

    By the writer's monotonic clock it was first sent at `sent_ms`, and the answer that showed the
    outcome came at `received_ms`; by S3's clock that answer was sent at `date_ms`.
    """

    etag: str
    applied_ms: int
    date_ms: int
    sent_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteConflict:
    """The write was not applied and never will be: another write came first.

    `reply` is the answer to the read that showed this: `Found`, or `Missing` for a `Replace`.
    """

    reply: Reply


class WriteUnknown(StoreUnavailable):
    """Time ran out before it was known whether the write was applied."""


def nonce_in_body(found: Found) -> str | None:
    """Return the nonce in a JSON body, None for any other body."""
    try:
        values = json.loads(found.body)
    except (ValueError, RecursionError):
        return None
    nonce = values.get("nonce") if isinstance(values, dict) else None
    return nonce if isinstance(nonce, str) else None


def write_until_known(
    write: Create | Replace,
    nonce: str,
    *,
    patience_ms: int,
    until_ms: int | None = None,
    mine: frozenset[str] = frozenset(),
    nonce_of: Callable[[Found], str | None] = nonce_in_body,
) -> Steps[WriteApplied | WriteConflict]:
    """Send `write`, whose body carries `nonce`, until it is known whether it was applied (R5).

    `nonce_of` returns the nonce of an object that was read. `mine` are the nonces of earlier writes
    of this writer that may have been applied: if the object carries one of them, `write` is sent
    again with the ETag that the object has now. Raises `WriteUnknown` once `patience_ms` have
    passed since the first send, or at `until_ms` if given (both monotonic), and `StoreUnavailable`
    if the store contradicts itself.
    """
    first_ms: int | None = None
    pause_ms, cause = 25, "no answer"
    while True:
        reply = yield write
        first_ms = reply.sent_ms if first_ms is None else first_ms
        answer = reply.answer
        if isinstance(answer, Applied):
            return _settled(answer, answer.date_ms, first_ms, reply)
        if isinstance(answer, Conflict):
            reply = yield Read(write.key)
            answer = reply.answer
        if isinstance(answer, Found):
            found = nonce_of(answer)
            if found == nonce:
                return _settled(answer, answer.modified_ms, first_ms, reply)
            if isinstance(write, Replace) and answer.etag == write.etag:
                raise _same_etag(write)
            if found not in mine or isinstance(write, Create):
                return WriteConflict(reply=reply)
            write = replace(write, etag=answer.etag)  # an earlier write of ours was applied
        elif isinstance(answer, Missing) and isinstance(write, Replace):
            return WriteConflict(reply=reply)
        cause = getattr(answer, "cause", cause)
        left_ms = (first_ms + patience_ms if until_ms is None else until_ms) - reply.received_ms
        if until_ms is not None and 0 < left_ms <= pause_ms:  # no try may be sent past the deadline
            left_ms -= (yield Wait(left_ms + 1, left_ms + 1)).received_ms - reply.received_ms
        if left_ms <= 0:
            raise _left_open(write, cause)
        yield Wait(pause_ms, 2 * pause_ms if until_ms is None else min(2 * pause_ms, left_ms - 1))
        pause_ms = min(2 * pause_ms, 1000)


def _same_etag(write: Replace) -> StoreUnavailable:
    return StoreUnavailable(
        f"expected {write.key} to be replaced, since its ETag is still {write.etag}, but the store"
        f" refused. Nothing was changed; a server that does this cannot hold an election."
    )


def _left_open(write: Create | Replace, cause: str) -> WriteUnknown:
    return WriteUnknown(
        f"S3 did not say whether {write.key} was written (the last answer: {cause}). The write may"
        f" still be applied, once. Try again later."
    )


def seal(
    config: CandidateConfig,
    lock: Lock,
    etag: str,
    *,
    outcome: str,
    reason: str | None,
    ended_at: datetime,
    mine: frozenset[str] = frozenset(),
) -> Steps[LedgerHead | WriteConflict]:
    """Seal `lock`, whose object had `etag`, or return the conflict with another write."""
    nonce = config.nonce()
    sealed = lock.seal(nonce=nonce, outcome=outcome, reason=reason, ended_at=ended_at)
    write = Replace(config.key(lock.term), sealed.encode(), etag)
    done = yield from write_until_known(write, nonce, patience_ms=config.lease_ms, mine=mine)
    if isinstance(done, WriteConflict):
        return done
    # The lock was unsealed until then, so it was the highest until then (R1).
    applied_at = from_ms(done.applied_ms)
    sealed = replace(sealed, modified_at=applied_at, seen_at=applied_at)
    return LedgerHead(
        lock=sealed, etag=done.etag, proved_highest_at_ms=done.applied_ms, observed_ms=done.sent_ms
    )


def seal_other(
    config: CandidateConfig, head: LedgerHead, reason: str
) -> Steps[LedgerHead | WriteConflict]:
    """R3: seal another candidate's lock as it was read; return the conflict if it has changed."""
    lock = head.lock
    if lock is None or lock.seen_at is None:
        raise TypeError("only a lock that was read can be deposed")
    ended_at = lock.seen_at
    return (
        yield from seal(config, lock, head.etag, outcome=DEPOSED, reason=reason, ended_at=ended_at)
    )


def _settled(answer: Applied | Found, applied_ms: int, first_ms: int, reply: Reply) -> WriteApplied:
    return WriteApplied(
        etag=answer.etag,
        applied_ms=applied_ms,
        date_ms=answer.date_ms,
        sent_ms=first_ms,
        received_ms=reply.received_ms,
    )
