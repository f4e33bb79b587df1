"""How many terms each tick has taken, whatever other ticks were led in between.

A lock counts the attempts at its own tick in `attempt`, and those at other ticks that are not
completed in `attempts`. Sans-I/O, pure data.

The table is bounded: it keeps the `MOST_TICKS` latest ticks. It overflows only if that many ticks
fail in a row, for a completed tick completes all before it (R8). While it is full, a tick older
than all in it may have been dropped from it, so nobody knows its attempts: `may_attempt` refuses it
where attempts are limited.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .lock import Lock

MOST_TICKS: Final = 64
MAX_NUMBER: Final = 10**12  # more than any lease, term or count comes to


def attempts_so_far(lock: Lock) -> dict[datetime, int]:
    """Return how many terms each tick that is not completed has taken, `lock`'s own included."""
    counts = dict(lock.attempts)
    if lock.tick is not None and lock.attempt > 0:
        counts[lock.tick] = lock.attempt
    pending = sorted(tick for tick in counts if not lock.is_done(tick))
    return {tick: counts[tick] for tick in pending[-MOST_TICKS:]}


def attempts_at_others(previous: Lock, tick: datetime | None) -> Mapping[datetime, int]:
    """Return the table that the lock after `previous` carries beside its count for `tick`."""
    return {other: count for other, count in attempts_so_far(previous).items() if other != tick}


def next_attempt(previous: Lock | None, tick: datetime | None) -> int:
    """Return which attempt at `tick` the term after `previous` would be, counted from 1."""
    if previous is None or tick is None:
        return 1
    return min(attempts_so_far(previous).get(tick, 0) + 1, MAX_NUMBER)


def may_attempt(previous: Lock | None, tick: datetime | None, most: int | None) -> bool:
    """Whether `tick` may take one more term after `previous`; `most` is the limit, if any."""
    if most is None or previous is None or tick is None:
        return True
    known = attempts_so_far(previous)
    dropped = len(known) == MOST_TICKS and tick < min(known)
    return not dropped and next_attempt(previous, tick) <= most
