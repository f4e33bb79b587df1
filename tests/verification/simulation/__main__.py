"""A seeded simulation of an election over hours and days: see tests/verification/simulation.

Run it from the project's root: `python -m tests.verification.simulation --hours 48 --seeds 4`.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.verification.simulation.plan import Plan
from tests.verification.simulation.properties import FaultError
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
            story=given.story,
        )
        if not _simulated(plan):
            return 1
    return 0


def _simulated(plan: Plan) -> bool:
    started, run = time.perf_counter(), Simulation(plan)
    try:
        figures = run.run()
    except FaultError as fault:
        print("\n".join(fault.__notes__))
        print(f"FAULT: {fault}")
        return False
    found = run.properties
    print(
        f"seed {plan.seed}: {figures.ticks} ticks, {found.won} terms, {figures.requests} requests,"
        f" {figures.faults} faults, {figures.deaths} deaths, {figures.frozen} frozen,"
        f" {len(found.anew)} old numbers created anew, {len(found.completed)} ticks completed,"
        f" none of the {figures.clear} that no fault came near missing;"
        f" at most {found.most_untagged} locks untagged; {time.perf_counter() - started:.1f} s",
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
    parser.add_argument("--story", type=int, default=60, help="events told of a run that fails")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
