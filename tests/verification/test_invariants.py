"""Small histories, each with one thing wrong in it, and the same without."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.verification.invariants import checks

Log = list[dict[str, Any]]


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


def read(at: int, value: int) -> Log:
    return log("judge", (at, "reads the counter", {}), (at + 1, "has read", {"value": value}))


def broken(*logs: Log, clocks_hold: bool = True) -> list[str]:
    events = [event for one in logs for event in one]
    return [one.claim for one in checks(events, clocks_hold=clocks_hold) if not one.holds]


def test_an_election_that_keeps_its_promises_is_not_accused() -> None:
    assert (
        broken(
            led("a", 10, 1, "t1", 20),
            lost("b", 15, term=1),
            lost("b", 24, why="done", term=1, done="t1"),
            led("b", 40, 2, "t2", 50),
            added("a", 12, 14, 1, 1),
            added("b", 42, 44, 2, 2),
            read(60, 2),
        )
        == []
    )


def test_two_leaders_at_a_time_are_found() -> None:
    assert broken(led("a", 10, 1, "t1", 30), led("b", 29, 2, "t2", 40)) == [
        "no two of 2 reigns overlap"
    ]


def test_two_leaders_at_a_time_are_expected_where_clocks_are_wrong() -> None:
    logs = led("a", 10, 1, "t1", 30), led("b", 29, 2, "t2", 40)
    assert broken(*logs, clocks_hold=False) == []


def test_a_renewed_lease_is_led_to_its_new_end() -> None:
    renewed = log("a", (18, "leads", {"term": 1, "until": 60}))
    first = led("a", 10, 1, "t1", 20)[:2]
    assert broken(first, led("b", 50, 2, "t2", 70)) == []
    assert broken(first, renewed, led("b", 50, 2, "t2", 70)) == ["no two of 2 reigns overlap"]


def test_a_leader_that_begins_to_resign_leads_no_more() -> None:
    early = led("a", 10, 1, "t1", 60)[:2] + log("a", (20, "ends", {"term": 1}))
    assert broken(early, led("b", 30, 2, "t2", 70)) == []


def test_the_longest_reign_so_far_counts() -> None:
    short = led("b", 12, 2, "t2", 14)
    logs = led("a", 10, 1, "t1", 40) + short + led("c", 30, 3, "t3", 50)
    assert len(next(checks(logs)).objections) == 2


def test_reigns_that_meet_do_not_overlap() -> None:
    assert broken(led("a", 10, 1, "t1", 30), led("b", 30, 2, "t2", 40)) == []


def test_a_reign_with_a_lower_number_is_found_though_its_campaign_began_first() -> None:
    late = led("b", 40, 2, "t1", 50)
    late[0]["at"] = 1
    assert broken(led("a", 10, 3, "t2", 20)[:2], late) == [
        "each reign's term is higher than all before it"
    ]


def test_the_order_in_which_logs_are_read_does_not_matter() -> None:
    logs = led("a", 10, 1, "t1", 20), led("b", 40, 2, "t1", 50), lost("a", 60, term=2)
    assert broken(*(one[::-1] for one in logs[::-1])) == broken(*logs)


def test_an_overlap_is_reported_with_its_length() -> None:
    logs = led("a", 10, 1, "t1", 3_000_010) + led("b", 1_000_010, 2, "t2", 4_000_010)
    assert next(checks(logs)).objections == ("b led term 2 2 ms before a's term 1 was over",)


@pytest.mark.parametrize(("wrong", "shown"), [(5, 5), (6, 6), (9, 6)])
def test_no_more_than_five_objections_are_shown(wrong: int, shown: int) -> None:
    logs = [event for n in range(wrong) for event in lost(f"c{n}", 10, mine=True, term=99)]
    [check] = [one for one in checks(logs) if one.claim == HOLDS]
    assert len(check.objections) == shown
    assert (check.objections[-1] == f"and {wrong - 5} more") is (wrong > 5)


def test_logs_of_a_folder_are_judged(tmp_path: Path) -> None:
    logs = {"a": led("a", 10, 1, "t1", 30), "b": led("b", 29, 2, "t2", 40)}
    for who, events in logs.items():
        (tmp_path / f"{who}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in events))
    command = [sys.executable, "-m", "tests.verification.invariants", str(tmp_path)]
    ran = [
        subprocess.run([*command, *more], check=False, capture_output=True, text=True)
        for more in ((), ("--clocks", "wrong"))
    ]
    assert [one.returncode for one in ran] == [1, 0]
    assert "FAILS  no two of 2 reigns overlap" in ran[0].stdout


def test_a_leader_that_was_killed_leads_no_more() -> None:
    killed = log("processes", (15, "kills", {"whom": "a"}))
    first = led("a", 10, 1, "t1", 30)[:2]
    assert broken(first, killed, led("b", 20, 2, "t2", 40)) == []


def test_a_number_that_is_won_twice_is_found() -> None:
    found = broken(led("a", 10, 3, "t1", 20), led("b", 12, 3, "t2", 40), clocks_hold=False)
    assert found == ["none of 1 term numbers is won twice"]


def test_a_number_that_is_won_again_later_is_found() -> None:
    assert broken(led("a", 10, 3, "t1", 20), led("b", 40, 3, "t2", 50)) == [
        "each reign's term is higher than all before it",
        "none of 1 term numbers is won twice",
        "a campaign that begins after a win wins a higher number",
    ]


def test_a_number_that_goes_back_is_found() -> None:
    found = broken(led("a", 10, 3, "t2", 20), led("b", 40, 2, "t1", 50), clocks_hold=False)
    assert found == ["a campaign that begins after a win wins a higher number"]


def test_a_tick_that_is_completed_twice_is_found() -> None:
    assert broken(led("a", 10, 1, "t1", 20), led("b", 40, 2, "t1", 50)) == [
        "none of 1 ticks is completed twice",
        "after a leader has completed a tick, no later term is led for it",
    ]


def test_a_later_term_for_an_earlier_tick_is_found() -> None:
    assert broken(led("a", 10, 1, "t2", 20), led("b", 40, 2, "t1", 50)) == [
        "after a leader has completed a tick, no later term is led for it"
    ]


DONE = "a tick reported as done was completed by a leader whose term did not report a loss"


@pytest.mark.parametrize(
    ("ending", "claims"), [("lost", [DONE]), ("left open", []), ("completed", []), (None, [])]
)
def test_a_tick_is_done_only_if_its_leader_did_not_report_a_loss(
    ending: str | None, claims: list[str]
) -> None:
    leader = led("a", 10, 1, "t1", 20)[:3]
    if ending is not None:
        leader += log("a", (21, ending, {"term": 1, "tick": "t1"}))
    assert broken(leader, lost("b", 40, why="done", term=1, done="t1")) == claims


HOLDS = "no candidate whose campaign reported a loss holds the lock"


def test_a_loser_that_holds_the_lock_is_found() -> None:
    assert broken(lost("a", 10, term=1, mine=True)) == [HOLDS]


def test_a_loser_may_meet_the_lock_that_it_could_not_seal() -> None:
    left_open = led("a", 10, 1, "t1", 20)[:3] + log("a", (21, "left open", {"term": 1}))
    assert broken(left_open, lost("a", 40, term=1, mine=True)) == []


def test_a_loser_may_meet_a_lock_whose_creation_it_never_learned_of() -> None:
    unknown = log("a", (1, "campaigns", {"tick": "t1"}), (5, "finds no S3", {}))
    assert broken(unknown, lost("a", 40, term=1, mine=True)) == []
    assert broken(unknown, lost("b", 40, term=1, mine=True)) == [HOLDS]


# -------------------------------------------------------------------------------------- effects


def test_a_lower_token_that_is_taken_after_a_higher_one_is_found() -> None:
    assert broken(added("a", 10, 12, 2, 1), added("b", 13, 15, 1, 2), read(20, 2)) == [
        "none of 2 confirmed effects began after one with a higher token was confirmed"
    ]


def test_a_lower_token_that_began_earlier_is_in_order() -> None:
    assert broken(added("a", 10, 12, 2, 2), added("b", 11, 15, 1, 1), read(20, 2)) == []


def test_effects_under_one_token_are_in_order() -> None:
    assert broken(added("a", 10, 12, 2, 1), added("a", 13, 15, 2, 2), read(20, 2)) == []


def test_a_lower_token_is_compared_with_the_highest_before_it() -> None:
    logs = added("a", 10, 12, 1, 1), added("b", 13, 15, 3, 2), added("c", 16, 18, 2, 3)
    assert broken(*logs, read(20, 3)) == [
        "none of 3 confirmed effects began after one with a higher token was confirmed"
    ]


LINEAR = "confirmed increments and the last value are linearizable"


def linear(*logs: Log) -> bool:
    return not any(LINEAR in claim for claim in broken(*logs))


def test_a_lost_increment_is_found() -> None:
    assert not linear(added("a", 10, 12, 1, 1), added("b", 13, 15, 2, 2), read(20, 1))


def test_two_increments_to_one_value_are_found() -> None:
    assert not linear(added("a", 10, 12, 1, 1), added("b", 11, 15, 1, 1), read(20, 1))


def test_an_increment_that_nobody_made_is_found() -> None:
    assert not linear(added("a", 10, 12, 1, 1), read(20, 2))


def test_values_that_go_back_in_real_time_are_found() -> None:
    assert not linear(added("a", 10, 12, 1, 2), added("b", 13, 15, 2, 1), read(20, 2))
    assert linear(added("a", 10, 14, 1, 2), added("b", 13, 15, 2, 1), read(20, 2))


def test_an_increment_of_unknown_outcome_may_have_taken_effect_or_not() -> None:
    logs = added("a", 10, 12, 1, None), added("b", 13, 15, 2, 1)
    assert linear(*logs, read(20, 1))
    logs = added("a", 10, 12, 1, None), added("b", 13, 15, 2, 2)
    assert linear(*logs, read(20, 2))


def test_an_increment_cannot_take_effect_before_it_began() -> None:
    assert not linear(added("b", 13, 15, 2, 2), added("a", 16, 18, 1, None), read(20, 2))


def test_each_increment_of_unknown_outcome_makes_one_value_at_most() -> None:
    logs = added("a", 1, 2, 1, None), added("b", 13, 15, 2, 3)
    assert not linear(*logs, read(20, 3))
    assert linear(*logs, added("c", 3, 4, 2, None), read(20, 3))


def test_a_counter_that_nobody_touched_stands_at_zero() -> None:
    assert linear(read(20, 0))


def test_the_judge_knows_nothing_of_the_library() -> None:
    program = "import tests.verification.invariants, sys; sys.exit('s3leader' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
