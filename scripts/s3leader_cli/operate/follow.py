"""Follows a run of a job in its ledger, term by term, to its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from s3leader import Election, Lock, StoreUnavailable
from s3leader_cli.report import advice, utc
from s3leader_cli.streams import print_error, printable

POLL_SECONDS = 2.0
_MOST_TERMS = 100  # that one look reads, more than a run has legs between two looks
_MOST_FAILURES = 5  # looks in a row that S3 does not answer
# Lambda retries a leg after one minute, and again after two; R10 keeps other ticks out until then.
_NEXT_LEG = timedelta(minutes=5)
_SHOWN = 200


@dataclass
class Follower:
    """The terms after term `after` of a run for `tick`, as the ledger shows them.

    With `repeat`, only terms that repeat the tick; `accepts` may narrow them further. Each change
    is printed on standard error. `pause` and `monotonic` are the clock.
    """

    election: Election
    tick: datetime | None
    after: int
    repeat: bool = False
    accepts: Callable[[Lock], bool] = lambda _: True
    pause: Callable[[float], object] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    terms: dict[int, Lock] = field(default_factory=dict)
    head: Lock | None = None
    failures: int = 0

    def look(self) -> Lock | None:
        """Read the ledger, print what is new, and return the latest term of this run."""
        try:
            found = self._read()
        except StoreUnavailable as error:
            self.failures += 1
            if self.failures >= _MOST_FAILURES:
                raise
            say(f"the ledger could not be read, which is tried again: {advice(error)}")
            return self.latest
        self.failures = 0
        for lock in sorted(found, key=lambda each: each.term):
            if lock.term > self.after and lock.problem is None and self._is_ours(lock):
                _print_change(self.terms.get(lock.term), lock)
                self.terms[lock.term] = lock
        return self.latest

    @property
    def latest(self) -> Lock | None:
        """The latest term of this run so far."""
        return self.terms[max(self.terms)] if self.terms else None

    def begin(self, *, within: timedelta) -> bool:
        """Wait until a term of this run begins, or its tick is done; False if neither happens."""
        began = self.monotonic()
        while self.look() is None and not self.is_done():
            if self.monotonic() - began > within.total_seconds():
                return False
            self.pause(POLL_SECONDS)
        return True

    def follow(self, *, first_within: timedelta) -> Lock | None:
        """Wait until the run is over, and return its last term, which may be unsealed.

        It is over if its latest term is sealed and not continued; or if no term of it begins
        within `first_within`, or after a continued or lapsed one within five minutes.
        """
        waits_since, seen = self.monotonic(), self._stand()
        while True:
            latest = self.look()
            if latest is not None and latest.sealed and latest.outcome != "continued":
                return latest
            if self._stand() != seen or self._is_held():
                waits_since, seen = self.monotonic(), self._stand()
            patience = first_within if latest is None else _NEXT_LEG
            if self.monotonic() - waits_since > patience.total_seconds() or self.is_done():
                return latest
            self.pause(POLL_SECONDS)

    def is_done(self) -> bool:
        """Whether the ledger says that the tick, or a later one, is completed."""
        # A tick that is repeated is done from the start.
        return not self.repeat and self.head is not None and self.head.is_done(self.tick)

    def is_overtaken(self) -> bool:
        """Whether the tick only counts as done, because a later one is completed (R8)."""
        completed = any(each.outcome == "completed" for each in self.terms.values())
        return (
            self.is_done()
            and not completed
            and self.head is not None
            and (self.head.done != self.tick)
        )

    def _is_ours(self, lock: Lock) -> bool:
        same = lock.tick == self.tick and (lock.repeat or not self.repeat)
        return same and self.accepts(lock)

    def _is_held(self) -> bool:
        latest = self.latest
        return latest is not None and not latest.sealed and not self.election.is_lapsed(latest)

    def _stand(self) -> tuple[int, bool]:
        latest = self.latest
        return (0, False) if latest is None else (latest.term, latest.sealed)

    def _read(self) -> list[Lock]:
        known = max(self.terms, default=self.after)
        self.head = self.election.observe()
        if self.head is None or self.head.term < known:
            return []
        if self.head.term == known or (self.head.term == known + 1 and not self._open(known)):
            return [self.head]
        return self.election.history(limit=min(self.head.term - known + 1, _MOST_TERMS))

    def _open(self, term: int) -> bool:
        """Whether a term was not sealed when it was last read."""
        return term in self.terms and not self.terms[term].sealed


def say(text: str) -> None:
    """Print a line of progress on standard error."""
    print_error(f"s3leader: {printable(text)}")


def term_text(lock: Lock) -> str:
    """Return a term's number, attempt and leg."""
    leg = f", leg {lock.leg}" if lock.leg > 1 else ""
    tick = f" for tick {utc(lock.tick)}" if lock.tick else ""
    return f"term {lock.term}{tick} (attempt {lock.attempt}{leg})"


def _print_change(before: Lock | None, lock: Lock) -> None:
    if before is None:
        say(f"{term_text(lock)} is led by {lock.holder or 'an unnamed candidate'}")
    if lock.state and (before is None or before.state != lock.state) and not lock.sealed:
        say(f"term {lock.term}: state {json.dumps(lock.state)[:_SHOWN]}")
    if lock.sealed and (before is None or not before.sealed):
        why = f" ({lock.reason})" if lock.reason else ""
        say(f"term {lock.term} is over: {lock.outcome or 'sealed'}{why}")
