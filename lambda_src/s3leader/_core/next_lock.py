"""The first body of the next term's lock, and what a void win leaves. Pure data, no clock, no I/O.

A term *continues* the one before it if that was sealed as `continued` for the same tick (R10): it
is the next *leg* of the same attempt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from s3leader.errors import LedgerFull

from .attempts import MAX_NUMBER, attempts_so_far, next_attempt
from .lock import COMPLETED, CONTINUED, LAST_TERM, RESIGNED, Lock

_OF_THE_TICK = (
    "tick", "attempt", "attempts", "attempts_dropped", "leg", "repeat", "repeat_reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a term is for. `leg` and `repeat` are those of the event that started the candidate.

    `repeat` leads a tick that is completed already, for an operator (`repeat_reason`: who, and
    why). `leg` is used where the ledger does not show an earlier leg of the tick.
    """

    tick: datetime | None = None
    leg: int = 1
    repeat: bool = False
    repeat_reason: str | None = None

    def leg_after(self, previous: Lock | None) -> int:
        """Return the leg of the term after `previous`: a retry keeps it (R10)."""
        if previous is None or previous.tick != self.tick or self.tick is None:
            return self.leg
        if previous.outcome == CONTINUED:
            return min(previous.leg + 1, MAX_NUMBER)
        return self.leg if self.repeat or previous.outcome == COMPLETED else previous.leg


def next_lock(previous: Lock | None, *, nonce: str, holder: str, lease_ms: int, work: Work) -> Lock:
    """Return the first body of the term after `previous`, which is sealed (R1), or None for term 1.

    It inherits `done`, `swept`, `proved`, the job's `state`, and the counts of attempts at ticks
    that are not completed; a continuation also inherits the request to repeat its tick (R10).
    """
    tick, asked = work.tick, work
    if previous is not None and previous.is_continued_for(tick) and previous.repeat:
        asked = replace(work, repeat=True, repeat_reason=previous.repeat_reason)
    first = Lock(
        term=1,
        nonce=nonce,
        holder=holder,
        lease_ms=lease_ms,
        tick=tick,
        leg=work.leg_after(previous),
        repeat=asked.repeat,
        repeat_reason=asked.repeat_reason,
    )
    if previous is None:
        return first
    if previous.term >= LAST_TERM:
        raise LedgerFull(
            f"term {LAST_TERM} is the last that a lock's name can carry: give the election a new"
            f" name; its fencing tokens start again from 1, so give what they guard one too"
        )
    attempts = attempts_so_far(previous)
    return replace(
        first,
        term=previous.term + 1,
        done=previous.done,
        attempt=next_attempt(previous, tick),
        attempts=attempts.without(tick),
        attempts_dropped=attempts.dropped,
        swept=min(previous.swept, previous.term),
        proved=previous.proved,
        state=previous.state,
    )


def void_lock(lock: Lock, previous: Lock | None) -> tuple[Lock, str]:
    """Return the lock of a void win, and its outcome, as if it had not been created.

    It counts as no attempt at its tick (R8). On a continued lock it is continued, too, so that the
    next invocation for that tick still finds its place (R10).
    """
    if previous is None or previous.outcome != CONTINUED:
        return replace(lock, attempt=lock.attempt - 1), RESIGNED
    same = {name: getattr(previous, name) for name in _OF_THE_TICK}
    return replace(lock, **same), CONTINUED
