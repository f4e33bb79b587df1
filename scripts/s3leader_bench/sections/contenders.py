"""Several candidates campaign at the same moment for one term."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from statistics import mean
from threading import Barrier

from s3leader import NotElected, Term
from s3leader_bench.bench import Bench
from s3leader_bench.rounds import Spread
from s3leader_bench.sections.cases import won
from s3leader_bench.tables import Cell, Table

CONTENDERS = (2, 8, 64)
_ROUND_TRIP_MS = 5


def run(bench: Bench) -> list[Table]:
    """Measure."""
    kinds = [(number, warm) for warm in (True, False) for number in CONTENDERS]
    rows = [_race(bench, number, warm=warm) for number, warm in kinds]
    bench.stub.set_round_trip(0)
    return [
        Table(
            "Requests of one race",
            ("contenders", "by the winner", "by a loser, mean", "by a loser, most", "in all"),
            rows,
            f"One process, a thread for each, {_ROUND_TRIP_MS} ms a request. Warm: each has seen"
            f" the latest term end. Exactly one wins each race, or the benchmark fails.",
        )
    ]


def _race(bench: Bench, number: int, *, warm: bool) -> tuple[Cell, ...]:
    winners, losers, most, in_all = [], [], [], []
    for _ in range(bench.rounds(10, 2)):
        won_by, lost_by, counted = race(bench, number, warm=warm)
        winners.append(won_by)
        losers.append(mean(lost_by))
        most.append(max(lost_by))
        in_all.append(counted.total())
        bench.advance()
    bench.advance()
    spreads = [Spread.of(values) for values in (winners, losers)]
    name = f"{number}, {'warm' if warm else 'cold'}"
    return (name, *spreads, max(most), Spread.of(in_all))


def race(bench: Bench, number: int, *, warm: bool) -> tuple[int, list[int], Counter[str]]:
    """Return the requests of the winner, of each loser, and all as the server counted them."""
    bench.stub.set_round_trip(0)
    name = bench.new_name(10)
    won(bench.election(name).campaign()).resign()
    elections = [bench.election(name) for _ in range(number)]
    if warm:
        for election in elections:
            election.observe()
    bench.stub.set_round_trip(_ROUND_TRIP_MS)
    bench.stub.counts()
    start = Barrier(number)

    def campaign(index: int) -> Term | NotElected:
        start.wait()
        return elections[index].campaign()

    with ThreadPoolExecutor(number) as pool:
        results = list(pool.map(campaign, range(number)))
    terms = [result for result in results if isinstance(result, Term)]
    if len(terms) != 1:
        raise RuntimeError(f"expected one winner of {number}, got {len(terms)}")
    beaten = [result.requests for result in results if isinstance(result, NotElected)]
    return terms[0].requests, beaten, bench.stub.counts()
