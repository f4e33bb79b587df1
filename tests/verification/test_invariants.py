"""Small histories, each with one thing wrong in it, and the same without."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from tests.verification.invariants import checks
from tests.verification.store_invariants import deadlines

Log = list[dict[str, Any]]
OVERLAP = "no two of 2 leaderships overlap"
RISE = "each leadership's term is higher than all before it"
WON_TWICE = "none of 1 term numbers is won twice"
HIGHER = "a campaign that begins after a win wins a higher number"
DONE_TWICE = "none of 1 ticks is completed twice"
LED_AGAIN = "after a leader has completed a tick, no later term is led for it"
DONE = "a tick reported as done was completed by a leader whose term did not report a loss"
HOLDS = "no candidate whose campaign reported a loss holds the lock"
TOKEN = "confirmed effects began after one with a higher token was confirmed"
GOES_ON = "no asyncio leader went on after its event loop had a turn past its deadline"
LEFT = "no asyncio call that was cancelled or left had a task or a request under way"
LINEAR = "confirmed increments and the last value are linearizable"


def log(who: str, *events: tuple[int, str, dict[str, Any]]) -> Log:
    return [{"who": who, "at": at, "what": what, **facts} for at, what, facts in events]


def led(who: str, at: int, term: int, tick: str, until: int) -> Log:
    """A term won at `at`, led for `until - at`, and completed."""
    return log(
        who,
        (at - 5, "campaigns", {"tick": tick}),
        (at, "won", {"term": term, "tick": tick, "until": until}),
        (until, "ends", {"term": term, "tick": tick, "outcome": "completed"}),
        (until + 1, "completed", {"term": term, "tick": tick}),
    )


def ending(*result: str) -> Log:
    """A term of a, from 10 to 20, whose end returned that, or nothing."""
    ended = [(21, one, {"term": 1, "tick": "t1"}) for one in result]
    return led("a", 10, 1, "t1", 20)[:3] + log("a", *ended)


def leads(who: str, at: int, term: int, until: int) -> Log:
    """A term that is led until the end of its lease, as far as its log goes."""
    return led(who, at, term, f"t{term}", until)[:2]


def lost(who: str, at: int, **facts: Any) -> Log:
    output = {"why": "held", "term": None, "done": None, "mine": False, **facts}
    return log(who, (at - 5, "campaigns", {"tick": "t1"}), (at, "loses", output))


def added(who: str, at: int, until: int, token: int, value: int | None) -> Log:
    """An increment; without a value its outcome was never known."""
    facts: dict[str, Any] = {"term": token}
    answer = (until, "has written", {**facts, "count": value})
    if value is None:
        answer = (until, "is refused", {**facts, "why": "StoreUnavailable"})
    return log(who, (at, "tries a fenced write", {**facts, "adds": 1}), answer)


def read(value: int) -> Log:
    return log("judge", (60, "reads the counter", {}), (61, "has read", {"value": value}))


def broken(*logs: Log, clocks_hold: bool = True) -> list[str]:
    events = [event for one in logs for event in one]
    return [one.claim for one in checks(events, clocks_hold=clocks_hold) if not one.holds]


WITHOUT_FAULT = [
    led("a", 10, 1, "t1", 20),
    lost("b", 15, term=1),
    lost("b", 24, why="done", term=1, done="t1"),
    led("b", 40, 2, "t2", 50),
    added("a", 12, 14, 1, 1),
    added("b", 42, 44, 2, 2),
    read(2),
]
RENEWED = log("a", (18, "leads", {"term": 1, "until": 60}))
RESIGNING = log("a", (20, "ends", {"term": 1}))
KILLED = log("processes", (15, "kills", {"whom": "a"}))
LATE = led("b", 40, 2, "t1", 50)
LATE[0]["at"] = 1  # its campaign began first
UNKNOWN = log("a", (1, "campaigns", {"tick": "t1"}), (5, "finds no S3", {}))
CANCELLED = log("a", (1, "campaigns", {"tick": "t1"}), (5, "is cancelled", {}))
LEFT_BEHIND: dict[str, Any] = {"by": "campaign", "tasks": [], "requests": 1}
T1_IS_DONE = lost("b", 40, why="done", term=1, done="t1")
HISTORIES: dict[str, tuple[list[Log], list[str]]] = {
    "nothing wrong": (WITHOUT_FAULT, []),
    "two leaders": ([led("a", 10, 1, "t1", 30), led("b", 29, 2, "t2", 40)], [OVERLAP]),
    "leaderships that meet": ([led("a", 10, 1, "t1", 30), led("b", 30, 2, "t2", 40)], []),
    "a lease that is over": ([leads("a", 10, 1, 20), leads("b", 50, 2, 70)], []),
    "a renewed lease": ([leads("a", 10, 1, 20), RENEWED, leads("b", 50, 2, 70)], [OVERLAP]),
    "a leader that resigns": ([leads("a", 10, 1, 60), RESIGNING, leads("b", 30, 2, 70)], []),
    "a killed leader": ([leads("a", 10, 1, 30), KILLED, leads("b", 20, 2, 40)], []),
    "a leadership with a lower number": ([led("a", 10, 3, "t2", 20)[:2], LATE], [RISE]),
    "a number that is won again": (
        [led("a", 10, 3, "t1", 20), led("b", 40, 3, "t2", 50)],
        [RISE, WON_TWICE, HIGHER],
    ),
    "a tick that is completed twice": (
        [led("a", 10, 1, "t1", 20), led("b", 40, 2, "t1", 50)],
        [DONE_TWICE, LED_AGAIN],
    ),
    "a later term for an earlier tick": (
        [led("a", 10, 1, "t2", 20), led("b", 40, 2, "t1", 50)],
        [LED_AGAIN],
    ),
    "done by a term that was lost": ([ending("lost"), T1_IS_DONE], [DONE]),
    "done by a term that was left open": ([ending("left open"), T1_IS_DONE], []),
    "done by a term that was completed": ([ending("completed"), T1_IS_DONE], []),
    "done by a term that never returned": ([ending(), T1_IS_DONE], []),
    "a loser that holds the lock": ([lost("a", 10, term=1, mine=True)], [HOLDS]),
    "a loser that could not seal": ([ending("left open"), lost("a", 40, term=1, mine=True)], []),
    "a creation that was never known": ([UNKNOWN, lost("a", 40, term=1, mine=True)], []),
    "a campaign that was cancelled": ([CANCELLED, lost("a", 40, term=1, mine=True)], []),
    "a leader that is not cancelled": ([log("a", (50, "goes on", {"term": 1}))], [GOES_ON]),
    "a request that goes on": ([log("a", (9, "leaves behind", LEFT_BEHIND))], [LEFT]),
    "another's unknown creation": ([UNKNOWN, lost("b", 40, term=1, mine=True)], [HOLDS]),
}


@pytest.mark.parametrize(("logs", "claims"), HISTORIES.values(), ids=HISTORIES)
def test_what_is_wrong_in_a_history_is_found_and_nothing_else(
    logs: list[Log], claims: list[str]
) -> None:
    assert broken(*logs) == claims


@pytest.mark.parametrize(
    ("first", "second", "claims"),
    [
        (led("a", 10, 1, "t1", 30), led("b", 29, 2, "t2", 40), []),
        (led("a", 10, 3, "t1", 20), led("b", 12, 3, "t2", 40), [WON_TWICE]),
        (led("a", 10, 3, "t2", 20), led("b", 40, 2, "t1", 50), [HIGHER]),
    ],
    ids=["two leaders are expected", "a number won twice", "a number that goes back"],
)
def test_what_does_not_rest_on_clocks_is_checked_where_they_are_wrong(
    first: Log, second: Log, claims: list[str]
) -> None:
    assert broken(first, second, clocks_hold=False) == claims


def test_the_longest_reign_so_far_counts() -> None:
    short = led("b", 12, 2, "t2", 14)
    logs = led("a", 10, 1, "t1", 40) + short + led("c", 30, 3, "t3", 50)
    assert len(next(checks(logs)).violations) == 2


def test_the_order_in_which_logs_are_read_does_not_matter() -> None:
    logs = led("a", 10, 1, "t1", 20), led("b", 40, 2, "t1", 50), lost("a", 60, term=2)
    assert broken(*(one[::-1] for one in logs[::-1])) == broken(*logs)


def test_an_overlap_is_reported_with_its_length() -> None:
    logs = led("a", 10, 1, "t1", 3_000_010) + led("b", 1_000_010, 2, "t2", 4_000_010)
    assert next(checks(logs)).violations == ("b led term 2 2 ms before a's term 1 was over",)


@pytest.mark.parametrize(("wrong", "shown"), [(5, 5), (6, 6), (9, 6)])
def test_no_more_than_five_objections_are_shown(wrong: int, shown: int) -> None:
    logs = [event for n in range(wrong) for event in lost(f"c{n}", 10, mine=True, term=99)]
    [check] = [one for one in checks(logs) if one.claim == HOLDS]
    assert len(check.violations) == shown
    assert (check.violations[-1] == f"and {wrong - 5} more") is (wrong > 5)


A1, B2 = added("a", 10, 12, 1, 1), added("b", 13, 15, 2, 2)
EFFECTS: dict[str, tuple[list[Log], list[str]]] = {
    "a lower token after a higher one": (
        [added("a", 10, 12, 2, 1), added("b", 13, 15, 1, 2), read(2)],
        [TOKEN],
    ),
    "a lower token than the highest": (
        [A1, added("b", 13, 15, 3, 2), added("c", 16, 18, 2, 3), read(3)],
        [TOKEN],
    ),
    "a lower token that began earlier": (
        [added("a", 10, 12, 2, 2), added("b", 11, 15, 1, 1), read(2)],
        [],
    ),
    "one token": ([added("a", 10, 12, 2, 1), added("a", 13, 15, 2, 2), read(2)], []),
    "nothing": ([read(0)], []),
    "a lost increment": ([A1, B2, read(1)], [LINEAR]),
    "two increments to one value": ([A1, added("b", 11, 15, 1, 1), read(1)], [LINEAR]),
    "an increment that nobody made": ([A1, read(2)], [LINEAR]),
    "values that go back": (
        [added("a", 10, 12, 1, 2), added("b", 13, 15, 2, 1), read(2)],
        [LINEAR],
    ),
    "values at the same time": (
        [added("a", 10, 14, 1, 2), added("b", 13, 15, 2, 1), read(2)],
        [],
    ),
    "unknown and without effect": (
        [added("a", 10, 12, 1, None), added("b", 13, 15, 2, 1), read(1)],
        [],
    ),
    "unknown and with effect": ([added("a", 10, 12, 1, None), B2, read(2)], []),
    "effect before it began": ([B2, added("a", 16, 18, 2, None), read(2)], [LINEAR]),
    "one unknown for two values": (
        [added("a", 1, 2, 1, None), added("b", 13, 15, 2, 3), read(3)],
        [LINEAR],
    ),
    "two unknown for two values": (
        [added("a", 1, 2, 1, None), added("c", 3, 4, 2, None), added("b", 13, 15, 2, 3), read(3)],
        [],
    ),
}


@pytest.mark.parametrize(("logs", "claims"), EFFECTS.values(), ids=EFFECTS)
def test_what_is_wrong_with_effects_is_found_and_nothing_else(
    logs: list[Log], claims: list[str]
) -> None:
    found = broken(*logs)
    assert len(found) == len(claims)
    assert all(claim in one for claim, one in zip(claims, found, strict=True))


@pytest.mark.parametrize(
    ("until", "at", "expired", "holds"),
    [
        (50_000_000, 0, False, True),
        (51_000_001, 0, False, False),
        (60_000_000, 9_000_000, False, True),
        (60_000_000, 9_000_000, True, False),  # sealed by another candidate
        (60_000_000, 20_000_000, False, False),  # written after the leader noted its deadline
    ],
)
def test_a_deadline_later_than_a_lease_after_the_write_is_found(
    until: int, at: int, *, expired: bool, holds: bool
) -> None:
    body = {"term": 1, "lease_ms": 50, "expired": False}
    events = log("a", (10_000_000, "leads", {"term": 1, "until": until}))
    check = deadlines(events, [body, {**body, "expired": expired}], [0, at])
    assert check.holds is holds


def test_the_judge_knows_nothing_of_the_library() -> None:
    program = "import tests.verification.invariants, sys; sys.exit('s3leader' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
