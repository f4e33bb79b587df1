"""The spaces that are explored, by name.

`python -m tests.verification.model_checker.scenarios NAME…` explores some and prints the results.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from .bytes_scenarios import BYTES
from .candidates import Plan
from .continued_scenarios import CONTINUED
from .explore import explore, replay
from .scenario import DAY_MS, Budget, Scenario, alike, held, knows, lock_object, sealed
from .unusual_scenarios import BROKEN_STORES, FENCED, NOT_PROMISED, UNUSUAL

AFTER_DAYS: Final = (lock_object(sealed(1), tagged=True), lock_object(sealed(3)))
# The lifecycle rule has deleted lock 2 already; these remember lock 1 as the highest.
SLEEPERS_KNOW: Final = knows(sealed(1), observed_ms=3 * DAY_MS)
# These saw its holder lead, and have the proof that it was the highest from then.
SLEEPERS_SAW: Final = knows(held(1), observed_ms=3 * DAY_MS)

SCENARIOS: Final = {
    "race": Scenario(
        "two candidates, one tick, time passing, deaths",
        alike("ab", 0),
        Budget(steps=8, deaths=1),
        objects=(),
    ),
    "lost": Scenario(
        "the same with a lost answer, or a write that lands late",
        alike("ab", 0),
        Budget(steps=2, deaths=1, lost=1),
        step_ms=1500,
        objects=(),
    ),
    "slow": Scenario(
        "requests and answers overtaken by a lease",
        alike("ab", 0, renewals=1),
        Budget(steps=6, slow=1),
    ),
    "renew": Scenario(
        "renewals, unanswered",
        (Plan("a", (0,), renewals=1), Plan("b", (0,))),
        Budget(steps=6, lost=1),
    ),
    "skew": Scenario(
        "front ends of S3 whose clocks differ, in finer steps of time",
        alike("ab", 0),
        Budget(steps=15, skewed=1),
        step_ms=250,
    ),
    "retry": Scenario(
        "a win whose answer is lost, and time enough to lose it",
        alike("ab", 0),
        Budget(steps=6, lost=1),
    ),
    "later": Scenario(
        "candidates that remember the ledger, two ticks, nothing amiss",
        alike("ab", 0, 1),
        Budget(),
        objects=(),
    ),
    "warm": Scenario(
        "candidates that remember the ledger, several ticks",
        alike("ab", 0, 1),
        Budget(steps=3, lost=1),
    ),
    "days": Scenario(
        "days of sleep, and a lifecycle rule that deletes",
        (Plan("a", (0, 1, 2)), Plan("b", (None,))),
        Budget(days=1, slow=1),
        objects=(),
    ),
    "asleep": Scenario(
        "two that slept while locks came and went; one of them waits",
        (
            Plan("a", (None,), known=SLEEPERS_KNOW),
            Plan("b", (None,), known=SLEEPERS_KNOW, wait_ms=5000, poll_ms=2000),
        ),
        Budget(slow=1),
        objects=AFTER_DAYS,
        begin_ms=3 * DAY_MS,
    ),
    "saw-leader": Scenario(
        "two that slept since they saw a leader, whose lock is sealed by now; one of them waits",
        (
            Plan("a", (None,), known=SLEEPERS_SAW),
            Plan("b", (None,), known=SLEEPERS_SAW, wait_ms=5000),
        ),
        Budget(slow=1),
        objects=AFTER_DAYS,
        begin_ms=3 * DAY_MS,
    ),
    "buried": Scenario(
        "two that slept, one of which dies; time enough to take over what it left",
        alike("ab", None, known=SLEEPERS_KNOW),
        Budget(steps=2, deaths=1),
        objects=AFTER_DAYS,
        begin_ms=3 * DAY_MS,
        step_ms=3000,
    ),
    "crowd": Scenario(
        "three candidates, two lost answers and a slow one",
        alike("abc", 0),
        Budget(lost=2, slow=1),
    ),
    "three": Scenario(
        "three candidates, one of which may die", alike("abc", 0), Budget(steps=6, deaths=1)
    ),
    **CONTINUED,
    **UNUSUAL,
    **FENCED,
    **BYTES,
    **BROKEN_STORES,
}
ALL: Final = {**SCENARIOS, **NOT_PROMISED}


def main() -> int:
    """Explore the scenarios that are named; exit with 1 if one finds a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ALL))
    parser.add_argument("--at-most", type=int, metavar="N", help="states to visit in each")
    parser.add_argument("--replay", metavar="PATH", help="print the steps of a path, as 0.2.1")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in ALL]
    if unknown or (given.replay and len(given.names) != 1):
        parser.error(f"no scenario {unknown}" if unknown else "replay one scenario by its name")
    if given.replay:
        path = tuple(int(choice) for choice in given.replay.split("."))
        print(replay(ALL[given.names[0]], path))
        return 0
    found = 0
    for name in given.names or SCENARIOS:
        explored = explore(ALL[name], at_most=given.at_most)
        whole = "all" if explored.whole else "the first"
        print(
            f"{name}: {whole} {explored.states:,} states, {explored.transitions:,} transitions,"
            f" up to {explored.depth} deep",
            flush=True,
        )
        if explored.counterexample is not None:
            print(explored.counterexample)
            found = 1
    return found


if __name__ == "__main__":
    sys.exit(main())
