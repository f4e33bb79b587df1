"""Elections of thirty candidates over half a day, with everything going wrong that may."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.verification.model_checker.s3 import Violation

from .invariants import Invariants
from .plan import Plan
from .simulation import Simulation


@pytest.mark.parametrize("seed", range(6))
def test_thirty_candidates_elect_one_leader_at_a_time_over_days(seed: int) -> None:
    run = Simulation(Plan(seed=seed))
    statistics = run.run()
    # A run in which little happens proves little.
    assert run.invariants.won > 600
    assert len(run.invariants.recreated) > 0
    assert 1 < run.invariants.most_untagged < 30
    assert statistics.clear > 100
    assert statistics.faults > 1000


def test_sixty_candidates_with_ten_contenders_elect_one_leader_at_a_time() -> None:
    run = Simulation(Plan(seed=1, hours=4, candidates=60, contenders=10))
    run.run()
    assert run.invariants.won > 200


def test_run_is_a_function_of_its_plan() -> None:
    one, other = Simulation(Plan(seed=3, hours=1)), Simulation(Plan(seed=3, hours=1))
    assert (one.run(), one.lines()) == (other.run(), other.lines())


def test_failing_run_shows_what_happened_and_how_to_replay_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise Violation("two leaders")

    monkeypatch.setattr(Invariants, "leads", fail)
    with pytest.raises(Violation, match="two leaders") as caught:
        Simulation(Plan(seed=2)).run()
    [trace] = caught.value.__notes__
    assert "LEADS term " in trace
    assert trace.splitlines()[-1] == (
        "replay: python -m tests.verification.simulation --seed 2 --hours 12 --candidates 30"
    )


def quiet(hours: float, *, long_ledger_every: int = 0, **plan: Any) -> Simulation:
    as_planned = {"long_ledger_every": long_ledger_every, "pause_every": hours + 1, **plan}
    return Simulation(Plan(seed=0, hours=hours, faulty_minutes=0, **as_planned))


@cache
def quiet_run(hours: float, candidates: int, contenders: int) -> Simulation:
    run = quiet(hours, candidates=candidates, contenders=contenders)
    run.run()
    return run


def test_every_quiet_tick_is_completed() -> None:
    statistics = quiet_run(8, 30, 3).statistics
    assert statistics.clear == statistics.ticks == 480


def test_lone_warm_candidate_pays_one_request_before_and_two_after_its_work() -> None:
    statistics = quiet_run(4, 1, 1).statistics
    # Term 1 is the one that proves the store (R0), and it has no predecessor to tag.
    assert statistics.campaigns == {("cold", "won", 4): 1, ("current", "won", 1): 239}
    assert statistics.afterwards == {1: 1, 2: 240}


def test_cold_and_current_candidates_pay_what_the_design_says() -> None:
    campaigns = quiet_run(8, 30, 3).statistics.campaigns
    paid = {
        (kind, result): {n for k, r, n in campaigns if (k, r) == (kind, result)}
        for kind, result, _ in campaigns
        if kind in {"cold", "current"} and result != "beaten"
    }
    due = {
        ("cold", "won"): {3, 4},  # four where there is no lock yet
        ("cold", "held"): {2},
        ("cold", "done"): {2},
        ("current", "won"): {1},
        ("current", "held"): {2},
    }
    assert paid == {case: due[case] for case in paid}
    assert paid.keys() >= {("cold", "won"), ("cold", "held"), ("current", "won")}


def test_memory_that_others_have_outrun_costs_at_most_seven_requests() -> None:
    """The remembered leader's lock, a conflict, what it hit, LIST, GET, PUT; one more where another
    was faster meanwhile.
    """
    campaigns = quiet_run(8, 30, 3).statistics.campaigns
    assert max(n for kind, _, n in campaigns if kind == "old") <= 7


@pytest.mark.parametrize(
    ("long_ledger_every", "requests"),
    [
        # The first page, the hint, two pages that follow it, GET, PUT.
        pytest.param(0, 6, id="not expected"),
        pytest.param(1, 5, id="expected"),
    ],
)
def test_thousands_of_locks_do_not_make_a_cold_start_dear(
    long_ledger_every: int, requests: int
) -> None:
    """Nothing is ever deleted here, and a page holds fifty; the hint stands at term 1,000."""
    run = quiet(18, candidates=3, contenders=1, long_ledger_every=long_ledger_every)
    run._drain(run._schedule())
    newcomer = run._new_candidate()
    run.campaign(newcomer, None, 0)
    run._drain(run.now_ms + 800)  # it leads before its work is over
    assert (run.invariants.won, newcomer.requests) == (1081, requests)
