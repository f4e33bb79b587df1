"""What must hold at every moment of a simulation, by true time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from s3leader._core.holding import Holding
from s3leader._core.lock import parse_lock_name
from tests.verification.model_checker.s3 import Violation, lock_fields, writer

from .candidate import Candidate

UNTAGGED_AT_MOST = 50


@dataclass
class Invariants:
    """Checks each change of the bucket before it is made, and each candidate that leads."""

    folder: str
    max_attempts: int
    highest: int = 0
    tip: dict[str, Any] | None = None  # what the highest lock says
    tip_tagged: bool = False
    won: int = 0
    leading: Candidate | None = None
    until_ms: float = 0
    completed: dict[str, int] = field(default_factory=dict)  # tick -> term
    untagged: set[int] = field(default_factory=set)  # below the highest
    recreated: set[int] = field(default_factory=set)  # old numbers, deleted and created again
    most_untagged: int = 0

    def put(self, key: str, before: bytes | None, after: bytes) -> None:
        term = self._term(key)
        if term is None:
            return
        lock: dict[str, Any] = lock_fields(after)
        if before is not None and lock_fields(before)["expired"]:
            raise Violation(f"sealed lock {term} is changed")
        if before is None and term > self.highest:
            self._check_next(term, lock)
        elif before is None:
            self.recreated.add(term)
        if term == self.highest:
            self.tip, self.tip_tagged = lock, False  # a PUT does away with an object's tags
        if lock["outcome"] == "completed" and lock["tick"] is not None:
            if lock["tick"] in self.completed:
                raise Violation(f"tick {lock['tick']} is completed twice, now by term {term}")
            self.completed[lock["tick"]] = term
        left = min(self.untagged, default=term + 1)
        if term == self.highest and lock["swept"] >= left:
            raise Violation(f"lock {term} says swept {lock['swept']}, and {left} is not tagged")

    def _check_next(self, term: int, lock: dict[str, Any]) -> None:
        before = self.tip
        if term != self.highest + 1:
            raise Violation(f"lock {term} is created on top of lock {self.highest}")
        if before is not None:
            if not before["expired"]:
                raise Violation(f"lock {term} is created while lock {term - 1} is not sealed")
            if (before["done"] or "") > (lock["done"] or ""):
                raise Violation(f"`done` goes back in lock {term}")
            if before["state"] != lock["state"]:
                raise Violation(f"the checkpoint is lost in lock {term}")
            if not self.tip_tagged:
                self.untagged.add(term - 1)
        if lock["attempt"] > self.max_attempts:
            raise Violation(f"lock {term} is attempt {lock['attempt']} at its tick")
        self.highest = term
        self.most_untagged = max(self.most_untagged, len(self.untagged))
        if len(self.untagged) > UNTAGGED_AT_MOST:
            raise Violation(f"{len(self.untagged)} locks below {term} are not tagged")

    def tag(self, key: str) -> None:
        term = self._term(key)
        if term is None:
            raise Violation(f"{key} is tagged")
        self.untagged.discard(term)
        self.recreated.discard(term)
        self.tip_tagged = self.tip_tagged or term == self.highest

    def delete(self, key: str) -> None:
        if self._term(key) == self.highest:
            raise Violation(f"the highest lock {self.highest} is deleted")

    def leads(self, candidate: Candidate, holding: Holding, now_ms: int) -> None:
        """`candidate` has just won the term."""
        self._check_alone(candidate, holding.lock.term, now_ms)
        if holding.lock.term <= self.won:
            raise Violation(f"term {holding.lock.term} is won after term {self.won}")
        self.won = holding.lock.term
        self.leading, self.until_ms = candidate, candidate.true_ms(holding.deadline_ms, now_ms)

    def renewed(self, candidate: Candidate, holding: Holding, now_ms: int) -> None:
        until_ms = candidate.true_ms(holding.deadline_ms, now_ms)
        if until_ms <= now_ms:
            return
        self._check_alone(candidate, holding.lock.term, now_ms)
        if self.leading is candidate and self.until_ms <= now_ms:
            raise Violation(f"term {holding.lock.term} is led again after its deadline")
        self.leading, self.until_ms = candidate, until_ms

    def leads_no_more(self, candidate: Candidate) -> None:
        if self.leading is candidate:
            self.leading = None

    def beaten(self, candidate: Candidate, highest: bytes | None) -> None:
        """`candidate` lost its campaign."""
        if highest in candidate.created:
            raise Violation(f"{candidate.name} lost its campaign, and holds the lock")

    def lost(self, candidate: Candidate, found: bytes | None, term: int) -> None:
        """`candidate` learned that another sealed its lock."""
        if found is not None and writer(found) == candidate.name:
            raise Violation(f"term {term} is given up as lost, and nobody else wrote its lock")

    def _check_alone(self, candidate: Candidate, term: int, now_ms: int) -> None:
        other = self.leading
        if other is not None and other is not candidate and now_ms < self.until_ms:
            left = round(self.until_ms - now_ms)
            raise Violation(
                f"two leaders: {candidate.name} leads term {term}, and {other.name} still leads"
                f" term {self.won} for {left} ms by its own stopwatch"
            )

    def _term(self, key: str) -> int | None:
        return parse_lock_name(key.removeprefix(self.folder))
