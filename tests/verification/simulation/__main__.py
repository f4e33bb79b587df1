"""A seeded simulation of an election over hours and days: see tests/verification/simulation.

Run it from the project's root: `python -m tests.verification.simulation --hours 48 --seeds 4`.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.verification.model_checker.s3 import Violation

from .plan import Plan
from .simulation import Simulation


def main() -> int:
    """Simulate what the arguments say; exit with 1 if a property does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first (default: 0)")
    parser.add_argument("--seeds", type=int, default=1, help="how many (default: 1)")
    parser.add_argument("--hours", type=float, default=12, help="of ticks (default: 12)")
    parser.add_argument("--candidates", type=int, default=30)
    parser.add_argument("--contenders", type=int, default=3, help="a tick")
    given = vars(parser.parse_args())
    first, seeds = given.pop("seed"), given.pop("seeds")
    for seed in range(first, first + seeds):
        started, run = time.perf_counter(), Simulation(Plan(seed=seed, **given))
        try:
            statistics = run.run()
        except Violation as violation:
            print("\n".join(violation.__notes__))
            print(f"VIOLATION: {violation}")
            return 1
        found = run.invariants
        print(
            f"seed {seed}: {statistics.ticks} ticks, {found.won} terms,"
            f" {statistics.requests} requests, {statistics.faults} faults,"
            f" {statistics.deaths} deaths, {statistics.frozen} freezes,"
            f" {len(found.recreated)} old numbers created again,"
            f" {len(found.completed)} ticks completed, with all {statistics.clear} that no fault"
            f" came near; at most {found.most_untagged} locks untagged;"
            f" {time.perf_counter() - started:.1f} s",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
