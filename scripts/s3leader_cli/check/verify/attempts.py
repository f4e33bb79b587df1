"""R8 and R10: each term counts the attempts at its tick, and its legs, on from the term before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from s3leader import Lock

from .findings import Finding
from .ledger import Ledger, is_void


def attempts_of(ledger: Ledger) -> Iterator[Finding]:
    """Attempts and legs are counted on from the term before."""
    first = ledger.sequence[0] if ledger.sequence else None
    if first is not None and first.term == 1 and first.attempt > 1:
        yield Finding(term=1, what=f"the first term is attempt {first.attempt} at its tick")
    for before, lock in ledger.neighbours():
        if lock.tick is None:
            continue
        if is_void(lock) and before.outcome == "continued":
            yield from _compare(lock, "attempt", before.attempt)
            yield from _compare(lock, "leg", before.leg)
        elif before.is_continued_for(lock.tick):
            yield from _compare(lock, "attempt", before.attempt)
            yield from _compare(lock, "leg", before.leg + 1)
        else:
            yield from _new_attempt(before, lock, lock.tick)


def _new_attempt(before: Lock, lock: Lock, tick: datetime) -> Iterator[Finding]:
    counted = _counts(before)
    dropped = before.attempts_dropped
    if tick in counted or dropped is None or tick > dropped:  # the count is known
        yield from _compare(lock, "attempt", counted.get(tick, 0) + (0 if is_void(lock) else 1))
    retries = before.tick == tick and before.outcome != "completed" and not lock.repeat
    if retries and not is_void(lock):
        yield from _compare(lock, "leg", before.leg)


def _counts(lock: Lock) -> dict[datetime, int]:
    """Return the attempts at each tick that is not completed, up to a term."""
    counts = dict(lock.attempts)
    if lock.tick is not None:
        counts[lock.tick] = lock.attempt
    return {tick: count for tick, count in counts.items() if not lock.is_done(tick)}


def _compare(lock: Lock, name: str, expected: int) -> Iterator[Finding]:
    found = getattr(lock, name)
    if found != expected:
        what = f"it is {name} {found} at its tick, and follows on {name} {expected}"
        yield Finding(term=lock.term, what=what)
