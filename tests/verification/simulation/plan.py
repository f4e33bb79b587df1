"""What a simulation is made with, and how far stopwatches and S3's clocks may go wrong in it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
DAY_MS = 24 * 60 * MINUTE_MS
TIMEOUT_MS = 5 * SECOND_MS
LEASES_MS = (20 * SECOND_MS, 30 * SECOND_MS, 45 * SECOND_MS)
SKEW_MS = 3 * SECOND_MS
APART_MS = 2 * SECOND_MS  # S3's clocks among themselves
GUARD_MS = max(LEASES_MS) + SKEW_MS + APART_MS + SECOND_MS  # by then any lock has lapsed


def slowest_rate(lease_ms: int, skew_ms: int, apart_ms: int) -> float:
    """How slow a stopwatch may run (milliseconds counted in one) and never show two leaders.

    A holder leads for `lease / rate` at most after its lock was written. Another finds the lock
    lapsed when `Date - Last-Modified > lease + clock_skew`. Both tell whole seconds, so that takes
    the next whole second above; and their grain may pretend less than one second, their clocks
    what they are `apart`. A stopwatch that is fast only ends a term early.
    """
    least_ms = (lease_ms + skew_ms) // SECOND_MS * SECOND_MS - apart_ms
    return lease_ms / least_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`hours` of ticks, one a minute; `pause_every` hours nothing is fired for two or three days.

    Of each hour, faults happen in the first `faulty_minutes`. Of so many candidates, one
    expects a long ledger; with `long_ledger_every` 0 none.
    """

    seed: int
    hours: float = 12
    candidates: int = 30
    contenders: int = 3
    faulty_minutes: int = 40
    pause_every: float = 2.5
    page_size: int = 50
    max_attempts: int = 3
    long_ledger_every: int = 2

    def draw_rate(self, rng: random.Random) -> float:
        """A stopwatch's rate: up to the bound, and often at it."""
        slowest = slowest_rate(max(LEASES_MS), SKEW_MS, APART_MS)
        drift = 1 - slowest
        return rng.choice([slowest, 1.0, 1 + drift, rng.uniform(slowest, 1 + drift)])


@dataclass
class Statistics:
    """What happened in a run."""

    ticks: int = 0
    clear: int = 0  # ticks without a fault near them, which had to be completed
    requests: int = 0
    deaths: int = 0
    frozen: int = 0
    faults: int = 0
    campaigns: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    afterwards: Counter[int] = field(default_factory=Counter)
