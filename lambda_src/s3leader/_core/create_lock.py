"""Creating the next lock, and deciding whether its term may be led. Sans-I/O, like `protocol.py`.

Creating lock N+1 wins term N+1. The win counts only if the proof that lock N was the highest is
still valid (R7), if it is known before the lease has run out (R4), and if the store enforces
conditions (R0). Otherwise the win is void: the candidate seals the lock that it created, so that
the lock does not block other candidates until its lease has run out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from s3leader.errors import InvalidArgument

from .candidate import PROOF_VALID_MS, CandidateConfig, LedgerHead, Steps
from .conditional_write import WriteConflict, write_until_known
from .holding import Holding, seal_void
from .next_lock import Work, next_lock
from .requests import Create, Reply
from .store_proof import prove_store
from .times import MOST_AHEAD_MS, format_time, from_ms, to_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """This candidate created the lock, and may lead its term."""

    holding: Holding


@dataclass(frozen=True, slots=True, kw_only=True)
class Voided:
    """This candidate created the lock, may not lead its term, and has sealed it by `now_ms`."""

    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalCreated:
    """Another candidate created the lock; `reply` is the answer to a `Read` of it."""

    reply: Reply


def create_next_lock(
    config: CandidateConfig, head: LedgerHead, work: Work
) -> Steps[Created | Voided | RivalCreated]:
    """Create the lock after `head`, which must be sealed, or stand for an empty ledger (R1)."""
    nonce = config.nonce()
    lock = next_lock(
        head.lock, nonce=nonce, holder=config.candidate, lease_ms=config.lease_ms, work=work
    )
    create = Create(config.key(lock.term), lock.encode())
    written = yield from write_until_known(create, nonce, patience_ms=config.lease_ms)
    if isinstance(written, WriteConflict):
        return RivalCreated(reply=written.reply)
    holding = Holding(
        lock=replace(lock, started_at=from_ms(written.applied_ms)),
        etag=written.etag,
        deadline_ms=written.sent_ms + config.lease_ms,  # R4: from before the first send
        date_ms=written.date_ms,
        received_ms=written.received_ms,
        previous=head.lock,
    )
    now_ms = written.received_ms
    if (tick_ahead := _tick_ahead(holding)) is not None:
        yield from seal_void(config, holding, "void: its tick lies in the future", now_ms)
        raise tick_ahead
    proved_ms = head.proved_highest_at_ms
    if proved_ms is None or written.applied_ms - proved_ms >= PROOF_VALID_MS:
        reason = "void: the proof that this number was next is too old"  # R7
    elif now_ms >= holding.deadline_ms:
        reason = "void: the win was not known before the lease ran out"  # R4
    elif lock.proved:
        return Created(holding=replace(holding, previous=None))
    else:
        now_ms = yield from prove_store(config, holding, create)  # R0
        if now_ms < holding.deadline_ms:
            lock = replace(holding.lock, proved=True)
            return Created(holding=replace(holding, lock=lock, previous=None))
        reason = "void: the store was not tested before the lease ran out"  # R0, R4
    yield from seal_void(config, holding, reason, now_ms)
    return Voided(now_ms=now_ms)


def _tick_ahead(holding: Holding) -> InvalidArgument | None:
    """Return the error to raise if the tick lies in the future by S3's clock, which a win shows.

    Completing a tick completes all earlier ones (R8): a tick in the year 9999 would end the
    election.
    """
    tick, date_ms = holding.lock.tick, holding.date_ms
    if tick is None or to_ms(tick) - date_ms <= MOST_AHEAD_MS:
        return None
    return InvalidArgument(
        f"expected a tick at most an hour ahead of S3's clock, which shows"
        f" {format_time(from_ms(date_ms))}, got {format_time(tick)}: to complete it would complete"
        f" all the ticks before it, too. Give the time that the run was scheduled for"
    )
