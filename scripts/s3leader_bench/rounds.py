"""Measure variants in alternating rounds, and summarize the rounds."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

Action: TypeAlias = Callable[[], object]
Prepare: TypeAlias = Callable[[], Action]
"""Sets up what is not measured, and returns what is."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some values, and the quartiles."""

    median: float
    low: float
    high: float
    values: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Summarize one value or more."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))

    def as_json(self) -> dict[str, Any]:
        """Return it for `json.dumps`."""
        quartiles = [round(self.low, 6), round(self.high, 6)]
        return {"median": round(self.median, 6), "quartiles": quartiles, "values": self.values}


@dataclass(frozen=True, slots=True)
class Sample:
    """What one action took: seconds, and requests by kind as the server counted them."""

    wall: float
    cpu: float
    requests: Mapping[str, float]


def measure(prepare: Prepare, counts: Callable[[], Counter[str]], repeat: int) -> Sample:
    """Return the mean of `repeat` actions, each prepared before the first is performed."""
    actions = [prepare() for _ in range(repeat)]
    counts()
    wall, cpu = time.perf_counter(), time.process_time()
    for action in actions:
        action()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    requests = {kind: number / repeat for kind, number in counts().items()}
    return Sample(wall / repeat, cpu / repeat, requests)


def alternate(
    variants: Mapping[str, Callable[[], Sample]], rounds: int, advance: Callable[[], None]
) -> dict[str, list[Sample]]:
    """Measure each variant once in each round, after a round that is discarded.

    The order rotates, so that none always follows the same other one.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in variants}
    names = list(variants)
    for turn in range(rounds + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            sample = variants[name]()
            if turn:
                samples[name].append(sample)
        advance()
    return samples


def spread(samples: Sequence[Sample], attribute: str, unit: float = 1000) -> Spread:
    """Summarize `wall` or `cpu`, in milliseconds."""
    return Spread.of([getattr(sample, attribute) * unit for sample in samples])


def ratio(samples: Sequence[Sample], floor: Sequence[Sample], attribute: str) -> Spread:
    """Summarize the ratios of two variants, each of two samples of the same round."""
    pairs = zip(samples, floor, strict=True)
    return Spread.of([getattr(a, attribute) / getattr(b, attribute) for a, b in pairs])
