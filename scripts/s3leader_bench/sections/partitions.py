"""64 partitions and 2 to 16 workers that come and go: how soon shares are fair, and the price.

What ships, apart from its threads, over a bucket in memory and in virtual time.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from s3leader_bench.bench import Bench
from s3leader_bench.prices import MONTH_S
from s3leader_bench.tables import Cell, Table
from s3leader_bench.virtual_workers import VirtualWorker, VirtualWorkers

_PARTITIONS: Final = 64
_WORKERS: Final = (2, 4, 8, 16)
_LEASES_S: Final = (15, 60)
_LIMIT_S: Final = 300  # within which shares must be fair
_EVENT_S: Final = 60  # between two events, on average, while workers come and go


def run(bench: Bench) -> list[Table]:
    """Measure single events, the steady state, and an hour of events."""
    trials, watched_s, hour_s = (2, 60, 600) if bench.quick else (10, 300, 3600)
    bench.steps(len(_WORKERS) * (1 + len(_LEASES_S)) + 1)
    return [
        Table(
            "From an event to fair shares, with a lease of 15 s",
            ("workers", "event", "seconds", "the longest", "partitions moved",
             "nobody leads one for", "the longest gap"),
            [row for workers in _WORKERS for row in _event_rows(bench, workers, trials)],
            f"{_PARTITIONS} partitions. The workers are those after they have started together, or"
            " after one has joined, or before one leaves or is killed. Seconds until all partitions"
            " are led and shares differ by one at most: medians of trials with different seeds, and"
            " the longest. Work ends at once; a request takes effect after 15 to 60 ms.",
        ),
        Table(
            "The steady state",
            ("lease", "workers", "PUT a month", "GET a month", "dollars a month for all",
             "for a worker", "without the reads of slots"),
            [_steady_row(bench, lease, workers, watched_s)
             for lease in _LEASES_S for workers in _WORKERS],
            f"{_PARTITIONS} partitions, shares are fair and nothing happens.",
        ),
        Table(
            "Workers come and go",
            ("hours", "starts", "leaves", "kills", "requests a second", "partitions moved",
             "partitions led, of the time", "partitions with two leaders"),
            [_churn_row(bench, hour_s)],
            f"{_PARTITIONS} partitions, 2 to 16 workers, a lease of 15 s, an event a minute.",
        ),
    ]  # fmt: skip


def _settled(workers: int, seed: int, lease_s: int = 15) -> VirtualWorkers:
    group = VirtualWorkers(_PARTITIONS, seed=seed, lease=timedelta(seconds=lease_s))
    for _ in range(workers):
        group.start()
    _until_fair(group)
    group.run_for(2 * lease_s)
    return group


def _until_fair(group: VirtualWorkers, also: Callable[[], bool] = lambda: True) -> float:
    seconds = group.run_for(_LIMIT_S, lambda: also() and group.is_fair())
    if seconds is None:
        raise RuntimeError(f"expected fair shares within {_LIMIT_S} s, got {group.shares()}")
    return seconds


def _event_rows(bench: Bench, workers: int, trials: int) -> list[tuple[Cell, ...]]:
    found: dict[str, list[tuple[float, int, list[float]]]] = {}
    for seed in range(trials):
        group = VirtualWorkers(_PARTITIONS, seed=seed)
        for _ in range(workers):
            group.start()
        found.setdefault("all start", []).append((_until_fair(group), 0, []))
        for name, event in (("join", _join), ("leave", _leave), ("kill", _kill)):
            group = _settled(workers - (name == "join"), seed)
            group.run_for(group.random.uniform(0, 15))
            wins = group.wins
            group.gaps_ms.clear()
            seconds = _until_fair(group, event(group))
            gaps = [gap / 1000 for gap in group.gaps_ms]
            found.setdefault(name, []).append((seconds, group.wins - wins, gaps))
            if group.overlaps:
                raise RuntimeError(f"expected one leader, got {group.overlaps[0]}")
    bench.advance()
    return [_event_row(workers, name, trials_) for name, trials_ in found.items()]


def _event_row(
    workers: int, name: str, trials: list[tuple[float, int, list[float]]]
) -> tuple[Cell, ...]:
    seconds = [trial[0] for trial in trials]
    gaps = [gap for trial in trials for gap in trial[2]]
    return (
        workers,
        name,
        statistics.median(seconds),
        max(seconds),
        round(statistics.median(trial[1] for trial in trials)) or None,
        statistics.median(gaps) if gaps else None,
        max(gaps, default=None),
    )


def _join(group: VirtualWorkers) -> Callable[[], bool]:
    one = group.start()
    return lambda: len(one.worker.leading) > 0


def _leave(group: VirtualWorkers) -> Callable[[], bool]:
    one = _any(group)
    group.stop(one)
    return lambda: one.worker.ended


def _kill(group: VirtualWorkers) -> Callable[[], bool]:
    group.kill(_any(group))
    return lambda: True


def _any(group: VirtualWorkers) -> VirtualWorker:
    return group.random.choice(_alive(group))


def _alive(group: VirtualWorkers) -> list[VirtualWorker]:
    return [one for one in group.workers if one.alive and not one.worker.ended]


def _steady_row(bench: Bench, lease_s: int, workers: int, seconds: int) -> tuple[Cell, ...]:
    group = _settled(workers, 0, lease_s)
    for one in group.workers:
        one.sent.clear()
    wins = group.wins
    group.run_for(seconds)
    sent: Counter[str] = sum((one.sent for one in group.workers), Counter())
    if not {"PUT", "GET"} >= sent.keys() or group.wins != wins:
        raise RuntimeError(f"expected renewals and reads only, got {sent}")
    month = {kind: sent[kind] * MONTH_S // seconds for kind in ("PUT", "GET")}
    bench.advance()
    price = bench.prices.dollars(month)
    return (f"{lease_s} s", workers, month["PUT"], month["GET"], price, price / workers,
            bench.prices.dollars({"PUT": month["PUT"]}))  # fmt: skip


def _churn_row(bench: Bench, seconds: int) -> tuple[Cell, ...]:
    group = _settled(8, 0)
    for one in group.workers:
        one.sent.clear()
    group.gaps_ms.clear()
    wins, began_ms, events = group.wins, group.ms, Counter[str]()
    while group.ms - began_ms < seconds * 1000:
        group.run_for(group.random.expovariate(1 / _EVENT_S))
        alive = len(_alive(group))
        starts = alive < 16 and (alive <= 2 or group.random.random() < 0.5)
        name = "start" if starts else group.random.choice(["leave", "kill"])
        {"start": _join, "leave": _leave, "kill": _kill}[name](group)
        events[name] += 1
    _until_fair(group)
    passed_s = (group.ms - began_ms) / 1000
    unled_s = sum(group.gaps_ms) / 1000
    sent: Counter[str] = sum((one.sent for one in group.workers), Counter())
    bench.advance()
    return (
        passed_s / 3600,
        events["start"],
        events["leave"],
        events["kill"],
        sent.total() / passed_s,
        group.wins - wins,
        f"{100 - 100 * unled_s / (passed_s * _PARTITIONS):.2f} %",
        len(group.overlaps),
    )
