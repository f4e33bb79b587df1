"""Other libraries on their own stores, beside s3leader on the same emulator."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Final

from s3leader_bench.bench import Bench
from s3leader_bench.peers import environment
from s3leader_bench.peers.emulator import emulator
from s3leader_bench.peers.measuring import (
    LATE_S,
    SHORT_S,
    STANDBY_TRIP_MS,
    Measuring,
    Standby,
    Takeover,
)
from s3leader_bench.peers.registry import ALL, OURS
from s3leader_bench.rounds import Sample, ratio
from s3leader_bench.sections.requests import ROUND_TRIPS_MS
from s3leader_bench.tables import Cell, Table, by_kind

_CASES: Final = {"win": "a win and its end, uncontended", "loss": "a loss: another holds"}


def run(bench: Bench) -> list[Table]:
    """Measure; `environment.make` has installed the libraries."""
    trips = ROUND_TRIPS_MS[:2] if bench.quick else ROUND_TRIPS_MS
    with emulator(ALL) as server:
        measuring = Measuring(server, ALL, environment.python())
        samples = {
            case: {
                trip: measuring.rounds(case, trip, bench.rounds(11, 2), bench.advance)
                for trip in trips
            }
            for case in _CASES
        }
        bench.steps(2)
        takeovers = measuring.takeovers(1 if bench.quick else 3)
        bench.advance()
        standbys = measuring.standbys(31 if bench.quick else 61)
        bench.advance()
    return [
        *(_ratios(case, samples[case]) for case in _CASES),
        _takeovers(takeovers),
        _dollars(bench, {case: samples[case][0] for case in _CASES}, takeovers, standbys),
        facts(),
    ]


def usual(samples: Sequence[Sample]) -> Mapping[str, float]:
    """Return the requests that most samples have: a heartbeat may fall into one."""
    most = statistics.mode(by_kind(sample.requests) for sample in samples)
    return next(s.requests for s in samples if by_kind(s.requests) == most)


def worst(takeovers: Sequence[Takeover]) -> Takeover:
    """Return one that failed, or else the slowest."""
    return max(takeovers, key=lambda one: (one.failure is not None, one.seconds or 0))


def _ratios(case: str, by_trip: Mapping[int, Mapping[str, Sequence[Sample]]]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for peer in ALL:
        cells: list[Cell] = [by_kind(usual(by_trip[0][peer.name]))]
        for trip, found in by_trip.items():
            what = "wall" if trip else "cpu"
            cells.append(ratio(found[peer.name], found[OURS.name], what))
        rows.append((peer.name, *cells))
    walls = tuple(f"wall at {trip} ms" for trip in by_trip if trip)
    return Table(
        f"Requests, and ratios to s3leader, warm: {_CASES[case]}",
        ("library", "requests", "CPU", *walls),
        rows,
        "One process for each library, the same boto3 (s3leader has a client of its own), rounds"
        " that alternate."
        + (" dynamodblock pauses for 0.1 s before it gives up." if case == "loss" else ""),
    )


def _takeovers(takeovers: Mapping[str, Sequence[Takeover]]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for peer in ALL:
        one = worst(takeovers[peer.name])
        rows.append((peer.name, by_kind(one.requests), one.failure or one.seconds))
    return Table(
        "A candidate that comes after the lease of a killed holder",
        ("library", "requests, with the end of its term", "seconds until it wins"),
        rows,
        f"A lease of {SHORT_S} s; the candidate comes {LATE_S:g} s after its end, because s3leader"
        f" allows 3 s for clocks. Libraries that watch the lock wait for another lease. *Refused*:"
        f" the lock stays held. A name is that of an exception. The slowest of several.",
    )


def _dollars(
    bench: Bench,
    samples: Mapping[str, Mapping[str, Sequence[Sample]]],
    takeovers: Mapping[str, Sequence[Takeover]],
    standbys: Mapping[str, Standby],
) -> Table:
    price = bench.prices.dollars
    rows: list[tuple[Cell, ...]] = []
    for peer in ALL:
        wins, losses = (usual(samples[case][peer.name]) for case in _CASES)
        after = worst(takeovers[peer.name])
        waits = standbys[peer.name]
        rows.append(
            (
                peer.name,
                price(wins) * 1e6,
                price(losses) * 1e6,
                after.failure or price(after.requests) * 1e6,
                "fails" if waits.standby is None else price(waits.standby),
                peer.polls,
                price(waits.leader) if peer.renews else "does not renew",
            )
        )
    million = ("a million wins", "a million losses", "a million takeovers")
    return Table(
        "Dollars, from counted requests",
        ("library", *million, "a standby's month", "which asks", "a leader's month"),
        rows,
        f"By prices in us-east-1, November 2026: {bench.prices.of_s3}; {bench.prices.of_dynamodb}"
        f" (`--price` sets others). A standby asks at {STANDBY_TRIP_MS} ms a request. Compute,"
        f" storage and traffic are not included.",
    )


def facts() -> Table:
    """Return what each library guarantees; nothing is measured."""
    rows = [
        (peer.package, f.token, f.lease_ends, f.crash, f.release, f.paused, f.ticks, f.read)
        for peer in ALL
        if (f := peer.facts) is not None
    ]
    columns = (
        "library",
        "token that rises",
        "a lease ends by",
        "takeover after a crash",
        "release",
        "a holder that was paused beyond its lease",
        "remembers completed ticks",
        "read in",
    )
    return Table(
        "What each guarantees",
        columns,
        rows,
        "Read in the source of the versions that were measured, not in documentation.",
        text=True,
    )
