"""What a candidate that waits costs, and how soon it leads, by how often it looks.

The protocol runs as it ships, over a bucket in memory and in virtual time: hours take milliseconds.
"""

from __future__ import annotations

import random
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from s3leader import Election, Term
from s3leader._core.requests import Create, List, Read, Replace, StoreRequest, Tag
from s3leader._io.memory_store import MemoryStore
from s3leader._io.seams import Seams
from s3leader_bench.bench import Bench
from s3leader_bench.prices import MONTH_S
from s3leader_bench.tables import Cell, Table

_LEASE: Final = timedelta(seconds=30)
_SKEW: Final = timedelta(seconds=3)
_POLLS_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_LEASES_S: Final = (2, 5, 15, 30, 900)
_MINUTES: Final = 20  # that a standby is watched for
_KINDS: Final = {List: "LIST", Read: "GET", Create: "PUT", Replace: "PUT", Tag: "tag"}
_SEED: Final = 12


def run(bench: Bench) -> list[Table]:
    """Measure hand-overs at random moments, for each poll interval and for each lease."""
    trials = 30 if bench.quick else 100
    bench.steps(len(_POLLS_S) + len(_LEASES_S))
    columns = ("GET a month", "dollars a month", "after a resignation", "its 99 %",
               "after a crash", "its 99 %, above lease and allowance")  # fmt: skip
    polls = [_row(bench, f"{poll:g} s", _LEASE, poll, trials) for poll in _POLLS_S]
    leases = [_row(bench, f"{lease} s", timedelta(seconds=lease), None, trials)
              for lease in _LEASES_S]  # fmt: skip
    return [
        Table(
            "The curve: a standby by its `poll`, with a lease of 30 s",
            ("longest time between looks", *columns),
            polls,
            "Seconds from a resignation, or from the end of a dead leader's lease and allowance, to"
            " the standby's win, at random moments: medians and 99th percentiles. S3 answers at"
            " once here; a round trip or two come on top.",
        ),
        Table("The default, by lease", ("lease", *columns), leases),
    ]


def _row(
    bench: Bench, name: str, lease: timedelta, poll_s: float | None, trials: int
) -> tuple[Cell, ...]:
    poll = None if poll_s is None else timedelta(seconds=poll_s)
    watch = Watch(lease, poll)
    resigned = sorted(watch.seconds_after_resignation() for _ in range(trials))
    crashed = sorted(watch.seconds_after_crash() for _ in range(trials))
    month = watch.gets_of_a_month()
    bench.advance()
    return (
        name,
        month,
        bench.prices.dollars({"GET": month}),
        *_ranks(resigned),
        *_ranks(crashed),
    )


def _ranks(seconds: Sequence[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return cuts[49], cuts[98]


class Watch:
    """A leader that renews, and a standby. One virtual clock for both and for S3."""

    def __init__(self, lease: timedelta, poll: timedelta | None) -> None:
        self._lease, self._poll = lease, poll
        self._random = random.Random(_SEED)  # noqa: S311 - moments, not secrets
        self._ms = 0
        self._store = MemoryStore(clock_ms=lambda: self._ms)
        self._due: list[tuple[int, Callable[[], None]]] = []
        self._names = 0

    def gets_of_a_month(self) -> int:
        """Return how many GETs the standby sends, and nothing else, while the leader renews."""
        leader = self._lead()
        standby = self._candidate()
        standby.campaign()  # its first look is a list; later ones are not
        self._renew_until(leader, self._ms + (_MINUTES + 1) * 60_000)
        self._store.requests.clear()
        standby.campaign(wait=timedelta(minutes=_MINUTES))
        sent: Counter[str] = Counter(map(_kind, self._store.requests))
        renewals = sent.pop("PUT", 0)
        if sent.keys() != {"GET"} or not renewals:
            raise RuntimeError(f"expected a standby to send only GETs, got {sent}")
        return sent["GET"] * MONTH_S // (60 * _MINUTES)

    def seconds_after_resignation(self) -> float:
        """Return how long nobody leads when the leader resigns at a random moment."""
        leader = self._lead()
        ends_ms = self._ms + self._random.randrange(60_000, 90_000)
        self._renew_until(leader, ends_ms)
        self._due.append((ends_ms, leader.resign))
        return (self._won_at_ms() - ends_ms) / 1000

    def seconds_after_crash(self) -> float:
        """Return how long nobody leads after the lease and the allowance of a dead leader."""
        leader = self._lead()
        last_ms = self._renew_until(leader, self._ms + self._random.randrange(60_000, 90_000))
        lapses_ms = last_ms + (self._lease + _SKEW) // timedelta(milliseconds=1)
        return (self._won_at_ms() - lapses_ms) / 1000

    def _lead(self) -> Term:
        self._due.clear()
        self._ms += self._random.randrange(3_600_000, 7_200_000)
        self._names += 1
        term = self._candidate().campaign()
        if not isinstance(term, Term):
            raise RuntimeError(f"expected to win, got {term}")  # noqa: TRY004 - not a wrong type
        return term

    def _renew_until(self, leader: Term, ends_ms: int) -> int:
        """Let the leader renew for each third of its lease; return when it last does."""
        third_ms = self._lease // timedelta(milliseconds=3)
        moments = range(self._ms + third_ms, ends_ms, third_ms)
        self._due += [(moment, leader.renew) for moment in moments]
        return moments[-1] if moments else self._ms

    def _won_at_ms(self) -> int:
        term = self._candidate().campaign(wait=timedelta(hours=24))
        if not isinstance(term, Term):
            raise RuntimeError(f"expected to win, got {term}")  # noqa: TRY004 - not a wrong type
        won_ms = self._ms
        term.resign()
        return won_ms

    def _candidate(self) -> Election:
        seams = Seams(
            store=self._store,
            clock_ms=lambda: self._ms,
            sleep=self._sleep,
            uniform=self._random.uniform,
        )
        return Election._with_seams(  # noqa: SLF001 - the clock is virtual
            f"standby-{self._names}", seams, lease=self._lease, clock_skew=_SKEW, poll=self._poll
        )

    def _sleep(self, seconds: float) -> None:
        """Let time pass, and the leader do what is due meanwhile."""
        wakes_ms = self._ms + round(seconds * 1000)
        while self._due and self._due[0][0] <= wakes_ms:
            self._ms, act = self._due.pop(0)
            act()
        self._ms = wakes_ms


def _kind(request: StoreRequest) -> str:
    return _KINDS[type(request)]
