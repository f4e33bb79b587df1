"""How every write is made: conditionally (R2), and followed up until its outcome is known (R5).

S3 answers a conditional write with *applied* or *conflict*, or the answer is lost: a time-out, a
reset, a 5xx, a 409. Such a write may have been applied, or not, or may be applied later. So it is
sent again, the same to the byte.

A conflict alone says little: HTTP proxies re-send PUT, which is idempotent to them, so the first
answer that a writer hears may be the 412 to the second copy of a write whose first copy was
applied. So each conflict is followed by a read: the body carries the nonce of its last writer.

A copy of a write that lands later does no harm: its condition names a state that is gone for good,
as nonces keep ETags from ever repeating and the highest lock is never deleted. The exception is the
create of a number whose lock was deleted since; nobody leads by it (R7).
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteApplied:
    """A write was applied, at S3's `applied_ms`; it was first sent at `sent_ms` of the stopwatch.

    S3's clock stood at `date_ms` when the stopwatch stood at `received_ms`.
    """

    etag: str
    applied_ms: int
    date_ms: int
    sent_ms: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteConflict:
    """A write was not applied, and is not going to be: another writer's came first.

    `reply` is the answer to the read that showed it: `Found`, or `Missing` to a `Replace`.
    """

    reply: Reply


class WriteUnknown(StoreUnavailable):
    """The time is up, and whether the write was applied is still not known."""


def nonce_in_body(found: Found) -> str | None:
    """Return the nonce in a JSON body, None where there is none: any body may be met here."""
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
    """Send `write`, whose object carries `nonce`, until it is known whether it was applied.

    `nonce_of` returns the nonce of an object that was read; by default its body is JSON with a key
    "nonce".
    `mine` are the nonces of other bodies that this writer may have written last: where the object
    carries one of them, the write is sent again on the ETag that it has now. Raises `WriteUnknown`
    once `patience_ms` have passed since the first send, or the clock shows `until_ms`, and
    `StoreUnavailable` where the store contradicts itself.
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
            write = replace(write, etag=answer.etag)  # an earlier try of ours had landed
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
        f"the store refuses to replace {write.key} under the very ETag that it shows"
        f" ({write.etag}). Nothing was changed; a server that does this cannot hold an election."
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
    """Seal `lock` as it was under `etag`, or return what shows that another write came first."""
    nonce = config.nonce()
    sealed = lock.seal(nonce=nonce, outcome=outcome, reason=reason, ended_at=ended_at)
    write = Replace(config.key(lock.term), sealed.encode(), etag)
    done = yield from write_until_known(write, nonce, patience_ms=config.lease_ms, mine=mine)
    if isinstance(done, WriteConflict):
        return done
    # It was unsealed until now, so it was the highest until now (R1).
    return LedgerHead(
        lock=sealed, etag=done.etag, proved_highest_at_ms=done.applied_ms, observed_ms=done.sent_ms
    )


def seal_other(
    config: CandidateConfig, head: LedgerHead, reason: str
) -> Steps[LedgerHead | WriteConflict]:
    """R3: seal another's lock as it was read, or return what shows that it has changed since."""
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
