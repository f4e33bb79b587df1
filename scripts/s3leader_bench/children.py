"""Child processes that are measured as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from s3leader_bench.bench import Bench
from s3leader_bench.rounds import Sample


def environment(bench: Bench, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a child: the stub, and this process's modules."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, **bench.stub.env, "PYTHONPATH": os.pathsep.join(sys.path), **(more or {})}


def run_child(
    arguments: Sequence[str],
    bench: Bench,
    more: Mapping[str, str] | None = None,
    *,
    counted: bool = True,
) -> tuple[Sample, str]:
    """Run Python with arguments; return what it took from start to end, and its output."""
    if counted:
        bench.stub.counts()
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *arguments],
        env=environment(bench, more),
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None  # noqa: S101 - a pipe was asked for
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if child.returncode:
        raise RuntimeError(f"{arguments} ended with {child.returncode}: {output}")
    cpu = usage.ru_utime + usage.ru_stime
    return Sample(wall, cpu, {**bench.stub.counts()} if counted else {}), output
