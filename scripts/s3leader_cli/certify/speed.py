"""How fast a store is: round trips of one client, and the rates that follow from them."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3leader._core.requests import Applied, Create, List, Read, Replace, StoreRequest, Unknown

from .check import Costs, Scale, Subject
from .races import count_costs, increment

if TYPE_CHECKING:
    from s3leader._core.requests import Store

    from .racers import WaitForAll


@dataclass(frozen=True, kw_only=True)
class RoundTrip:
    """Milliseconds from a request to its answer. With fewer than 100 samples, `p99_ms` is the
    slowest.
    """

    median_ms: float
    p99_ms: float
    samples: int


@dataclass(frozen=True, kw_only=True)
class Speed:
    """The speed of light of elections on a store.

    `swaps_per_s` are compare-and-swaps on one key by one client, `contended_swaps_per_s` by up
    to eight clients together, `creates_per_s` creates of different keys by `writers` clients.
    """

    put: RoundTrip
    get: RoundTrip
    list: RoundTrip
    swaps_per_s: float
    contended_swaps_per_s: float | None
    creates_per_s: float | None
    writers: int


def costs(scale: Scale, writers: int) -> Costs:
    """Return the requests of `measure`, about."""
    tries = count_costs(scale, writers).writes
    return Costs(writes=scale.samples * 3 + tries + 10 * writers, reads=scale.samples + tries)


def measure(subject: Subject) -> Speed:
    """Measure the store. Requests without an answer are not counted."""
    key, samples = subject.key("swaps.json"), subject.scale.samples
    creates = [_timed(subject, Create(subject.key(f"{n}.json"), b"{}")) for n in range(samples)]
    etag = subject.write(Create(key, b"0"))
    swaps: list[float] = []
    for number in range(1, samples + 1):
        began = time.perf_counter()
        etag = subject.write(Replace(key, str(number).encode(), etag))
        swaps.append((time.perf_counter() - began) * 1000)
    gets = [_timed(subject, Read(key)) for _ in range(samples)]
    lists = [_timed(subject, List(subject.key("swaps"))) for _ in range(samples)]
    together = subject.racers.number > 1
    return Speed(
        put=_round_trip([*creates, *swaps]),
        get=_round_trip(gets),
        list=_round_trip(lists),
        swaps_per_s=1000 * len(swaps) / sum(swaps),
        contended_swaps_per_s=_contended(subject) if together else None,
        creates_per_s=_creates(subject) if together else None,
        writers=subject.racers.number,
    )


def create_many(
    store: Store, wait_for_all: WaitForAll, writer: int, folder: str, number: int
) -> int:
    """Create some objects of one's own, and return how many were created."""
    wait_for_all()
    body = json.dumps({"by": writer}).encode()
    keys = [f"{folder}{writer}-{one}.json" for one in range(number)]
    return sum(isinstance(store.perform(Create(key, body)), Applied) for key in keys)


def _creates(subject: Subject) -> float:
    began = time.perf_counter()
    created = subject.racers.run(create_many, subject.at("many").folder, 10)
    return float(sum(created)) / (time.perf_counter() - began)


def _contended(subject: Subject) -> float:
    key = subject.key("contended.json")
    subject.write(Create(key, b"{}"))
    began = time.perf_counter()
    done = subject.racers.run(increment, key, subject.scale.increments)
    return float(sum(done)) / (time.perf_counter() - began)


def _timed(subject: Subject, request: StoreRequest) -> float | None:
    began = time.perf_counter()
    answer = subject.store.perform(request)
    return None if isinstance(answer, Unknown) else (time.perf_counter() - began) * 1000


def _round_trip(times: Sequence[float | None]) -> RoundTrip:
    known = sorted(time for time in times if time is not None)
    if not known:
        return RoundTrip(median_ms=float("nan"), p99_ms=float("nan"), samples=0)
    p99 = known[min(len(known) - 1, (99 * len(known)) // 100)]
    return RoundTrip(median_ms=statistics.median(known), p99_ms=p99, samples=len(known))
