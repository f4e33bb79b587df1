"""The spaces that are explored, by name: who takes part, and what may go wrong how often.

Run as a program, `python -m tests.checker.scenarios NAME…`, it explores some and tells.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import Final

from s3leader.ledger import Seen
from s3leader.lock import Lock
from s3leader.times import from_ms

from .explore import Explored, Finding, explore, tell
from .lives import Plan, birth
from .machine import Machine
from .s3 import Thing
from .world import DAY_MS, Budget, Physics


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Candidates and a budget of misfortunes; `about` says what it is good for."""

    about: str
    plans: tuple[Plan, ...]
    budget: Budget
    things: tuple[Thing, ...] = ()
    begin_ms: int = 0
    step_ms: int = 500

    def run(self, at_most: int | None = None, liveness: int = 1) -> Explored:
        """Explore it."""
        return explore(self._physics(), self.budget, at_most=at_most, liveness=liveness)

    def tell(self, path: tuple[int, ...]) -> Finding:
        """Replay a path and return its story, with the fault it leads to, if any."""
        return tell(self._physics(), self.budget, path)

    def _physics(self) -> Physics:
        return Physics(
            machine=Machine({plan.name: birth(plan) for plan in self.plans}),
            things=self.things,
            begin_ms=self.begin_ms,
            won=3 if self.things else 0,
            step_ms=self.step_ms,
        )


def _sealed(term: int) -> Lock:
    lock = Lock(term=term, nonce=f"old{term}", holder="old", lease_ms=1000)
    return lock.seal(nonce=f"old{term}", outcome="completed", ended_at=from_ms(0))


# The lifecycle rule has deleted lock 2 already; a and b remember lock 1 as the highest.
SLEEPERS_KNOW: Final = Seen(lock=_sealed(1), etag="", top_at_ms=0, looked_ms=3 * DAY_MS)
AFTER_DAYS: Final = (
    Thing("e/lock_0000000001.json", _sealed(1).encode(), 0, tagged=True),
    Thing("e/lock_0000000003.json", _sealed(3).encode(), 0, tagged=False),
)


def _two(ticks: tuple[int | None, ...], renewals: int = 0, **more: int) -> tuple[Plan, ...]:
    return tuple(
        Plan(name=name, ticks=ticks, renewals=renewals, wait_ms=more.get("wait_ms", 0))
        for name in "ab"
    )


SCENARIOS: Final = {
    "race": Scenario(
        about="two candidates, one tick, time passing, deaths",
        plans=_two((0,)),
        budget=Budget(steps=8, deaths=1),
    ),
    "lost": Scenario(
        about="the same with a lost answer, or a write that lands late",
        plans=_two((0,)),
        budget=Budget(steps=6, deaths=1, lost=1),
    ),
    "slow": Scenario(
        about="requests and answers overtaken by a lease",
        plans=_two((0,), renewals=1),
        budget=Budget(steps=6, slow=1),
    ),
    "renew": Scenario(
        about="renewals, unanswered",
        plans=(Plan(name="a", ticks=(0,), renewals=1), Plan(name="b", ticks=(0,))),
        budget=Budget(steps=6, lost=1),
    ),
    "skew": Scenario(
        about="front ends of S3 whose clocks differ, in finer steps of time",
        plans=_two((0,)),
        budget=Budget(steps=15, skewed=1),
        step_ms=250,
    ),
    "retry": Scenario(
        about="a win whose answer is lost, and time enough to lose it",
        plans=_two((0,)),
        budget=Budget(steps=6, lost=1),
    ),
    "later": Scenario(
        about="candidates that remember the ledger, two ticks, nothing amiss",
        plans=(Plan(name="a", ticks=(0, 1)), Plan(name="b", ticks=(0, 1))),
        budget=Budget(),
    ),
    "warm": Scenario(
        about="candidates that remember the ledger, several ticks",
        plans=_two((0, 1)),
        budget=Budget(steps=3, lost=1),
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
        things=AFTER_DAYS,
        begin_ms=3 * DAY_MS,
    ),
    "buried": Scenario(
        about="two that slept, one of which dies; time enough to take over what it left",
        plans=(
            Plan(name="a", ticks=(None,), known=SLEEPERS_KNOW),
            Plan(name="b", ticks=(None,), known=SLEEPERS_KNOW),
        ),
        budget=Budget(steps=2, deaths=1),
        things=AFTER_DAYS,
        begin_ms=3 * DAY_MS,
        step_ms=3000,
    ),
    "crowd": Scenario(
        about="three candidates, two lost answers and a slow one",
        plans=tuple(Plan(name=name, ticks=(0,)) for name in "abc"),
        budget=Budget(lost=2, slow=1),
    ),
    "three": Scenario(
        about="three candidates, one of which may die",
        plans=tuple(Plan(name=name, ticks=(0,)) for name in "abc"),
        budget=Budget(steps=6, deaths=1),
    ),
}


def main() -> int:
    """Explore the scenarios that are named; exit with 1 if one finds a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCENARIOS))
    parser.add_argument("--at-most", type=int, metavar="N", help="states to visit in each")
    parser.add_argument("--replay", metavar="PATH", help="tell the story of a path, as 0.2.1")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in SCENARIOS]
    if unknown or (given.replay and len(given.names) != 1):
        parser.error(f"no scenario {unknown}" if unknown else "replay one scenario by its name")
    if given.replay:
        path = tuple(int(choice) for choice in given.replay.split("."))
        print(SCENARIOS[given.names[0]].tell(path))  # noqa: T201
        return 0
    found = 0
    for name in given.names or SCENARIOS:
        explored = SCENARIOS[name].run(given.at_most)
        whole = "all" if explored.whole else "the first"
        print(  # noqa: T201 - this is what it is run for
            f"{name}: {whole} {explored.states:,} states, {explored.moves:,} moves,"
            f" up to {explored.depth} deep, {explored.nodes:,} states of a candidate"
        )
        if explored.finding is not None:
            print(explored.finding)  # noqa: T201
            found = 1
    return found


if __name__ == "__main__":
    sys.exit(main())
