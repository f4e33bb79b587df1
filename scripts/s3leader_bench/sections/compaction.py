"""The example job beside bare pools of readers: throughput, and memory by backlog."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Final

from s3leader_bench.bench import Bench
from s3leader_bench.children import run_child
from s3leader_bench.rounds import Sample, Spread, alternate, ratio, spread
from s3leader_bench.tables import Cell, Table, by_kind

JOB: Final = "the job"
ALIKE: Final = "a bare pool of 32 readers, the same parsing"
JSON: Final = "a bare pool of 32 readers, `json.loads`"
_VARIANTS: Final = {JOB: "compaction", ALIKE: "alike", JSON: "json"}
_ROUND_TRIP_MS: Final = 25


def run(bench: Bench) -> list[Table]:
    """Measure."""
    runs = Runs(bench)
    return [_throughput(bench, runs), _memory(bench, runs)]


@dataclass
class Runs:
    """Runs of children, each on a bucket of its own."""

    bench: Bench
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def one(self, name: str, objects: int, trip_ms: float) -> tuple[Sample, float]:
        """Compact so many objects; return what it took without the start, and the peak in MB."""
        bucket = f"data-{next(self._numbers)}"
        self.bench.stub.generate("events", "events/", objects, bucket=bucket)
        self.bench.stub.set_round_trip(trip_ms)
        arguments = ["-m", "s3leader_bench.clients.compaction", _VARIANTS[name], bucket]
        whole, output = run_child(arguments, self.bench)
        self.bench.stub.set_round_trip(0)
        self.bench.stub.forget(bucket)
        found = json.loads(output.splitlines()[-1])
        if found["objects"] != objects:
            raise RuntimeError(f"expected {name} to compact {objects}, got {found['objects']}")
        return Sample(found["wall"], found["cpu"], whole.requests), found["peak_mb"]


def _throughput(bench: Bench, runs: Runs) -> Table:
    objects = 500 if bench.quick else 2000
    variants = {
        name: lambda name=name: runs.one(name, objects, _ROUND_TRIP_MS)[0] for name in _VARIANTS
    }
    found = alternate(variants, bench.rounds(7, 1), bench.advance)
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            by_kind(samples[0].requests),
            Spread.of([objects / sample.wall for sample in samples]),
            spread(samples, "cpu", 1000 / objects),
            ratio(samples, found[ALIKE], "wall"),
            ratio(samples, found[ALIKE], "cpu"),
            ratio(samples, found[JSON], "cpu"),
        )
        for name, samples in found.items()
    ]
    return Table(
        f"{objects:,} objects of 1 to 4 KiB at {_ROUND_TRIP_MS} ms a request",
        (
            "what",
            "requests",
            "objects a second",
            "CPU an object, ms",
            "wall over the same parsing",
            "CPU over the same parsing",
            "CPU over `json.loads`",
        ),
        rows,
        "Without the start of the process and its imports; the job's requests are those of its"
        " election, too. The pools hold no election and commit nothing: a crash loses or repeats"
        " lines.",
    )


def _memory(bench: Bench, runs: Runs) -> Table:
    backlogs = (200, 1000) if bench.quick else (1000, 20_000)
    bench.steps(len(backlogs) * 2)
    rows: list[tuple[Cell, ...]] = []
    for name in (JOB, ALIKE):
        peaks = []
        for objects in backlogs:
            peaks.append(runs.one(name, objects, 0)[1])
            bench.advance()
        rows.append((name, *peaks))
    return Table(
        "Peak memory of the process, in MB, by backlog",
        ("what", *(f"{objects:,} objects" for objects in backlogs)),
        rows,
        "One run each, without delays; the interpreter and its imports are included.",
    )
