"""Which ticks of a schedule have no completed term, and why, as far as the ledger shows it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from s3leader import Election, Lock
from s3leader_cli.report import standing_of, utc

Why: TypeAlias = Literal["failed", "never led", "passed over", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Missed:
    """A tick. `passed_by` is the later tick that was completed, after which none leads this one."""

    tick: datetime
    why: Why
    outcomes: tuple[str, ...] = ()
    reason: str | None = None
    passed_by: datetime | None = None

    def in_words(self) -> str:
        """Return why, for people."""
        if self.why == "unknown":
            return "unknown: locks of that time are deleted or corrupt"
        led = "no term was led for it"
        if self.outcomes:
            counted = Counter(self.outcomes)
            led = ", ".join(
                f"{word} ({count} times)" if count > 1 else word for word, count in counted.items()
            )
            led += f" ({self.reason})" if self.reason else ""
        later = f"; tick {utc(self.passed_by)} was completed since" if self.passed_by else ""
        return led + later

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "tick": utc(self.tick),
            "why": self.why,
            "terms": len(self.outcomes),
            "outcomes": list(self.outcomes),
            "reason": self.reason,
            "passed_by": utc(self.passed_by),
            "text": self.in_words(),
        }


class LedgerOfTicks:
    """What the terms say of ticks. `locks` are the newest first.

    `reaches_back` means that no older lock exists that is of the time in question.
    """

    def __init__(self, election: Election, locks: Sequence[Lock], *, reaches_back: bool) -> None:
        self._election = election
        self._highest = locks[0] if locks else None
        self.terms: dict[datetime, list[Lock]] = defaultdict(list)
        for lock in reversed(locks):
            if lock.tick is not None:
                self.terms[lock.tick].append(lock)
        completed = {each.tick for each in locks if each.outcome == "completed" and each.tick}
        self._completed = sorted(completed)
        starts = [each.started_at for each in locks if each.started_at is not None]
        self.begins = None if reaches_back or not starts else min(starts)
        self._gaps = list(_gaps(locks))

    def is_met(self, tick: datetime, *, any_term: bool) -> bool:
        """Whether a term has completed a tick, or is at work on it, or if `any_term`, was led."""
        terms = self.terms.get(tick, [])
        if any_term and terms:
            return True
        waits = bool(terms) and self._waits(terms[-1])
        completed = any(each.outcome == "completed" for each in terms)
        held = any(standing_of(self._election, each) == "held" for each in terms)
        return completed or waits or held

    def is_older(self, tick: datetime) -> bool:
        """Whether a tick was due before the first lock that is left."""
        return self.begins is not None and tick < self.begins and tick not in self.terms

    @property
    def is_blocked(self) -> bool:
        """Whether the highest lock is corrupt, so that nobody can lead."""
        return self._highest is not None and self._highest.problem is not None

    def _waits(self, lock: Lock) -> bool:
        """Whether the next leg of a continued tick may still begin, which R10 gives one lease."""
        if lock.outcome != "continued" or lock is not self._highest:
            return False
        config, grain = self._election.config, timedelta(milliseconds=1)
        lease_ms, skew_ms = config.lease // grain, config.clock_skew // grain
        return lock.left_ms(lease_ms=lease_ms, clock_skew_ms=skew_ms) >= 0

    def _standing(self, lock: Lock) -> str:
        return "died" if standing_of(self._election, lock) == "lapsed" else "sealed"

    def why(self, tick: datetime) -> Missed:
        """Return why a tick has no completed term."""
        later = bisect_right(self._completed, tick)
        passed_by = self._completed[later] if later < len(self._completed) else None
        terms = self.terms.get(tick, [])
        if terms:
            words = tuple(each.outcome or self._standing(each) for each in terms)
            reason = terms[-1].reason
            return Missed(
                tick=tick, why="failed", outcomes=words, reason=reason, passed_by=passed_by
            )
        if any(begin <= tick <= end for begin, end in self._gaps):
            return Missed(tick=tick, why="unknown")
        return Missed(
            tick=tick, why="passed over" if passed_by else "never led", passed_by=passed_by
        )


def _gaps(locks: Sequence[Lock]) -> Iterable[tuple[datetime, datetime]]:
    """Yield the times between two locks between which others are deleted or corrupt."""
    readable = [each for each in locks if each.problem is None]
    for later, earlier in pairwise(readable):
        if later.term - earlier.term > 1 and earlier.started_at and later.started_at:
            yield earlier.started_at, later.started_at
    if readable and readable[0] is not locks[0] and readable[0].started_at and readable[0].seen_at:
        yield readable[0].started_at, readable[0].seen_at  # the highest is corrupt
