"""The first states of each space, and what the code would be without each of its rules."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .explore import explore, replay
from .mutant_list import MUTANTS
from .mutants import Mutant
from .scenarios import ALL, SCENARIOS

# It takes long to find a fault there, which `scripts/check` does.
SLOW = {"attempts", "continued-lost", "days", "found-late", "probed-late", "retry", "skew"}
QUICK = [(one, space) for one in MUTANTS for space in one.found if space not in SLOW]


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_interleaving_breaks_a_property(name: str) -> None:
    explored = explore(SCENARIOS[name], at_most=7_000, liveness=4)
    assert explored.counterexample is None, str(explored.counterexample)
    assert explored.whole or explored.states >= 7_000


@pytest.mark.parametrize(
    ("name", "fault"),
    [("twins", "term 2 is won after term 2"), ("drift-too-far", "two leaders")],
)
def test_what_is_not_promised_does_not_hold(name: str, fault: str) -> None:
    explored = explore(ALL[name])
    assert explored.counterexample is not None
    assert fault in explored.counterexample.violation


@pytest.mark.parametrize(
    ("mutant", "space"), QUICK, ids=[f"{mutant.removed} ({space})" for mutant, space in QUICK]
)
def test_a_missing_rule_is_found(mutant: Mutant, space: str) -> None:
    noticed, output = mutant.run(space)
    assert noticed, output


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.removed)
def test_every_mutant_still_fits_the_source(mutant: Mutant) -> None:
    assert mutant.source()
    assert mutant.found.keys() <= {*ALL, "simulation"}


def test_every_rule_of_safety_has_a_mutant() -> None:
    """R9 has none: it saves requests, and R7 keeps it safe."""
    rules = {rule for mutant in MUTANTS for rule in mutant.removed.partition(": ")[0].split(", ")}
    assert rules == {"fencing", "R10", *(f"R{number}" for number in range(9))}


def test_a_trace_can_be_replayed_from_its_path() -> None:
    trace = replay(SCENARIOS["race"], (0, 1, 1))
    assert (trace.violation, len(trace.trace)) == ("no violation", 3)


def test_scenarios_reach_every_statement_and_both_sides_of_every_branch() -> None:
    command = [sys.executable, "-m", "tests.verification.model_checker.reach"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
