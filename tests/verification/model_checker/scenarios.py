"""The spaces that are explored, by name.

`python -m tests.verification.model_checker.scenarios NAME…` explores some and prints the results.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from .candidates import Plan
from .continued_scenarios import CONTINUED
from .fenced_scenarios import FENCED_SCENARIOS
from .model import DAY_MS, Budget
from .scenario import AFTER_DAYS, PROVED, SLEEPERS_KNOW, Scenario, two
from .unusual_scenarios import BROKEN_STORES, NOT_PROMISED, UNUSUAL

SCENARIOS: Final = {
    "race": Scenario(
        about="two candidates, one tick, time passing, deaths",
        plans=two((0,)),
        budget=Budget(steps=8, deaths=1),
    ),
    "lost": Scenario(
        about="the same with a lost answer, or a write that lands late",
        plans=two((0,)),
        budget=Budget(steps=2, deaths=1, lost=1),
        step_ms=1500,
    ),
    "slow": Scenario(
        about="requests and answers overtaken by a lease",
        plans=two((0,), renewals=1),
        budget=Budget(steps=6, slow=1),
        objects=PROVED,
        won=1,
    ),
    "renew": Scenario(
        about="renewals, unanswered",
        plans=(Plan(name="a", ticks=(0,), renewals=1), Plan(name="b", ticks=(0,))),
        budget=Budget(steps=6, lost=1),
        objects=PROVED,
        won=1,
    ),
    "skew": Scenario(
        about="front ends of S3 whose clocks differ, in finer steps of time",
        plans=two((0,)),
        budget=Budget(steps=15, skewed=1),
        step_ms=250,
        objects=PROVED,
        won=1,
    ),
    "retry": Scenario(
        about="a win whose answer is lost, and time enough to lose it",
        plans=two((0,)),
        budget=Budget(steps=6, lost=1),
        objects=PROVED,
        won=1,
    ),
    "later": Scenario(
        about="candidates that remember the ledger, two ticks, nothing amiss",
        plans=two((0, 1)),
        budget=Budget(),
    ),
    "warm": Scenario(
        about="candidates that remember the ledger, several ticks",
        plans=two((0, 1)),
        budget=Budget(steps=3, lost=1),
        objects=PROVED,
        won=1,
    ),
    "days": Scenario(
        about="days of sleep, and a lifecycle rule that deletes",
        plans=(Plan(name="a", ticks=(0, 1, 2)), Plan(name="b", ticks=(None,))),
        budget=Budget(days=1, slow=1),
    ),
    "asleep": Scenario(
        about="two that slept while locks came and went; one of them waits",
        plans=(
            Plan(name="a", ticks=(None,), known=SLEEPERS_KNOW),
            Plan(name="b", ticks=(None,), known=SLEEPERS_KNOW, wait_ms=5000),
        ),
        budget=Budget(slow=1),
        objects=AFTER_DAYS,
        won=3,
        begin_ms=3 * DAY_MS,
    ),
    "buried": Scenario(
        about="two that slept, one of which dies; time enough to take over what it left",
        plans=tuple(Plan(name=name, ticks=(None,), known=SLEEPERS_KNOW) for name in "ab"),
        budget=Budget(steps=2, deaths=1),
        objects=AFTER_DAYS,
        won=3,
        begin_ms=3 * DAY_MS,
        step_ms=3000,
    ),
    "crowd": Scenario(
        about="three candidates, two lost answers and a slow one",
        plans=tuple(Plan(name=name, ticks=(0,)) for name in "abc"),
        budget=Budget(lost=2, slow=1),
        objects=PROVED,
        won=1,
    ),
    "three": Scenario(
        about="three candidates, one of which may die",
        plans=tuple(Plan(name=name, ticks=(0,)) for name in "abc"),
        budget=Budget(steps=6, deaths=1),
        objects=PROVED,
        won=1,
    ),
    **CONTINUED,
    **UNUSUAL,
    **FENCED_SCENARIOS,
    **BROKEN_STORES,
}
ALL: Final = {**SCENARIOS, **NOT_PROMISED}


def main() -> int:
    """Explore the scenarios that are named; exit with 1 if one finds a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ALL))
    parser.add_argument("--at-most", type=int, metavar="N", help="states to visit in each")
    parser.add_argument("--replay", metavar="PATH", help="tell the story of a path, as 0.2.1")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in ALL]
    if unknown or (given.replay and len(given.names) != 1):
        parser.error(f"no scenario {unknown}" if unknown else "replay one scenario by its name")
    if given.replay:
        path = tuple(int(choice) for choice in given.replay.split("."))
        print(ALL[given.names[0]].replay(path))
        return 0
    found = 0
    for name in given.names or SCENARIOS:
        explored = ALL[name].run(given.at_most)
        whole = "all" if explored.whole else "the first"
        print(
            f"{name}: {whole} {explored.states:,} states, {explored.transitions:,} transitions,"
            f" up to {explored.depth} deep, {explored.nodes:,} states of a candidate",
            flush=True,
        )
        if explored.counterexample is not None:
            print(explored.counterexample)
            found = 1
    return found


if __name__ == "__main__":
    sys.exit(main())
