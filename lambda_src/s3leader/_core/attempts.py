"""Counting the attempts at each tick, also if terms for other ticks come in between (R8).

A lock counts the attempts at its own tick in `attempt`, and those at other ticks that are not
completed in `attempts`. Sans-I/O, pure data.

The table keeps the `MOST_TICKS` latest ticks; `attempts_dropped` is the latest tick that did not
fit. The attempts at that tick, and at earlier ticks that are not in the table, are unknown, so
`may_attempt` refuses these ticks if attempts are limited. A completed tick completes all earlier
ones (R8), so it removes them from the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .lock import Lock

MOST_TICKS: Final = 64
MAX_NUMBER: Final = 10**12  # larger than any real lease, term or count


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """The attempts at each tick that is not completed; `dropped` is `attempts_dropped` (above)."""

    counts: Mapping[datetime, int]
    dropped: datetime | None

    def without(self, tick: datetime | None) -> Mapping[datetime, int]:
        """Return the counts of all ticks but `tick`, which the lock counts in `attempt`."""
        return {other: count for other, count in self.counts.items() if other != tick}


def attempts_so_far(lock: Lock) -> Attempts:
    """Return the attempts up to and including the term of `lock`."""
    counts = dict(lock.attempts)
    if lock.tick is not None and lock.attempt > 0:
        counts[lock.tick] = lock.attempt
    pending = sorted(tick for tick in counts if not lock.is_done(tick))
    kept = pending[-MOST_TICKS:]
    dropped = pending[:-MOST_TICKS]
    if lock.attempts_dropped is not None and not lock.is_done(lock.attempts_dropped):
        dropped.append(lock.attempts_dropped)
    return Attempts(
        counts={tick: counts[tick] for tick in kept}, dropped=max(dropped, default=None)
    )


def next_attempt(previous: Lock | None, tick: datetime | None) -> int:
    """Return which attempt at `tick` the term after `previous` would be, counted from 1."""
    if previous is None or tick is None:
        return 1
    if previous.is_continued_for(tick):  # a continuation is part of the same attempt (R10)
        return previous.attempt
    return min(attempts_so_far(previous).counts.get(tick, 0) + 1, MAX_NUMBER)


def may_attempt(previous: Lock | None, tick: datetime | None, limit: int | None) -> bool:
    """Whether `tick` may take one more term after `previous`."""
    if limit is None or previous is None or tick is None:
        return True
    so_far = attempts_so_far(previous)
    if tick not in so_far.counts and so_far.dropped is not None and tick <= so_far.dropped:
        return False
    return next_attempt(previous, tick) <= limit
