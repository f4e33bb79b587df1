"""Spaces for terms that are continued (R10), and the mutants that take a part of that rule away."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from .candidates import TICKS, Plan
from .mutants import Mutant
from .scenario import Budget, Scenario, held, lock_object

_OF_TICK_0: Final = replace(held(1), tick=TICKS[0])
REPEATED: Final = (
    lock_object(_OF_TICK_0.seal(nonce="sealed1", outcome="completed", ended_at=TICKS[0])),
)


def _legs(name: str, legs: int, **more: object) -> Plan:
    return Plan(name=name, ticks=(0,) * legs, may_continue=True, **more)  # type: ignore[arg-type]


CONTINUED: Final = {
    "continued": Scenario(
        about="one tick in several legs, and a candidate for the next tick",
        plans=(_legs("a", 3), Plan(name="b", ticks=(1,))),
        budget=Budget(steps=5),
        step_ms=1000,
    ),
    "continued-lost": Scenario(
        about="the same with a lost answer and a death; a retry goes on",
        plans=(_legs("a", 2), Plan(name="b", ticks=(0, 1))),
        budget=Budget(steps=2, lost=1, deaths=1),
        step_ms=3000,
    ),
    "continued-waiting": Scenario(
        about="a candidate for the next tick that waits while a tick is continued",
        plans=(_legs("a", 1), Plan(name="b", ticks=(1,), wait_ms=2000)),
        budget=Budget(steps=3),
        step_ms=1500,
    ),
    "tick-ahead": Scenario(
        about="a tick that lies in the future, on a continued lock",
        plans=(_legs("a", 2), Plan(name="b", ticks=(4,))),
        budget=Budget(steps=1, lost=1),
        step_ms=3000,
    ),
    "continued-void": Scenario(
        about="a win on a continued lock whose answer comes too late",
        plans=(_legs("a", 2), Plan(name="b", ticks=(1,))),
        budget=Budget(steps=2, slow=1),
        step_ms=3000,
    ),
    "continued-warm": Scenario(
        about="two that remember the ledger and continue each other's ticks",
        plans=tuple(Plan(name=name, ticks=(0, 1, 0), may_continue=True) for name in "ab"),
        budget=Budget(),
    ),
    "continued-failing": Scenario(
        about="legs that fail, and a limit of attempts that counts no legs",
        plans=(
            _legs("a", 4, may_fail=True, max_attempts=2),
            _legs("b", 2, may_fail=True, max_attempts=2),
        ),
        budget=Budget(),
        max_attempts=2,
    ),
    "repeated": Scenario(
        about="a completed tick that an operator repeats, in several legs",
        plans=(_legs("a", 2, repeat=True), Plan(name="b", ticks=(0, 1))),
        budget=Budget(steps=2, lost=1),
        step_ms=3000,
        objects=REPEATED,
    ),
}

CONTINUED_MUTANTS: Final = (
    Mutant(
        removed="R10: a continued lock keeps other ticks out for its lease",
        old="if is_held or is_reserved:",
        new="if is_held:",
        found={"continued": "is buried by term"},
    ),
    Mutant(
        removed="R10: a continued lock is open to its own tick at once",
        old="lock.outcome != CONTINUED or lock.tick == tick:",
        new="lock.outcome != CONTINUED:",
        found={"continued": "a newcomer does not lead though nobody does: held"},
    ),
    Mutant(
        removed="R10: the lease of a continued lock ends",
        old="return left_ms is None or left_ms >= 0",
        new="return True",
        found={"continued": "a newcomer does not lead though nobody does: held"},
    ),
    Mutant(
        removed="R10: a continuation is part of the same attempt",
        old="if previous.is_continued_for(tick):",
        new="if False:",
        found={"continued": "is attempt 2"},
    ),
    Mutant(
        removed="R10: each continuation counts a leg",
        old="return min(previous.leg + 1, MAX_NUMBER)",
        new="return previous.leg",
        found={"continued": "is leg 1"},
    ),
    Mutant(
        removed="R10: a retry keeps the leg",
        old="return self.leg if self.repeat or previous.outcome == COMPLETED else previous.leg",
        new="return self.leg",
        found={"continued-failing": "is leg 1"},
    ),
    Mutant(
        removed="R10: a void win on a continued lock is continued too",
        old="if previous is None or previous.outcome != CONTINUED:",
        new="if True:",
        found={"continued-void": "is buried by the void win"},
    ),
    Mutant(
        removed="R8: only an operator repeats a completed tick",
        old="        if not work.repeat:\n            return True\n",
        new="",
        found={"continued-lost": "is completed twice"},
    ),
)
