"""From the kill of a leader to its successor's win."""

from __future__ import annotations

import json
import statistics
from concurrent.futures import ThreadPoolExecutor

from s3leader_bench.bench import Bench
from s3leader_bench.children import run_child
from s3leader_bench.tables import Cell, Table

_LEASES_S = (2, 5, 15)
_SKEW_S = 3


def run(bench: Bench) -> list[Table]:
    """Kill at least 30 leaders for each lease, all leases at the same time."""
    leases, kills = (_LEASES_S[:1], 10) if bench.quick else (_LEASES_S, 30)
    bench.steps(len(leases))
    with ThreadPoolExecutor(len(leases)) as pool:
        rows = list(pool.map(lambda lease: _row(bench, lease, kills), leases))
    return [
        Table(
            "Seconds from SIGKILL to the next leader",
            ("lease", "kills", "median", "90 %", "99 %", "most", "limit"),
            rows,
            f"Two candidates an election, which poll by default; leaders renew, and are killed at"
            f" random moments. The limit is the lease, {_SKEW_S} s of allowance for clocks, a"
            f" second of S3's time stamps, and a second between two polls.",
        )
    ]


def _row(bench: Bench, lease: int, kills: int) -> tuple[Cell, ...]:
    arguments = ["-m", "s3leader_bench.clients.takeover", str(lease), str(kills)]
    seconds: list[float] = sorted(json.loads(run_child(arguments, bench, counted=False)[1]))
    bench.advance()
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    ranks = (cuts[49], cuts[89], cuts[98], seconds[-1])
    return (f"{lease} s", len(seconds), *ranks, lease + _SKEW_S + 2)
