"""What the next term takes over from the one before, and what a void win leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from s3leader._core.lock import Lock
from s3leader._core.next_lock import Work, next_lock, void_lock

TICK = datetime(2026, 11, 23, 6, tzinfo=UTC)
LATER = TICK + timedelta(hours=1)


def third_leg(outcome: str) -> Lock:
    return Lock(term=4, expired=True, outcome=outcome, tick=TICK, leg=3, attempt=2)


@pytest.mark.parametrize(
    ("outcome", "tick", "repeat", "leg"),
    [
        ("continued", TICK, False, 4),
        ("continued", TICK, True, 4),
        ("continued", LATER, False, 1),
        ("failed", TICK, False, 3),
        ("failed", TICK, True, 1),
        ("failed", LATER, False, 1),
        ("completed", TICK, False, 1),
        ("completed", TICK, True, 1),
    ],
)
def test_leg_goes_on_after_a_continued_term_and_stays_after_a_failed_one(
    outcome: str, tick: datetime, leg: int, *, repeat: bool
) -> None:
    assert Work(tick=tick, repeat=repeat).leg_after(third_leg(outcome)) == leg


def test_void_win_on_a_continued_lock_is_continued_in_its_place() -> None:
    work = Work(tick=LATER, repeat=True, repeat_reason="ops")
    previous = third_leg("continued")
    won = next_lock(previous, nonce="n", holder="me", lease_ms=30_000, work=work)
    left, outcome = void_lock(won, previous)
    assert (left.term, left.tick, left.leg, left.attempt) == (5, TICK, 3, 2)
    assert (outcome, left.repeat, left.repeat_reason) == ("continued", False, None)


def test_void_win_on_any_other_lock_is_no_attempt() -> None:
    work = Work(tick=LATER)
    won = next_lock(third_leg("failed"), nonce="n", holder="me", lease_ms=30_000, work=work)
    left, outcome = void_lock(won, third_leg("failed"))
    assert (left.tick, left.attempt, outcome) == (LATER, won.attempt - 1, "resigned")
