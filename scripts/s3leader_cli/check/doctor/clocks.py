"""How far the clocks of S3's front ends are apart, by the `Date` of answers on new connections.

A `Date` has whole seconds, so each answer only bounds the offset of its front end's clock from this
machine's stopwatch: the clock showed from `date` to a second later at some time between the request
and the answer. Two bounds that do not overlap prove a difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from .findings import Finding, ok

CHECK = "clocks"
_GRAIN_S = 1.0
_FEW = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One answer: monotonic seconds before and after it, its `Date` in seconds, and who gave it."""

    sent: float
    received: float
    date: float
    address: str = ""

    @property
    def earliest(self) -> float:
        """The least offset of the front end's clock that explains the answer."""
        return self.date - self.received

    @property
    def latest(self) -> float:
        """The largest offset."""
        return self.date + _GRAIN_S - self.sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The clocks differ by at least `least` seconds, and at most by `most`."""

    least: float
    most: float


def spread(samples: Sequence[Sample]) -> Spread:
    """Return what the samples prove."""
    earliest, latest = [s.earliest for s in samples], [s.latest for s in samples]
    return Spread(
        least=max(0.0, max(earliest) - min(latest)), most=max(0.0, max(latest) - min(earliest))
    )


def check_clocks(samples: Sequence[Sample], failed: int, skew: timedelta) -> Iterator[Finding]:
    """Compare the spread with the allowance, of which a second is lost to rounding."""
    if len(samples) < max(_FEW, failed):
        yield Finding(
            check=CHECK,
            level="cannot tell",
            what=f"only {len(samples)} of {len(samples) + failed} new connections were answered",
            do=f"run this again, from where the endpoint is reached without a proxy, with"
            f" --connections {_FEW} at least",
        )
        return
    found, allowed = spread(samples), skew.total_seconds()
    hosts = len({each.address for each in samples})
    lost = f" ({failed} others gave none)" if failed else ""
    facts = (
        f"{len(samples)} answers on new connections to {hosts}"
        f" address{'es' if hosts > 1 else ''}{lost}: S3's clocks are at least"
        f" {found.least:.2f} s and at most {found.most:.2f} s apart; the allowance is"
        f" {allowed:g} s, a second of it for rounding"
    )
    if found.least + _GRAIN_S > allowed:
        yield Finding(
            check=CHECK,
            level="problem",
            what=f"{facts}. A lock may look lapsed while its holder still leads",
            do=f"give every candidate clock_skew={found.least + 2 * _GRAIN_S:.0f} s or more, and"
            " report it to the operator of the store",
        )
    elif found.least + _GRAIN_S > allowed / 2:
        yield Finding(
            check=CHECK, level="warning", what=f"{facts}. Little of the allowance is left",
            do="measure again, and give candidates a larger clock_skew",
        )  # fmt: skip
    else:
        yield ok(CHECK, facts)
