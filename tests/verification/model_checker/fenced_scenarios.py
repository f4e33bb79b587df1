"""Two writers of one fenced object, the second with the higher token, and what may go wrong."""

from __future__ import annotations

from typing import Final

from .candidates import Plan
from .model import Budget
from .mutants import Mutant
from .scenario import Scenario


def _writers(about: str, budget: Budget) -> Scenario:
    plans = tuple(Plan(name=name, token=token) for token, name in enumerate(("old", "new"), 1))
    return Scenario(about=about, plans=plans, budget=budget, expect_progress=False)


FENCED_SCENARIOS: Final = {
    "fenced": _writers("a writer that becomes stale before its write", Budget(deaths=1)),
    "fenced-lost": _writers("a lost answer, or a write that arrives late", Budget(lost=1, steps=1)),
    "fenced-slow": _writers("a writer that becomes stale within its write", Budget(slow=2)),
    "fenced-echo": _writers("an intermediary that sends a write twice", Budget(echoes=1, steps=1)),
}

FENCED_MUTANTS: Final = (
    Mutant(
        rule="fencing",
        removed="a writer refuses to replace a version with a higher token",
        file="_core/fenced_object.py",
        old="    if after.token > token:\n        raise",
        new="    if False:\n        raise",
        scenario="fenced",
        fault="the token goes down from 2 to 1",
    ),
    Mutant(
        rule="fencing",
        removed="a leader claims the object before it writes",
        file="_core/fenced_object.py",
        old="        if now is not None and now.token == token:\n            return now\n",
        new="        if now is not None:\n            return now\n",
        scenario="fenced",
        fault="reports token 2 as claimed, and it was never written",
    ),
    Mutant(
        rule="fencing",
        removed="a fenced write compares before it swaps",
        file="_core/fenced_object.py",
        old="Replace(config.key, body, after.etag), token, nonce))",
        new="Replace(config.key, body, '*'), token, nonce))",
        scenario="fenced",
        fault="a write is lost",
    ),
    Mutant(
        rule="fencing",
        removed="a 412 to a fenced write is looked into",
        file="_core/conditional_write.py",
        old="            reply = yield Read(write.key)\n            answer = reply.answer\n",
        new="            return WriteConflict(reply=reply)\n",
        scenario="fenced-echo",
        fault="reports its write as not applied, and it was applied",
    ),
    Mutant(
        rule="fencing",
        removed="an unknown outcome of a fenced write is settled, not taken for success",
        file="_core/conditional_write.py",
        old='        cause = getattr(answer, "cause", cause)\n',
        new="        return WriteApplied(etag='', applied_ms=0, date_ms=0, sent_ms=first_ms,"
        " received_ms=0)\n",
        scenario="fenced-lost",
        fault="and it was never written",
    ),
)
