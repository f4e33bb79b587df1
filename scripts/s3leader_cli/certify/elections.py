"""Whole elections among processes: one leader at a time, and once for each tick."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from s3leader import NotElected
from s3leader.errors import LeadershipLost, StoreUnavailable
from s3leader.testing import election

from .check import Check, CheckFailed, Costs, NotChecked, Scale, Subject

if TYPE_CHECKING:
    from s3leader._core.requests import Store

    from .racers import WaitForAll

GROUP: Final = "elections"
_LEASE: Final = timedelta(seconds=60)
_FIRST_TICK: Final = datetime(2026, 1, 1, tzinfo=UTC)
_LED: Final = "led"
_LOST: Final = "lost"
_COUNT_S: Final = 120.0
_DIGITS: Final = 12


def _leads_in_turn(subject: Subject) -> str:
    options = {"store": subject.store, "prefix": subject.folder, "lease": _LEASE}
    for number in (1, 2):
        term = election("turns", **options).campaign()  # type: ignore[arg-type]  # a TypedDict
        if isinstance(term, NotElected):
            raise CheckFailed(f"nobody leads, and a campaign for term {number} is lost: {term!r}")
        if term.number != number:
            raise CheckFailed(f"expected term {number}, got term {term.number}")
        with term:
            term.save({"number": number})
            other = election("turns", **options).campaign()  # type: ignore[arg-type]  # the same
            if not isinstance(other, NotElected) or other.reason != "held":
                raise CheckFailed(f"during term {number}, another candidate got {other!r}")
    return "two terms: elected, proved, renewed, resigned"


def lead_ticks(
    store: Store, wait_for_all: WaitForAll, writer: int, prefix: str, ticks: int
) -> list[str]:
    """Campaign for each tick at the same time as all others, and complete it if elected."""
    candidate = election("ticks", store=store, prefix=prefix, lease=_LEASE, candidate=str(writer))
    results = []
    for number in range(ticks):
        wait_for_all()
        result = "unknown"
        with suppress(StoreUnavailable, LeadershipLost):
            term = candidate.campaign(_FIRST_TICK + timedelta(minutes=number))
            result = _LOST if isinstance(term, NotElected) else _LED
            if not isinstance(term, NotElected):
                term.resign()
        results.append(result)
    return results


def _once_per_tick(subject: Subject) -> str:
    ticks = 2 * subject.scale.terms
    results = subject.racers.run(lead_ticks, subject.folder, ticks)
    for number, outcomes in enumerate(zip(*results, strict=True), 1):
        seen = Counter(outcomes)
        if seen[_LED] > 1:
            raise CheckFailed(f"tick {number} was led by {seen[_LED]} candidates")
        if seen[_LED] == 0 and seen[_LOST] == len(outcomes):
            raise CheckFailed(f"tick {number} was led by none of {len(outcomes)} candidates")
    return f"{ticks} ticks, {subject.racers.number} candidates each"


@dataclass(frozen=True, kw_only=True)
class Count:
    """An unprotected counter in a file, which the first `leaders` writers increment in `terms`."""

    path: str
    terms: int
    leaders: int


def count_as_leader(
    store: Store, wait_for_all: WaitForAll, writer: int, prefix: str, counter: Count
) -> tuple[int, int]:
    """Increment the counter, once in each term, as in ShedLock's test of the same kind.

    Return the number of increments, and how many of them were made after the lease was over. Only
    leadership keeps two writers apart.
    """
    wait_for_all()
    if writer >= counter.leaders:
        return 0, 0
    candidate = election("counter", store=store, prefix=prefix, lease=_LEASE, candidate=str(writer))
    file, deadline = os.open(counter.path, os.O_RDWR), time.monotonic() + _COUNT_S
    done = late = 0
    try:
        while done < counter.terms and time.monotonic() < deadline:
            try:
                term = candidate.campaign()
                if isinstance(term, NotElected):
                    time.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - spreads the attempts
                    continue
                value = int(os.pread(file, _DIGITS, 0))
                time.sleep(0.005)
                os.pwrite(file, b"%0*d" % (_DIGITS, value + 1), 0)
                done, late = done + 1, late + (not term.held)
                term.resign()
            except (StoreUnavailable, LeadershipLost):
                continue
    finally:
        os.close(file)
    return done, late


def _protects_a_counter(subject: Subject) -> str:
    racers = subject.racers
    leaders = racers.processes if racers.processes > 1 else min(racers.number, 4)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "counter"
        file.write_text("0" * _DIGITS)
        counter = Count(path=str(file), terms=subject.scale.terms, leaders=leaders)
        results = racers.run(count_as_leader, subject.folder, counter)
        value = int(file.read_text())
    done, late = (sum(each) for each in zip(*results, strict=True))
    if late:
        raise NotChecked(f"{late} terms outlasted their lease of {_LEASE.seconds} s")
    if value != done:
        raise CheckFailed(f"{done} increments by leaders made {value}: two led at once")
    if done == 0:
        raise CheckFailed(f"nobody was elected within {_COUNT_S:.0f} s")
    where = "processes" if racers.processes > 1 else "threads"
    return f"{done} increments by {leaders} {where} of a counter that nothing else protects"


def _tick_costs(scale: Scale, writers: int) -> Costs:
    requests = 2 * scale.terms * writers
    return Costs(writes=2 * requests, reads=2 * requests)


def _counter_costs(scale: Scale, writers: int) -> Costs:
    tries = 20 * scale.terms * min(writers, 8)
    return Costs(writes=tries, reads=tries)


CHECKS: Final = (
    Check(
        name="terms in turn",
        group=GROUP,
        statement="Candidates are elected, hold others off, renew, resign and are succeeded.",
        rules="R0 to R9",
        if_missing="unusable",
        run=_leads_in_turn,
        costs=lambda *_: Costs(writes=15, reads=6),
    ),
    Check(
        name="one leader for each tick",
        group=GROUP,
        statement="Of candidates that campaign for one tick at once, exactly one leads.",
        rules="R1, R8",
        if_missing="unusable: a tick would be worked twice",
        run=_once_per_tick,
        costs=_tick_costs,
    ),
    Check(
        name="unprotected counter",
        group=GROUP,
        statement="Leaders that increment a counter which nothing else protects lose no increment.",
        rules="R1 to R5",
        if_missing="unusable: two candidates led at once",
        run=_protects_a_counter,
        costs=_counter_costs,
    ),
)
