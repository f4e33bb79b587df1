"""A Lambda function's init and its first invocations, with the client made in either."""

from __future__ import annotations

import json

from s3leader_bench.bench import Bench
from s3leader_bench.children import run_child
from s3leader_bench.rounds import Spread
from s3leader_bench.tables import Cell, Table

_PHASES = ("init", "first invocation", "second", "third")
_ROUND_TRIP_MS = 5


def run(bench: Bench) -> list[Table]:
    """Measure."""
    bench.stub.set_round_trip(_ROUND_TRIP_MS)
    at_init = {"AWS_LAMBDA_FUNCTION_NAME": "bench"}
    found = {"at init": [_one(bench, at_init)], "by the first invocation": [_one(bench, {})]}
    for _ in range(bench.rounds(15, 2)):
        found["at init"].append(_one(bench, at_init))
        found["by the first invocation"].append(_one(bench, {}))
        bench.advance()
    bench.advance()
    bench.stub.set_round_trip(0)
    rows: list[tuple[Cell, ...]] = []
    for name, rounds in found.items():
        for index, unit in enumerate(("wall", "CPU")):
            cells = [
                Spread.of([1000 * phases[phase][index] for phases in rounds[1:]])
                for phase in range(len(_PHASES))
            ]
            rows.append((f"{name}, {unit}", *cells))
    return [
        Table(
            "A function's init and first invocations, in ms, by where its client is made",
            ("client made", *_PHASES),
            rows,
            f"A decorated handler that does nothing, {_ROUND_TRIP_MS} ms a request. In Lambda the"
            f" client is made at init; the other rows are what it was before.",
        )
    ]


def _one(bench: Bench, more: dict[str, str]) -> list[list[float]]:
    settings = {"S3LEADER_ELECTION": bench.new_name(10), "S3LEADER_BUCKET": "locks"}
    _, output = run_child(["-m", "s3leader_bench.clients.function"], bench, {**settings, **more})
    phases: list[list[float]] = json.loads(output.splitlines()[-1])
    return phases
