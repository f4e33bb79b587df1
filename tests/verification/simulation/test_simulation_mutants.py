"""The simulation finds each of these rules missing, within the seeds that the test suite runs."""

from __future__ import annotations

import pytest

from tests.verification.simulation.invariants import ViolationError
from tests.verification.simulation.mutants import MUTANTS, Mutant
from tests.verification.simulation.plan import Plan
from tests.verification.simulation.simulation import Simulation

SEEDS = range(16)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.removed)
def test_missing_rule_is_found(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.put(monkeypatch)
    faults = (_fault(Plan(seed=seed)) for seed in SEEDS)
    found = next(filter(None, faults), None)
    assert found is not None
    assert mutant.fault in found


def test_failing_run_tells_what_happened_and_how_to_replay_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    MUTANTS[0].put(monkeypatch)
    with pytest.raises(ViolationError) as caught:
        Simulation(Plan(seed=2)).run()
    trace = caught.value.__notes__[0].splitlines()
    assert "LEADS term 1" in "\n".join(trace)
    assert trace[-1] == (
        "replay: python -m tests.verification.simulation --seed 2 --hours 12 --candidates 30"
    )


def _fault(plan: Plan) -> str:
    try:
        Simulation(plan).run()
    except ViolationError as fault:
        return str(fault)
    return ""
