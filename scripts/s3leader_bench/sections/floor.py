"""A whole term beside the same requests sent by bare clients."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from botocore.handlers import add_expect_header

from s3leader._io.s3_client import default_client
from s3leader_bench.bench import PREFIX, Bench
from s3leader_bench.clients.boto import Boto3Client
from s3leader_bench.clients.client import Client, cold_win, create, term
from s3leader_bench.clients.hmac_client import HmacClient
from s3leader_bench.clients.signer_client import SignerClient
from s3leader_bench.rounds import Action, Prepare, Sample, alternate, measure, ratio
from s3leader_bench.sections.cases import won
from s3leader_bench.sections.requests import ROUND_TRIPS_MS
from s3leader_bench.stub.process import BUCKET
from s3leader_bench.tables import Table, by_kind

OURS, WITH_EXPECT = "s3leader", "s3leader, with `Expect: 100-continue`"
BARE, BARE_LESS = "bare boto3", "bare boto3, without `Expect`"
SIGNER, LEANEST = "urllib3 and botocore's signer", "http.client and hmac"


def run(bench: Bench) -> list[Table]:
    """Measure."""
    return [_table(bench, "warm", create), _table(bench, "cold", cold_win)]


def _table(bench: Bench, kind: str, win: Callable[[Client, str], str]) -> Table:
    variants = _variants(bench, win, warm=kind == "warm")
    found: dict[str, list[object]] = {}
    for trip in ROUND_TRIPS_MS:
        samples = _measured(bench, variants, trip)
        for name, mine in samples.items():
            row = found.setdefault(name, [by_kind(mine[0].requests)])
            if trip == 0:
                row.append(ratio(mine, samples[BARE], "cpu"))
                row.append(ratio(mine, samples[LEANEST], "cpu"))
            else:
                row.append(ratio(mine, samples[BARE], "wall"))
    trips = tuple(f"wall at {trip} ms over bare boto3" for trip in ROUND_TRIPS_MS if trip)
    return Table(
        f"A term with a {kind} win and its end, beside the bare requests",
        ("client", "requests", "CPU over bare boto3", "CPU over the leanest", *trips),
        [(name, *row) for name, row in found.items()],  # type: ignore[misc]
        "Ratios of the same round: medians with quartiles. The bare clients hold no election: they"
        " check and settle nothing.",
    )


def _measured(
    bench: Bench, variants: dict[str, Prepare], trip: float
) -> dict[str, list[Sample]]:
    repeat = 8 if trip == 0 else 2
    bench.stub.set_round_trip(0)

    def one(prepare: Prepare) -> Sample:
        def without_delay() -> Action:
            bench.stub.set_round_trip(0)
            action = prepare()
            bench.stub.set_round_trip(trip)
            return action

        return measure(without_delay, bench.stub.counts, repeat)

    runs = {name: lambda prepare=prepare: one(prepare) for name, prepare in variants.items()}
    samples = alternate(runs, bench.rounds(25, 4), bench.advance)
    bench.stub.set_round_trip(0)
    return samples


def _variants(
    bench: Bench, win: Callable[[Client, str], str], *, warm: bool
) -> dict[str, Prepare]:
    shared = default_client(timedelta(seconds=4.5), None)
    expecting = default_client(timedelta(seconds=4.6), None)
    expecting.meta.events.register("before-call.s3", add_expect_header)

    def ours(client: object) -> Prepare:
        def prepare() -> Action:
            name = bench.new_name(10)
            election = bench.election(name, client)  # type: ignore[arg-type]
            won(election.campaign()).resign()
            if warm:
                return lambda: won(election.campaign()).resign()
            return lambda: won(bench.election(name, client).campaign()).resign()  # type: ignore[arg-type]

        return prepare

    def bare(client: Client) -> Prepare:
        def prepare() -> Action:
            folder = f"{PREFIX}{bench.new_name(11)}/"
            return lambda: term(win, client, folder)

        return prepare

    return {
        OURS: ours(shared),
        WITH_EXPECT: ours(expecting),
        BARE: bare(Boto3Client(BUCKET, expect=True)),
        BARE_LESS: bare(Boto3Client(BUCKET, expect=False)),
        SIGNER: bare(SignerClient(BUCKET)),
        LEANEST: bare(HmacClient(BUCKET)),
    }
