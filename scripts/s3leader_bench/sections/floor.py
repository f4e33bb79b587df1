"""A whole term beside the same requests sent by bare clients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from botocore.handlers import add_expect_header

from s3leader import Election
from s3leader._io.boto3_client import make_boto3_client
from s3leader_bench.bench import PREFIX, Bench
from s3leader_bench.clients.boto import Boto3Client
from s3leader_bench.clients.client import Client, cold_win, create, term
from s3leader_bench.clients.hmac_client import HmacClient
from s3leader_bench.clients.signer_client import SignerClient
from s3leader_bench.rounds import Action, Prepare, Sample, alternate, ratio
from s3leader_bench.sections.cases import won
from s3leader_bench.sections.requests import ROUND_TRIPS_MS, behind
from s3leader_bench.stub.process import BUCKET
from s3leader_bench.tables import Cell, Table, by_kind

OURS, ON_BOTO3 = "s3leader", "s3leader, on a boto3 client"
WITH_EXPECT = "s3leader, on a boto3 client with `Expect: 100-continue`"
BARE, BARE_LESS = "bare boto3", "bare boto3, without `Expect`"
SIGNER, LEANEST = "urllib3 and botocore's signer", "http.client and hmac"


def run(bench: Bench) -> list[Table]:
    """Measure."""
    return [_table(bench, "warm", create), _table(bench, "cold", cold_win)]


def _table(bench: Bench, kind: str, win: Callable[[Client, str], str]) -> Table:
    variants = _variants(bench, win, warm=kind == "warm")
    found: dict[str, list[Cell]] = {}
    trips = ROUND_TRIPS_MS[:2] if bench.quick else ROUND_TRIPS_MS
    for trip in trips:
        samples = _measured(bench, variants, trip)
        for name, mine in samples.items():
            row = found.setdefault(name, [by_kind(mine[0].requests)])
            if trip == 0:
                row.append(ratio(mine, samples[BARE], "cpu"))
                row.append(ratio(mine, samples[LEANEST], "cpu"))
            else:
                row.append(ratio(mine, samples[BARE], "wall"))
    walls = tuple(f"wall at {trip} ms over bare boto3" for trip in trips if trip)
    return Table(
        f"A term with a {kind} win and its end, beside the bare requests",
        ("client", "requests", "CPU over bare boto3", "CPU over the leanest", *walls),
        [(name, *row) for name, row in found.items()],
        "Ratios of the same round: medians with quartiles. The bare clients hold no election: they"
        " check and settle nothing.",
    )


def _measured(bench: Bench, variants: dict[str, Prepare], trip: float) -> dict[str, list[Sample]]:
    repeat = 8 if trip == 0 else 2
    runs = {name: partial(behind, bench, case, trip, repeat) for name, case in variants.items()}
    return alternate(runs, bench.rounds(15, 2), bench.advance)


def _variants(bench: Bench, win: Callable[[Client, str], str], *, warm: bool) -> dict[str, Prepare]:
    plain, expecting = make_boto3_client(4.5, None), make_boto3_client(4.5, None)
    expecting.meta.events.register("before-call.s3", add_expect_header)

    def ours(make: Callable[[str], Election]) -> Prepare:
        def prepare() -> Action:
            name = bench.new_name(10)
            election = make(name)
            won(election.campaign()).resign()
            if warm:
                return lambda: won(election.campaign()).resign()
            return lambda: won(make(name).campaign()).resign()

        return prepare

    def bare(client: Client) -> Prepare:
        def prepare() -> Action:
            folder = f"{PREFIX}{bench.new_name(11)}/"
            return lambda: term(win, client, folder)

        return prepare

    return {
        OURS: ours(bench.election),
        ON_BOTO3: ours(lambda name: bench.election(name, plain)),
        WITH_EXPECT: ours(lambda name: bench.election(name, expecting)),
        BARE: bare(Boto3Client(BUCKET, expect=True)),
        BARE_LESS: bare(Boto3Client(BUCKET, expect=False)),
        SIGNER: bare(SignerClient(BUCKET)),
        LEANEST: bare(HmacClient(BUCKET)),
    }
