"""A seeded simulation of an election over hours and days: see tests/verification/simulation.

Run it from the project's root: `python -m tests.verification.simulation --hours 48 --seeds 4`.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.verification.simulation.invariants import ViolationError
from tests.verification.simulation.plan import Plan
from tests.verification.simulation.simulation import Simulation


def main() -> int:
    """Simulate what the arguments say; exit with 1 if a property does not hold."""
    given = _arguments()
    for seed in range(given.seed, given.seed + given.seeds):
        plan = Plan(
            seed=seed,
            hours=given.hours,
            candidates=given.candidates,
            contenders=given.contenders,
            trace=given.trace,
        )
        if not _simulated(plan):
            return 1
    return 0


def _simulated(plan: Plan) -> bool:
    started, run = time.perf_counter(), Simulation(plan)
    try:
        statistics = run.run()
    except ViolationError as violation:
        print("\n".join(violation.__notes__))
        print(f"VIOLATION: {violation}")
        return False
    found = run.invariants
    print(
        f"seed {plan.seed}: {statistics.ticks} ticks, {found.won} terms,"
        f" {statistics.requests} requests, {statistics.faults} faults, {statistics.deaths} deaths,"
        f" {statistics.frozen} freezes, {len(found.recreated)} old numbers created again,"
        f" {len(found.completed)} ticks completed, with all {statistics.clear} that no fault came"
        f" near; at most {found.most_untagged} locks untagged;"
        f" {time.perf_counter() - started:.1f} s",
        flush=True,
    )
    return True


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first (default: 0)")
    parser.add_argument("--seeds", type=int, default=1, help="how many (default: 1)")
    parser.add_argument("--hours", type=float, default=12, help="of ticks (default: 12)")
    parser.add_argument("--candidates", type=int, default=30)
    parser.add_argument("--contenders", type=int, default=3, help="a tick")
    parser.add_argument("--trace", type=int, default=60, help="events to print of a run that fails")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
