"""What a holder does with its own lock: renew it, and seal it when it resigns.

Sans-I/O, like `protocol.py`, which has the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from s3leader.errors import BucketUnusable, LeadershipLost

from .candidate import CandidateConfig, LedgerHead, Steps
from .conditional_write import WriteConflict, WriteUnknown, seal, write_until_known
from .lock import Lock
from .lost_lock import who_changed
from .next_lock import void_lock
from .requests import Replace
from .sweep import sweep
from .times import from_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A lock that this candidate created, and what it needs to change it again.

    The holder leads until `deadline_ms` by its monotonic clock (R4). `unconfirmed_nonces` are
    those of writes whose outcome is unknown. `previous` is the lock before it, until the win is
    known to be valid. `date_ms` and `received_ms` are S3's clock and the monotonic clock at the
    same answer.
    """

    lock: Lock
    etag: str
    deadline_ms: int
    date_ms: int
    received_ms: int
    unconfirmed_nonces: frozenset[str] = frozenset()
    previous: Lock | None = None

    @property
    def own_nonces(self) -> frozenset[str]:
        """The nonces of all bodies that this candidate may have written to the lock.

        An object that was copied in place, for example to change its encryption, has a new ETag but
        still the body that its holder wrote.
        """
        nonce = self.lock.nonce
        return self.unconfirmed_nonces if nonce is None else self.unconfirmed_nonces | {nonce}

    def s3_time(self, now_ms: int) -> datetime:
        """Convert the monotonic `now_ms` to S3's clock, in whole seconds as S3 shows them."""
        return from_ms((self.date_ms + now_ms - self.received_ms) // 1000 * 1000)


def seal_own(
    config: CandidateConfig, holding: Holding, outcome: str, reason: str | None, now_ms: int
) -> Steps[LedgerHead | WriteConflict]:
    """Seal the candidate's own lock, or return the conflict with another writer."""
    return (
        yield from seal(
            config,
            holding.lock,
            holding.etag,
            outcome=outcome,
            reason=reason,
            ended_at=holding.s3_time(now_ms),
            mine=holding.own_nonces,
        )
    )


def seal_void(
    config: CandidateConfig, holding: Holding, reason: str, now_ms: int
) -> Steps[LedgerHead | WriteConflict]:
    """Seal the lock of a void win; see `void_lock`."""
    lock, outcome = void_lock(holding.lock, holding.previous)
    return (yield from seal_own(config, replace(holding, lock=lock), outcome, reason, now_ms))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resigned:
    """The lock was sealed. `sweep_error`: why tagging old locks failed."""

    head: LedgerHead
    sweep_error: BucketUnusable | None = None


def renew(
    config: CandidateConfig, holding: Holding, state: Mapping[str, Any] | None = None
) -> Steps[Holding]:
    """Renew the lease, and save a checkpoint if `state` is given.

    The deadline moves only if the answer comes before the current deadline (R4). Raises
    `LeadershipLost` if another writer has changed the lock.
    """
    nonce = config.nonce()
    lock = holding.lock.renewed(nonce=nonce, state=state)
    write = Replace(config.key(lock.term), lock.encode(), holding.etag)
    try:
        written = yield from write_until_known(
            write, nonce, patience_ms=config.lease_ms, until_ms=holding.deadline_ms,
            mine=holding.own_nonces,
        )  # fmt: skip
    except WriteUnknown:
        return replace(holding, unconfirmed_nonces=holding.unconfirmed_nonces | {nonce})
    if isinstance(written, WriteConflict):
        raise LeadershipLost(term=lock.term, why=who_changed(lock, written))
    in_time = written.received_ms < holding.deadline_ms
    return Holding(
        lock=lock,
        etag=written.etag,
        deadline_ms=written.sent_ms + config.lease_ms if in_time else holding.deadline_ms,
        date_ms=written.date_ms,
        received_ms=written.received_ms,
    )


def resign(
    config: CandidateConfig, holding: Holding, *, outcome: str, reason: str | None, now_ms: int
) -> Steps[Resigned]:
    """Tag old locks (R6, "sweep"), then seal the lock with the outcome of its term.

    The outcome `continued` leaves the rest of the tick's work to the next leg (R10).

    This is allowed after the deadline too (R4); `LeadershipLost` if another writer has changed the
    lock. After `StoreUnavailable` the outcome is unknown, and the tick may be led again.
    """
    sweep_error: BucketUnusable | None = None
    if holding.deadline_ms > now_ms:
        stop_at_ms = holding.deadline_ms - min(config.lease_ms // 4, 5000)
        swept, sweep_error = yield from sweep(config, holding.lock, stop_at_ms=stop_at_ms)
        holding = replace(holding, lock=replace(holding.lock, swept=swept))
    sealed = yield from seal_own(config, holding, outcome, reason, now_ms)
    if isinstance(sealed, WriteConflict):
        raise LeadershipLost(term=holding.lock.term, why=who_changed(holding.lock, sealed))
    return Resigned(head=sealed, sweep_error=sweep_error)
