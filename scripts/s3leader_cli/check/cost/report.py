"""What `cost` says, as plain data; nothing here prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .model import Line, Plan, lines
from .prices import AS_OF, SOURCES, Prices

ASSUMPTIONS = (
    (
        "a month of 365/12 days; every contender starts at its tick, so those that do not win are"
        " beaten; one that starts later pays less"
    ),
    "nothing is sent twice; S3 bills failed conditional writes too, and they are counted",
    "not included: transfer between Regions, logs, alarms, KMS, queues, and what the job does",
)


@dataclass(frozen=True, kw_only=True)
class Report:
    """The items of a month, and what they follow from."""

    plan: Plan
    prices: Prices
    schedule: str | None
    lines: Sequence[Line]

    @property
    def total(self) -> float:
        """The dollars of a month."""
        return sum(each.dollars for each in self.lines)

    @property
    def requests(self) -> float:
        """The requests to S3 of a month."""
        return sum(each.count for each in self.lines if each.per == 1000)

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "schedule": self.schedule,
            "plan": asdict(self.plan),
            "terms": round(self.plan.terms, 3),
            "locks_kept": round(self.plan.locks_kept, 3),
            "lines": [each.as_json() for each in self.lines],
            "requests": round(self.requests, 3),
            "dollars": round(self.total, 6),
            "prices": asdict(self.prices),
            "prices_as_of": AS_OF,
            "sources": list(SOURCES),
            "assumptions": list(ASSUMPTIONS),
        }


def report_on(plan: Plan, prices: Prices, schedule: str | None) -> Report:
    """Return what a plan costs."""
    return Report(plan=plan, prices=prices, schedule=schedule, lines=lines(plan, prices))
