"""Every interleaving of the code that ships, and of what it would be without each of its rules."""

from __future__ import annotations

import pytest

from .fenced_scenarios import FENCED_MUTANTS, FENCED_SCENARIOS
from .mutant_list import MUTANTS as PROTOCOL_MUTANTS
from .mutants import Mutant, length_of
from .scenarios import ALL, SCENARIOS
from .unusual_scenarios import BROKEN_STORES, NOT_PROMISED

MUTANTS = (*PROTOCOL_MUTANTS, *FENCED_MUTANTS)
# What is small enough for every run of the tests; `scripts/check` explores all of them.
QUICK = (
    "later",
    "asleep",
    "echo-first",
    "exhausted",
    "voids",
    "seized",
    "drift",
    "paged",
    "hint-ahead",
    "hint-behind",
    "hint-corrupt",
    "hint-denied",
    "no-tags",
    "original",
    "outage",
    *BROKEN_STORES,
    *FENCED_SCENARIOS,
)
# The first states of some that are larger.
BEGUN = (
    "near",
    "attempts",
    "race",
    "lost",
    "buried",
    "days",
    "skew",
    "echo",
    "long",
    "clones",
    "force",
    "corrupt",
)
# Those are found soon, though their spaces are large.
FOUND_SOON = ("lost", "long", "retry", "race", "leaders-no-create")
CAUGHT_QUICKLY = [
    mutant for mutant in MUTANTS if mutant.scenario in {*QUICK, *FOUND_SOON} and not mutant.slow
]


@pytest.mark.parametrize("name", QUICK)
def test_no_interleaving_breaks_a_property(name: str) -> None:
    explored = SCENARIOS[name].run(liveness=4)
    assert explored.counterexample is None, str(explored.counterexample)
    assert explored.whole


@pytest.mark.parametrize("name", BEGUN)
def test_first_states_break_no_property(name: str) -> None:
    explored = SCENARIOS[name].run(at_most=8_000, liveness=4)
    assert explored.counterexample is None, str(explored.counterexample)


@pytest.mark.parametrize(
    ("name", "fault"),
    [("twins", "term 2 is won after term 2"), ("drift-too-far", "two leaders")],
)
def test_what_is_not_promised_does_not_hold(name: str, fault: str) -> None:
    explored = NOT_PROMISED[name].run()
    assert explored.counterexample is not None
    assert fault in explored.counterexample.violation


@pytest.mark.parametrize("mutant", CAUGHT_QUICKLY, ids=lambda mutant: mutant.removed)
def test_the_checker_finds_a_missing_rule(mutant: Mutant) -> None:
    output = mutant.explore()
    assert mutant.fault in output
    assert length_of(output) > 1


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.removed)
def test_every_mutant_still_fits_the_source(mutant: Mutant) -> None:
    assert mutant.source()
    assert mutant.scenario in ALL


def test_every_rule_of_safety_has_a_mutant() -> None:
    """R9 has none: it saves requests, and R7 keeps it safe."""
    rules = {rule for mutant in MUTANTS for rule in mutant.rule.split(", ")}
    assert rules == {"fencing", *(f"R{number}" for number in range(9))}


def test_a_trace_can_be_replayed_from_its_path() -> None:
    trace = SCENARIOS["race"].replay((0, 1, 1))
    assert (trace.violation, len(trace.trace)) == ("no violation", 3)
