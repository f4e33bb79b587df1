"""Every interleaving of the code that ships, and of what it would be without each of its rules."""

from __future__ import annotations

import pytest

from .mutants import MUTANTS, Mutant, length_of
from .scenarios import SCENARIOS

# What is small enough for every run of the tests; `scripts/check` explores all of them.
QUICK = ("race", "skew", "three", "days", "asleep", "later", "buried")
CAUGHT_QUICKLY = [
    mutant
    for mutant in MUTANTS
    if mutant.scenario in {*QUICK, "lost"} or "led again" in mutant.fault
]


@pytest.mark.parametrize("name", QUICK)
def test_no_interleaving_breaks_a_property(name: str) -> None:
    explored = SCENARIOS[name].run(liveness=4)
    assert explored.finding is None, str(explored.finding)
    assert explored.whole


def test_first_states_of_lost_answers_break_no_property() -> None:
    explored = SCENARIOS["lost"].run(at_most=60_000, liveness=4)
    assert explored.finding is None, str(explored.finding)


@pytest.mark.parametrize("mutant", CAUGHT_QUICKLY, ids=lambda mutant: mutant.removed)
def test_checker_notices_a_missing_rule(mutant: Mutant) -> None:
    told = mutant.explore()
    assert mutant.fault in told
    assert length_of(told) > 1


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.removed)
def test_every_mutant_still_fits_the_source(mutant: Mutant) -> None:
    assert mutant.source()


def test_every_rule_of_safety_has_a_mutant() -> None:
    """R9 has none: it saves requests, and R7 keeps it safe."""
    rules = {rule for mutant in MUTANTS for rule in mutant.rule.split(", ")}
    assert rules == {f"R{number}" for number in range(1, 9)}


def test_story_can_be_replayed_from_its_path() -> None:
    story = SCENARIOS["race"].tell((0, 1, 1))
    assert (story.fault, len(story.story)) == ("nothing is wrong", 3)
