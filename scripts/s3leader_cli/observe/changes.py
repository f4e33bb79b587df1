"""What changes in an election from one look to the next, for `s3leader watch`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from s3leader import Election, Lock
from s3leader_cli.report import lease_left, utc

Kind: TypeAlias = Literal[
    "leads", "progress", "lapsing", "lapsed", "renewed late", "ended", "corrupt", "error",
    "recovered", "restarted",
]  # fmt: skip
_AHEAD = 10  # terms looked for at once, if several began since the last look


@dataclass(frozen=True, kw_only=True)
class Change:
    """`at` is S3's time, None without an answer that has it. `text` is for people."""

    kind: Kind
    at: str | None
    text: str
    lock: Lock | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def as_json(self, election: str) -> dict[str, Any]:
        """Return it for programs: the same keys for every kind."""
        lock = self.lock
        return {
            "at": self.at,
            "event": self.kind,
            "election": election,
            "term": None if lock is None else lock.term,
            "holder": None if lock is None else lock.holder,
            "tick": None if lock is None else utc(lock.tick),
            "attempt": None if lock is None else lock.attempt,
            "leg": None if lock is None else lock.leg,
            "outcome": None if lock is None else lock.outcome,
            "reason": None if lock is None else lock.reason,
            "state": None if lock is None else dict(lock.state),
            "text": self.text,
            **self.facts,
        }


