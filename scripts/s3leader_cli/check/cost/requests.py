"""What each case costs in requests. Tests hold the numbers to what elections send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Numbers of requests by kind; tags are PUTs too, and are priced so."""

    lists: float = 0
    gets: float = 0
    puts: float = 0
    tags: float = 0

    def __add__(self, other: Requests) -> Requests:
        return Requests(
            lists=self.lists + other.lists,
            gets=self.gets + other.gets,
            puts=self.puts + other.puts,
            tags=self.tags + other.tags,
        )

    def __mul__(self, times: float) -> Requests:
        return Requests(
            lists=self.lists * times,
            gets=self.gets * times,
            puts=self.puts * times,
            tags=self.tags * times,
        )

    @property
    def total(self) -> float:
        """All requests."""
        return self.lists + self.gets + self.puts + self.tags


WIN_WARM: Final = Requests(puts=1)
WIN_COLD: Final = Requests(lists=1, gets=1, puts=1)
RESIGN: Final = Requests(tags=1, puts=1)
"""After the work: the lock before is tagged, and the leader's own is sealed."""
RENEW: Final = Requests(puts=1)
"""A renewal, a checkpoint, or both in one."""
LOSE_WARM: Final = Requests(puts=1, gets=1)
LOSE_COLD: Final = Requests(lists=1, gets=2, puts=1)
"""Beaten in a race. A candidate that comes later pays one LIST and one GET."""
TAKE_OVER: Final = Requests(puts=1)
"""The seal of a lapsed lock, before a win."""
LOOK: Final = Requests(gets=1)
"""A look at the leader's lock by a candidate that waits."""
LONG_LIST: Final = Requests(gets=1)
"""What a cold start costs more if more than 1,000 locks are kept, and the candidate expects it, as
the constructs see to: the hint.
"""
HINT: Final = Requests(gets=1, puts=1)
"""What every 500th term costs more: its leader reads and rewrites the hint."""
HINT_EVERY: Final = 500
LONG_LEDGER: Final = 1000


def win(*, warm: bool, kept: float) -> Requests:
    """Return what a candidate sends to win a term in a ledger of `kept` locks."""
    if warm:
        return WIN_WARM
    return WIN_COLD + LONG_LIST if kept > LONG_LEDGER else WIN_COLD


def lose(*, warm: bool, kept: float) -> Requests:
    """Return what a candidate sends that is beaten."""
    if warm:
        return LOSE_WARM
    return LOSE_COLD + LONG_LIST if kept > LONG_LEDGER else LOSE_COLD
