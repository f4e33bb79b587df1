"""Which terms `s3leader history` shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from s3leader import Election, Lock
from s3leader_cli.report import standing_of

OUTCOMES = (
    "completed", "failed", "resigned", "deposed", "continued", "held", "lapsed", "sealed",
    "corrupt",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Filters:
    """A term matches if all of them do. A corrupt lock says no time, so it is always within them.

    A term is within `since` and `until` if it was led at any moment between the two.
    """

    since: datetime | None = None
    until: datetime | None = None
    tick: datetime | None = None
    outcomes: Sequence[str] = ()
    holder: str | None = None

    @property
    def any(self) -> bool:
        """Whether a term may be left out."""
        return self != Filters()

    def matches(self, election: Election, lock: Lock) -> bool:
        """Whether a term is to be shown."""
        if self.outcomes and outcome_of(election, lock) not in self.outcomes:
            return False
        if lock.problem is not None:
            return self.tick is None and self.holder is None
        if self.until is not None and lock.started_at is not None and lock.started_at > self.until:
            return False
        if self.tick is not None and lock.tick != self.tick:
            return False
        return self.holder is None or _holds(self.holder, lock.holder or "unnamed")

    def is_before(self, lock: Lock) -> bool:
        """Whether a term, and so each one before it, ended before `since`."""
        ended = lock.ended_at if lock.sealed else None
        return self.since is not None and ended is not None and ended < self.since

    def choose(self, election: Election, newest_first: Iterable[Lock]) -> Iterator[Lock]:
        """Yield the terms to show, and stop at the first one that ended before `since`."""
        for lock in newest_first:
            if self.is_before(lock):
                return
            if self.matches(election, lock):
                yield lock


def outcome_of(election: Election, lock: Lock) -> str:
    """Return how a term ended, or the standing of one that has not."""
    return lock.outcome or standing_of(election, lock)


def _holds(wanted: str, holder: str) -> bool:
    """Whether a holder matches a pattern with * or ?, or contains another text."""
    if "*" in wanted or "?" in wanted:
        return fnmatchcase(holder, wanted)
    return wanted in holder
