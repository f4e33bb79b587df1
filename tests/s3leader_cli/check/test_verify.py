"""`s3leader verify` on ledgers that elections wrote, and on the simulation's."""

import json
from datetime import timedelta
from typing import Any

import pytest

from s3leader import testing
from s3leader_cli.check.verify.ledger import Ledger
from s3leader_cli.check.verify.rules import verify
from tests.s3leader_cli.command_line import FIRST, SECOND, TICK, Cli
from tests.verification.simulation.plan import Plan
from tests.verification.simulation.simulation import START_MS, Simulation


def lead_some_terms(cli: Cli) -> None:
    """A failed attempt, a continued one, a crash, and an operator who repeats the tick."""
    cli.lead("c1").resign("failed")
    cli.lead("c2").continue_later({"after": 1})
    cli.lead("c3")
    cli.pass_time(34)
    cli.lead("c4").resign()
    election = cli.election("operator")
    repeated = election.campaign(tick=TICK, repeat="wrong input")
    assert repeated
    repeated.resign()


def verified(cli: Cli) -> tuple[int, dict[str, Any]]:
    code, out, _ = cli.run("verify", "--json")
    return code, json.loads(out)


def edit(cli: Cli, key: str, **facts: object) -> None:
    """Change a lock as no candidate does."""
    cli.store.put(key, json.dumps(json.loads(cli.store.body(key)) | facts).encode())


def test_a_ledger_with_every_kind_of_term_holds(cli: Cli) -> None:
    lead_some_terms(cli)
    code, report = verified(cli)
    assert (code, report["result"], report["locks"]) == (0, "holds", 5)
    assert {each["result"] for each in report["rules"]} == {"holds"}


def test_a_ledger_whose_old_locks_are_deleted_holds(cli: Cli) -> None:
    lead_some_terms(cli)
    assert cli.store.expire_superseded()
    code, report = verified(cli)
    assert (code, report["first_term"], report["last_term"]) == (0, 5, 5)


def test_a_broken_rule_exits_with_code_1_and_names_the_term(cli: Cli) -> None:
    lead_some_terms(cli)
    edit(cli, SECOND, expired=False)
    code, report = verified(cli)
    [broken] = [each for each in report["rules"] if each["result"] == "broken"]
    assert (code, report["result"], broken["rule"]) == (1, "broken", "one at a time")
    what = "it is not sealed, and term 3 exists"
    assert broken["findings"] == [{"term": 2, "what": what, "certain": True}]


def test_a_table_says_which_rule_is_broken_where_and_what_no_lock_shows(cli: Cli) -> None:
    lead_some_terms(cli)
    edit(cli, SECOND, expired=False)
    code, out, _ = cli.run("verify")
    assert code == 1
    assert "term 2  it is not sealed, and term 3 exists" in out
    assert "terms whose locks are deleted" in out


def test_a_corrupt_lock_exits_with_code_1(cli: Cli) -> None:
    lead_some_terms(cli)
    cli.store.put(FIRST, b"[]")
    assert verified(cli)[0] == 1


def test_an_election_without_locks_exits_with_code_3(cli: Cli) -> None:
    code, report = verified(cli)
    assert (code, report["result"]) == (3, None)
    code, out, err = cli.run("verify")
    assert (code, out, "is the name right?" in err) == (3, "", True)


def test_terms_that_an_operator_deposed_are_counted(cli: Cli) -> None:
    cli.lead()
    cli.election().depose(reason="it hangs", force=True)
    assert verified(cli)[1]["deposed_by_operators"] == 1


def test_markup_in_a_lock_is_printed_as_it_is(cli: Cli) -> None:
    cli.lead().resign("failed")
    edit(cli, FIRST, outcome="[bold]\x1b[2J")
    assert r"'[bold]\x1b[2J'" in cli.run("verify")[1].replace("\\\\", "\\")


def results(run: Simulation) -> dict[str, str]:
    election = testing.election("e", store=run.bucket._store)
    ledger = Ledger.of(election.history(limit=10**6), election.config.clock_skew)
    return {each.rule: each.result for each in verify(ledger)}


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_a_simulated_bucket_holds_breaks_no_rule(seed: int) -> None:
    """Clocks two seconds apart, deaths, suspensions of days, locks deleted and created anew."""
    run = Simulation(Plan(seed=seed, hours=6))
    step_ms = (run._schedule() - START_MS) // 25
    for moment in range(1, 26):
        run._drain(START_MS + moment * step_ms)
        assert "broken" not in results(run).values()
    assert run.invariants.recreated


def test_a_simulated_bucket_that_keeps_all_locks_holds_in_all_respects() -> None:
    run = Simulation(Plan(seed=4, hours=6))
    run.bucket._expire_later = lambda *_: None  # type: ignore[method-assign]
    run._drain(run._schedule())
    assert set(results(run).values()) == {"holds"}


def test_an_allowance_that_is_too_small_for_the_simulated_clocks_is_noticed() -> None:
    """The rule measures something: S3's clocks are two seconds apart in the simulation."""
    run = Simulation(Plan(seed=4, hours=2))
    run._drain(run._schedule())
    election = testing.election("e", store=run.bucket._store)
    ledger = Ledger.of(election.history(limit=10**6), timedelta(0))
    broken = {each.rule for each in verify(ledger) if each.result == "broken"}
    assert broken & {"one at a time", "numbers"}
