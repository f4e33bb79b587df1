"""Attempts and legs are counted on from the term before: ledgers that do and that do not."""

from typing import Any

import pytest

from s3leader import Lock
from tests.s3leader_cli.check.test_verify_rules import at, failed, results, term

RETRY = {"attempt": 2}
VOID = "void: the win was not known before the lease ran out"
BROKEN = {"attempts": "broken"}


def leg(number: int, leg_of_tick: int, **facts: Any) -> Lock:
    """A term that left the rest of the tick of term 1 to the next one."""
    return failed(number, outcome="continued", leg=leg_of_tick, **facts)


@pytest.mark.parametrize(
    ("second", "expected"), [(RETRY, {}), ({}, BROKEN), ({"attempt": 3}, BROKEN)]
)
def test_the_next_attempt_at_a_tick_is_one_more(
    second: dict[str, int], expected: dict[str, str]
) -> None:
    assert results(failed(1), failed(2, **second)) == expected


def test_the_first_term_is_a_first_attempt() -> None:
    assert results(failed(1, **RETRY)) == BROKEN


def test_attempts_at_ticks_in_between_are_kept() -> None:
    other = failed(2, tick=at(2), attempts={at(1): 1})
    assert results(failed(1), other, failed(3, **RETRY, attempts={at(2): 1})) == {}
    assert results(failed(1), other, failed(3, attempts={at(2): 1})) == BROKEN


def test_attempts_at_a_tick_that_left_the_table_are_unknown() -> None:
    full = failed(2, tick=at(2), attempts_dropped=at(1))
    assert results(full, failed(3)) == {}


def test_a_completed_tick_that_is_repeated_counts_from_one() -> None:
    again = term(2, tick=at(1), done=at(1), repeat=True)
    assert results(term(1), again) == {}
    assert results(term(1), term(2, tick=at(1), done=at(1), repeat=True, **RETRY)) == BROKEN


def test_a_continuation_is_the_next_leg_of_the_same_attempt() -> None:
    assert results(leg(1, 1), leg(2, 2), failed(3, leg=3)) == {}
    assert results(leg(1, 1), leg(2, 2, **RETRY)) == BROKEN
    assert results(leg(1, 1), leg(2, 1)) == BROKEN


def test_a_retry_keeps_the_leg() -> None:
    assert results(leg(1, 1), failed(2, leg=2), failed(3, leg=2, **RETRY)) == {}
    assert results(leg(1, 1), failed(2, leg=2), failed(3, leg=1, **RETRY)) == BROKEN


def test_a_repeat_begins_with_the_leg_that_its_event_names() -> None:
    repeat = {"done": at(1), "repeat": True}
    assert results(term(1), failed(2, leg=4, **repeat), failed(3, **repeat)) == {}


def test_a_void_win_counts_as_no_attempt() -> None:
    void = failed(2, outcome="resigned", reason=VOID)
    assert results(failed(1), void, failed(3, **RETRY)) == {}
    assert results(failed(1), failed(2, outcome="resigned", reason=VOID, **RETRY)) == BROKEN


def test_a_void_win_on_a_continued_term_leaves_its_leg_open() -> None:
    void = leg(2, 1, reason=VOID)
    assert results(leg(1, 1), void, failed(3, leg=2)) == {}
    assert results(leg(1, 1), leg(2, 2, reason=VOID)) == BROKEN


def test_terms_without_a_tick_have_no_attempts() -> None:
    assert results(failed(1, tick=None), failed(2, tick=None)) == {}


def test_nothing_follows_on_a_deleted_lock() -> None:
    assert results(failed(1), failed(9, attempt=5)) == {}
