"""Each rule of `verify`, on a ledger that breaks it and on the nearest one that does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from s3leader import Lock
from s3leader_cli.check.verify.ledger import Ledger
from s3leader_cli.check.verify.rules import verify

START = datetime(2026, 11, 23, 6, tzinfo=UTC)
LATE = "void: the proof that this number was next is too old"


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def term(number: int, **facts: Any) -> Lock:
    """The lock of a term that completed the tick of its minute, ten seconds after it began."""
    began, tick = at(number), at(number)
    usual: dict[str, Any] = {
        "term": number,
        "expired": True,
        "nonce": f"n{number}",
        "holder": f"c{number}",
        "outcome": "completed",
        "tick": tick,
        "done": tick,
        "swept": number - 1,
        "started_at": began,
        "ended_at": began + timedelta(seconds=10),
        "modified_at": began + timedelta(seconds=10),
        "seen_at": at(60),
    }
    return Lock(**usual | facts)


def failed(number: int, **facts: Any) -> Lock:
    """A term that worked for the tick of term 1, and did not complete it."""
    return term(number, **{"outcome": "failed", "tick": at(1), "done": None} | facts)


def results(*locks: Lock) -> dict[str, str]:
    """The rules that do not hold."""
    verdicts = verify(Ledger.of(locks, timedelta(seconds=3)))
    return {each.rule: each.result for each in verdicts if each.result != "holds"}


def what(*locks: Lock) -> str:
    verdicts = verify(Ledger.of(locks, timedelta(seconds=3)))
    return "; ".join(found.what for each in verdicts for found in each.findings)


def test_terms_that_follow_one_another_break_no_rule() -> None:
    assert results(*[term(number) for number in range(1, 30)]) == {}


def test_each_rule_says_how_much_it_checked() -> None:
    verdicts = verify(Ledger.of([term(1), term(2), term(3)], timedelta(seconds=3)))
    checked = {each.rule: each.checked for each in verdicts}
    assert (checked["readable"], checked["one at a time"], checked["attempts"]) == (3, 2, 2)


def test_a_corrupt_lock_is_broken() -> None:
    corrupt = Lock(term=2, problem="expected a JSON object, got []")
    assert results(term(1), corrupt, term(3)) == {"readable": "broken"}


# ------------------------------------------------------------------------------------ numbers


def test_numbers_up_to_swept_may_be_missing() -> None:
    assert results(term(1), term(7, swept=5), term(8)) == {}


def test_a_number_that_no_lock_says_is_tagged_may_not_be_missing() -> None:
    locks = [term(1, swept=0), term(7, swept=2), term(8, swept=2)]
    assert results(*locks) == {"numbers": "broken"}
    assert "locks 3 to 6 are missing" in what(*locks)


def test_an_old_gap_may_be_that_of_a_leader_that_died_while_it_resigned() -> None:
    old = [term(5, swept=3, seen_at=at(4000)), term(7, swept=3, seen_at=at(4000))]
    assert results(*old) == {"numbers": "unclear"}


def test_a_void_win_on_an_old_number_breaks_no_rule() -> None:
    again = term(3, started_at=at(40), modified_at=at(41), outcome="resigned", reason=LATE)
    assert results(again, term(20), term(21)) == {}


def test_a_void_win_on_an_old_number_may_come_with_the_next_term() -> None:
    """After days of silence, candidates that remember different terms start at one tick."""
    late = at(20) + timedelta(seconds=9)
    again = term(3, started_at=at(20), modified_at=late, outcome="resigned", reason=LATE)
    assert results(again, term(20), term(21)) == {}


def test_a_win_on_an_old_number_that_is_not_void_is_broken() -> None:
    again = term(3, started_at=at(40), ended_at=at(41), modified_at=at(41))
    assert results(again, term(20), term(21)) == {"numbers": "broken"}


def test_an_old_number_whose_lock_was_never_sealed_is_unclear() -> None:
    again = term(3, expired=False, outcome=None, started_at=at(40), modified_at=at(40))
    assert results(again, term(20), term(21)) == {"numbers": "unclear"}


# ------------------------------------------------------------------------------ one at a time


@pytest.mark.parametrize(("overlap", "expected"), [(3, {}), (4, {"one at a time": "broken"})])
def test_a_term_ends_before_the_next_begins_but_for_the_allowance(
    overlap: int, expected: dict[str, str]
) -> None:
    end = at(2) + timedelta(seconds=overlap)
    assert results(term(1, ended_at=end, modified_at=end), term(2)) == expected


def test_the_time_of_the_last_write_counts_and_not_the_one_that_its_writer_gave() -> None:
    late = term(1, modified_at=at(2) + timedelta(seconds=4))
    assert results(late, term(2)) == {"one at a time": "broken"}


def test_a_lock_that_is_not_sealed_may_only_be_the_highest() -> None:
    unsealed = term(2, expired=False, outcome=None, done=at(1))
    assert results(term(1), unsealed) == {}
    assert results(term(1), unsealed, term(3)) == {"one at a time": "broken"}


def test_copied_locks_are_judged_by_the_times_in_them() -> None:
    copied = [replace(each, modified_at=at(9999)) for each in (term(1), term(2), term(3))]
    assert results(*copied) == {"one at a time": "unclear"}
    late = replace(copied[0], ended_at=at(3))
    assert results(late, *copied[1:]) == {"one at a time": "broken"}


def test_locks_without_times_are_unclear() -> None:
    timeless = term(1, ended_at=None, modified_at=None)
    assert results(timeless, term(2)) == {"one at a time": "unclear"}


# ------------------------------------------------------------------------------ once per tick


def test_a_tick_may_be_completed_once() -> None:
    again = term(2, tick=at(1), done=at(1))
    assert results(term(1), again)["once per tick"] == "broken"


def test_an_operator_may_repeat_a_tick() -> None:
    again = term(2, tick=at(1), done=at(1), repeat=True, repeat_reason="wrong input")
    assert results(term(1), again) == {}


def test_no_term_may_be_led_for_a_tick_before_one_that_is_done() -> None:
    assert results(term(1), term(2, tick=at(0), done=at(1)))["once per tick"] == "broken"


def test_no_term_may_be_led_for_a_tick_that_a_deleted_term_completed() -> None:
    late = failed(9, tick=at(4), done=at(4))
    assert results(late) == {"once per tick": "broken"}


# -------------------------------------------------------------------------------------- done


def test_done_may_not_fall() -> None:
    assert results(term(1), term(2), failed(3, tick=at(3), done=at(1))) == {"done": "broken"}


def test_done_may_not_be_forgotten() -> None:
    assert results(term(1), failed(2, tick=None)) == {"done": "broken"}


def test_done_may_not_fall_across_a_gap() -> None:
    assert results(term(3), failed(9, tick=at(9), done=at(1))) == {"done": "broken"}


def test_a_completed_term_records_its_tick() -> None:
    assert results(term(1, done=None)) == {"done": "broken"}


def test_done_moves_with_a_completed_term_only() -> None:
    assert results(term(1), failed(2, tick=at(3), done=at(2))) == {"done": "broken"}


def test_an_operator_says_what_was_done_in_place_of_a_corrupt_lock() -> None:
    sealed = term(2, outcome="deposed", tick=None, done=at(5), extra={"corrupt_body": "[]"})
    assert results(term(1), sealed) == {}


# ------------------------------------------------------------------------- swept and outcome


def test_swept_may_not_reach_the_lock_itself() -> None:
    assert results(term(1, swept=1), term(2)) == {"swept": "broken"}


def test_swept_may_not_fall() -> None:
    assert results(term(1), term(2), term(3, swept=0)) == {"swept": "broken"}


def test_a_sealed_lock_has_an_outcome() -> None:
    assert results(failed(1, outcome=None)) == {"outcome": "broken"}


def test_locks_of_the_original_scheme_have_none() -> None:
    plain = failed(1, outcome=None, nonce=None, holder=None, tick=None)
    assert results(plain) == {"outcome": "unclear"}


def test_an_unknown_outcome_is_unclear() -> None:
    assert results(failed(1, outcome="paused")) == {"outcome": "unclear"}
