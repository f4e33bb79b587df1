"""What each case sends, by the length of the ledger; and its wall and CPU time."""

from __future__ import annotations

from functools import partial

from s3leader_bench.bench import Bench
from s3leader_bench.rounds import Action, Prepare, Sample, alternate, measure, ratio, spread
from s3leader_bench.sections.cases import Cases, first_win
from s3leader_bench.tables import Cell, Table, by_kind

EARLIER_TERMS = (10, 10**4, 10**6)
ROUND_TRIPS_MS = (0, 5, 40)
_LAST_HINT = 10**6
_TERMS_AFTER_HINT = (0, 25, 49, 250, 499)


def run(bench: Bench) -> list[Table]:
    """Measure."""
    return [counts(bench), times(bench), orders(bench)]


def count_all(bench: Bench, earlier_terms: int) -> dict[str, dict[str, float]]:
    """Return the requests of each case by kind."""
    cases = Cases(bench, earlier_terms).all() | Cases(bench, earlier_terms).hint_first()
    if earlier_terms == 0:
        cases = {"first win ever": first_win(bench)}
    return {
        name: dict(measure(prepare, bench.stub.counts, 1).requests)
        for name, prepare in cases.items()
    }


def counts(bench: Bench) -> Table:
    """Count once: requests do not vary while no other candidate takes part."""
    bench.steps(1 + len(EARLIER_TERMS))
    found: dict[str, list[str]] = {}
    for terms in EARLIER_TERMS:
        for name, requests in count_all(bench, terms).items():
            found.setdefault(name, []).append(by_kind(requests))
        bench.advance()
    first = by_kind(count_all(bench, 0)["first win ever"])
    bench.advance()
    columns = tuple(f"{terms:,} earlier terms" for terms in EARLIER_TERMS)
    return Table(
        "Requests by kind, counted at the server",
        ("case", *columns),
        [(name, *cells) for name, cells in found.items()],
        f"An election's first win ever sends {first}: two of them prove the store.",
    )


def times(bench: Bench) -> Table:
    """Measure wall time by round trip, and CPU without one."""
    rows: dict[str, list[Cell]] = {}
    trips = ROUND_TRIPS_MS[:2] if bench.quick else ROUND_TRIPS_MS
    for trip in trips:
        cases = Cases(bench, 10).all()
        variants = {name: partial(behind, bench, case, trip, 1) for name, case in cases.items()}
        rounds = bench.rounds(9, 1)
        for name, samples in alternate(variants, rounds, bench.advance).items():
            row = rows.setdefault(name, [sum(samples[0].requests.values())])
            if trip == 0:
                row.append(spread(samples, "cpu"))
            row.append(spread(samples, "wall"))
    return Table(
        "Milliseconds of each case",
        ("case", "requests", "CPU", *(f"wall at {trip} ms a request" for trip in trips)),
        [(name, *row) for name, row in rows.items()],
        "Medians with quartiles, on the machine that measured.",
    )


def orders(bench: Bench) -> Table:
    """Measure a cold win on a long ledger: the list first, or the hint first."""
    listed = Cases(bench, _LAST_HINT + _TERMS_AFTER_HINT[-1]).win_cold
    cases: dict[str, Prepare] = {"list first": listed}
    for terms in _TERMS_AFTER_HINT:
        win = Cases(bench, _LAST_HINT + terms).win_cold
        cases[f"hint first, {terms} terms after it"] = partial(win, long_ledger=True)
    variants = {name: partial(behind, bench, case, 0, 1) for name, case in cases.items()}
    samples = alternate(variants, bench.rounds(15, 1), bench.advance)
    floor = samples["list first"]
    return Table(
        "A cold win on a long ledger, by what it asks for first",
        ("case", "requests", "CPU"),
        [
            (name, by_kind(each[0].requests), ratio(each, floor, "cpu"))
            for name, each in samples.items()
        ],
        "CPU of the candidate beside that of the first row, in the same round: medians with"
        " quartiles. The hint is rewritten every 500th term.",
    )


def behind(bench: Bench, prepare: Prepare, trip: float, repeat: int) -> Sample:
    """Prepare without delay, and measure `repeat` actions with it."""

    def delayed() -> Action:
        bench.stub.set_round_trip(0)
        action = prepare()
        bench.stub.set_round_trip(trip)
        return action

    sample = measure(delayed, bench.stub.counts, repeat)
    bench.stub.set_round_trip(0)
    return sample
