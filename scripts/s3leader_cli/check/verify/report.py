"""What `verify` says of a ledger, as plain data; nothing here prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from s3leader import Lock

from .findings import Verdict
from .ledger import Ledger, is_void

CANNOT_KNOW = (
    (
        "terms whose locks are deleted: later locks carry their completed ticks and counts on, and"
        " nothing else"
    ),
    "overlaps shorter than the allowance for S3's clocks, which show whole seconds",
    (
        "whether a holder that was deposed before its lease had run out worked on, which only"
        " fencing stops"
    ),
    (
        "what jobs did outside of their locks, and whether a term that is recorded as completed did"
        " its work"
    ),
)


@dataclass(frozen=True, kw_only=True)
class Report:
    """`first` and `last` are the lowest and the highest term whose lock exists."""

    election: str
    verdicts: Sequence[Verdict]
    locks: int
    first: int
    last: int
    swept: int
    void: int
    deposed_by_operators: int
    recreated: int
    skew_s: float

    @property
    def broken(self) -> bool:
        """Whether a rule is certainly broken."""
        return any(each.result == "broken" for each in self.verdicts)

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "election": self.election,
            "result": "broken" if self.broken else "holds",
            "locks": self.locks,
            "first_term": self.first,
            "last_term": self.last,
            "swept": self.swept,
            "void_wins": self.void,
            "deposed_by_operators": self.deposed_by_operators,
            "numbers_created_again": self.recreated,
            "clock_skew_seconds": self.skew_s,
            "rules": [each.as_json() for each in self.verdicts],
            "cannot_know": list(CANNOT_KNOW),
        }


def report_on(election: str, ledger: Ledger, verdicts: Sequence[Verdict]) -> Report:
    """Return what there is to say of a ledger that has locks."""
    terms = ledger.terms
    return Report(
        election=election,
        verdicts=verdicts,
        locks=len(terms),
        first=min(terms),
        last=max(terms),
        swept=ledger.swept,
        void=sum(map(is_void, ledger.every())),
        deposed_by_operators=sum(map(_by_operator, ledger.sequence)),
        recreated=len(ledger.recreated),
        skew_s=ledger.skew.total_seconds(),
    )


def _by_operator(lock: Lock) -> bool:
    """Whether a person sealed it, perhaps before it had lapsed."""
    return lock.outcome == "deposed" and lock.sealed_after_lapse_by is None