class Watcher:
    """Looks at an election again and again.

    The first look lists the locks: 2 requests (up to 4 for over 1,000 locks). Each later one reads
    the latest lock, unless it is sealed, and the one after it: 1 or 2 GET. After `list_every`
    looks that show no new term, or if the latest lock is gone, the locks are listed again: their
    numbers may have been restarted, below or above those that are known.
    """

    def __init__(self, election: Election, list_every: int = 30) -> None:
        self.election = election
        self._list_every = list_every
        self._quiet = 0  # looks without a new term since the last list
        self.lock: Lock | None = None
        self._terms: range | None = None
        self._phase: Kind = "leads"

    def look(self) -> Iterator[Change]:
        """Yield what changed since the last look. Raises `S3LeaderError`."""
        if self._terms is None:
            self._terms = self.election.terms()
            newest = self._terms.stop - 1
            locks = self.election.history(1, before=newest + 1) if newest else []
        else:
            newest = self._terms.stop - 1
            locks = self._later(newest)
            if self._is_list_due(locks, newest):
                terms = self.election.terms()
                listed = self._listed(terms, newest)
                self._quiet = 0
                if newest and not self._goes_on(listed, newest):
                    self._terms, self.lock, self._phase = terms, None, "leads"
                    yield _restarted(listed, newest)
                    listed = listed[:1]
                locks = listed or locks
        for lock in reversed(locks):
            self._terms = range(min(self._terms.start, lock.term), lock.term + 1)
            yield from self._compare(lock)

    def _later(self, newest: int) -> list[Lock]:
        """Return the locks after the newest known, and that one if it may have changed."""
        last = self.lock
        final = newest == 0 or (last is not None and last.sealed)
        found = self.election.history(1 if final else 2, before=newest + 2)
        while found and found[0].term > newest:  # there may be more
            newest = found[0].term
            further = self.election.history(_AHEAD, before=newest + _AHEAD + 1)
            found = [*further, *found]
        return found

    def _is_list_due(self, locks: Sequence[Lock], newest: int) -> bool:
        if any(each.term > newest for each in locks):
            self._quiet = 0
            return False
        self._quiet += 1
        gone = self.lock is not None and not self.lock.sealed and not locks
        return gone or self._quiet >= self._list_every

    def _listed(self, terms: range, newest: int) -> list[Lock]:
        """Return the locks that a list shows, from the newest known on if there are not many."""
        highest = terms.stop - 1
        after = highest - newest
        limit = after + 1 if 0 <= after < _AHEAD else 1
        return self.election.history(limit, before=highest + 1) if highest else []

    def _goes_on(self, listed: Sequence[Lock], newest: int) -> bool:
        """Whether the locks follow the one that is known, or are that one."""
        by_term = {each.term: each for each in listed}
        if newest + 1 in by_term:  # it began between the look and the list
            return True
        same, last = by_term.get(newest), self.lock
        if same is None or len(by_term) > 1 or last is None:
            return False
        readable = last.problem is None and same.problem is None
        return not readable or (same.holder == last.holder and same.sealed >= last.sealed)

    def _compare(self, lock: Lock) -> Iterator[Change]:
        last, self.lock = self.lock, lock
        at = utc(lock.seen_at)
        if lock.problem is not None:
            if last is None or last.problem != lock.problem or last.term != lock.term:
                text = f"the lock of term {lock.term} is corrupt, so nobody leads: {lock.problem}"
                yield Change(kind="corrupt", at=at, text=text, lock=lock)
            return
        began = last is None or last.term != lock.term
        if began:
            yield self._leads(lock, last)
        elif last is not None and last.problem is None and lock.state != last.state:
            text = f"term {lock.term} saved a checkpoint"
            yield Change(kind="progress", at=at, text=text, lock=lock)
        if lock.sealed:
            if began or (last is not None and not last.sealed):
                yield Change(kind="ended", at=utc(lock.ended_at), text=_ended(lock), lock=lock)
            return
        yield from self._lease(lock)

    def _leads(self, lock: Lock, last: Lock | None) -> Change:
        self._phase = "leads"
        after = last is not None and last.outcome == "deposed" and last.term == lock.term - 1
        tick = "" if lock.tick is None else f" for tick {utc(lock.tick)}, attempt {lock.attempt}"
        leg = f", leg {lock.leg}" if lock.leg > 1 else ""
        verb = "has taken over and leads" if after else "led" if lock.sealed else "leads"
        text = f"{lock.holder or 'an unnamed candidate'} {verb} term {lock.term}{tick}{leg}"
        facts = {"took_over": after}
        return Change(kind="leads", at=utc(lock.started_at), text=text, lock=lock, facts=facts)

    def _lease(self, lock: Lock) -> Iterator[Change]:
        """A leader that dies renews no more: its lock is lapsing, and then lapsed."""
        left = lease_left(self.election, lock)
        skew = self.election.config.clock_skew
        phase: Kind = "leads"
        if left <= timedelta(0):
            phase = "lapsed" if self.election.is_lapsed(lock) else "lapsing"
        if phase == self._phase:
            return
        facts = {"lease_left_seconds": left.total_seconds()}
        over = max(0, round(-left.total_seconds()))
        texts = {
            "lapsing": f"term {lock.term} is lapsing: its lease is over since {over} s and was not"
            f" renewed; after {skew.total_seconds():.0f} s others may take over",
            "lapsed": f"term {lock.term} has lapsed: the next candidate takes over",
            "leads": f"{lock.holder} has renewed term {lock.term} after its lease was over",
        }
        self._phase = phase
        kind: Kind = "renewed late" if phase == "leads" else phase
        yield Change(kind=kind, at=utc(lock.seen_at), text=texts[phase], lock=lock, facts=facts)


def _restarted(listed: Sequence[Lock], newest: int) -> Change:
    """Return a change for locks that do not follow the newest one that was known."""
    head = listed[0] if listed else None
    now = "none is left" if head is None else f"now lock {head.term} is"
    text = (
        f"the numbers do not go on: lock {newest} was the highest, and {now}. Locks were deleted"
        " or restored, or the numbers were restarted (`s3leader repair`)"
    )
    return Change(kind="restarted", at=None if head is None else utc(head.seen_at), text=text)


def _ended(lock: Lock) -> str:
    why = f": {lock.reason}" if lock.reason else ""
    return f"term {lock.term} ended, {lock.outcome or 'sealed'}{why}"
