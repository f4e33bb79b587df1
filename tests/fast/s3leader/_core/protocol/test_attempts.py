"""`max_attempts` limits the terms of one tick, also if other ticks are led in between."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from s3leader import Election, Term, testing
from s3leader._core.attempts import (
    MAX_NUMBER,
    MOST_TICKS,
    Attempts,
    attempts_so_far,
    may_attempt,
    next_attempt,
)
from s3leader._core.lock import Lock, decode_lock
from s3leader._core.next_lock import Work, next_lock
from s3leader._io.memory_store import MemoryStore
from tests.fast.s3leader._core.protocol.script import EARLIER, TICK

T1, T2, T3 = (TICK - timedelta(minutes=minute) for minute in (3, 2, 1))
VOID = Lock(term=1, expired=True, tick=T1, attempt=0, outcome="resigned")


def led_after(lock: Lock | None, tick: datetime | None) -> Lock:
    return next_lock(lock, nonce="n", holder="h", lease_ms=1000, work=Work(tick=tick))


def failed(lock: Lock | None, tick: datetime | None, outcome: str = "failed") -> Lock:
    """The sealed lock of the term after `lock`."""
    return led_after(lock, tick).seal(nonce="m", outcome=outcome)


def many_failed(count: int) -> Lock:
    """The last of `count` terms, each for a tick that is a second later."""
    lock = failed(None, EARLIER)
    for number in range(1, count):
        lock = failed(lock, EARLIER + timedelta(seconds=number))
    return lock


def led(election: Election, *ticks: datetime | None) -> Counter[datetime | None]:
    """How many terms each tick got; each term fails."""
    counts: Counter[datetime | None] = Counter()
    for tick in ticks:
        if isinstance(term := election.campaign(tick), Term):
            counts[tick] += 1
            term.resign("failed")
    return counts


def test_failing_ticks_that_alternate_each_get_their_attempts() -> None:
    election = testing.election("e", store=MemoryStore(), max_attempts=2)
    assert led(election, *[T1, None, T2] * 10) == {T1: 2, T2: 2, None: 10}


def test_candidates_without_memory_count_alike() -> None:
    store = MemoryStore()
    counts: Counter[datetime | None] = Counter()
    for tick in [T1, T2] * 10:
        counts += led(testing.election("e", store=store, max_attempts=2), tick)
    assert counts == {T1: 2, T2: 2}


@pytest.mark.parametrize(
    ("previous", "tick", "attempt"),
    [
        (None, T1, 1),
        (Lock(term=4, tick=T1, attempt=3), T1, 4),
        (Lock(term=4, tick=T1, attempt=3), T2, 1),
        (Lock(term=4, tick=T1, attempt=3), None, 1),
        (Lock(term=4, attempt=3), None, 1),
        (Lock(term=4, attempt=3), T1, 1),
        (Lock(term=4, tick=T1, attempt=MAX_NUMBER), T1, MAX_NUMBER),
        (failed(failed(None, T1, "deposed"), T2), T1, 2),
        (VOID, T1, 1),
        (failed(VOID, T2), T1, 1),
    ],
)
def test_attempt_counts_the_terms_at_one_tick_but_no_void_wins(
    previous: Lock | None, tick: datetime | None, attempt: int
) -> None:
    assert next_attempt(previous, tick) == attempt


@pytest.mark.parametrize(
    ("lock", "counts"),
    [
        pytest.param(failed(failed(failed(None, T1), T2), T3, "completed"), {}, id="later tick"),
        pytest.param(failed(failed(None, T3), T1, "completed"), {T3: 1}, id="earlier tick"),
        pytest.param(VOID, {}, id="void win"),
    ],
)
def test_completed_tick_removes_the_attempts_at_earlier_ones(
    lock: Lock, counts: dict[datetime, int]
) -> None:
    assert attempts_so_far(lock) == Attempts(counts=counts, dropped=None)


def test_tick_that_is_led_again_is_counted_in_attempt_and_not_in_attempts() -> None:
    lock = led_after(failed(failed(None, T1), T2), T1)
    assert (lock.attempt, lock.attempts) == (2, {T2: 1})


def test_lock_after_a_void_win_for_another_tick_can_be_read() -> None:
    lock = led_after(VOID, T2)
    assert decode_lock(lock.encode(), key="k", term=2) == lock


def test_table_keeps_the_latest_ticks_and_the_latest_that_was_dropped() -> None:
    so_far = attempts_so_far(many_failed(MOST_TICKS + 5))
    assert min(so_far.counts) == EARLIER + timedelta(seconds=5)
    assert len(so_far.counts) == MOST_TICKS
    assert so_far.dropped == EARLIER + timedelta(seconds=4)


@pytest.mark.parametrize(("limit", "allowed"), [(10**6, False), (None, True)])
def test_tick_whose_attempts_may_have_been_dropped_is_refused(
    limit: int | None,
    allowed: bool,  # noqa: FBT001 - parametrized
) -> None:
    assert may_attempt(many_failed(MOST_TICKS + 1), EARLIER, limit) is allowed


@pytest.mark.parametrize("count", [MOST_TICKS, MOST_TICKS + 1])
def test_ticks_in_a_full_table_and_later_ones_may_be_led(count: int) -> None:
    lock = many_failed(count)
    ticks = (min(attempts_so_far(lock).counts), max(attempts_so_far(lock).counts), TICK)
    assert [may_attempt(lock, tick, 2) for tick in ticks] == [True, True, True]


def test_tick_earlier_than_a_full_table_may_be_led_while_none_was_dropped() -> None:
    assert may_attempt(many_failed(MOST_TICKS), EARLIER - timedelta(hours=1), 1)


def test_tick_later_than_all_dropped_ones_may_be_led_though_it_is_not_in_the_table() -> None:
    assert may_attempt(many_failed(MOST_TICKS + 1), EARLIER + timedelta(milliseconds=1), 1)


def test_dropped_tick_stays_refused_when_a_tick_of_the_table_is_led_again() -> None:
    lock = many_failed(MOST_TICKS + 1)
    again = failed(lock, min(attempts_so_far(lock).counts))
    assert not may_attempt(again, EARLIER, 2)
    assert not may_attempt(failed(again, None), EARLIER, 2)


def test_dropped_ticks_are_forgotten_once_a_later_tick_is_completed() -> None:
    lock = failed(many_failed(MOST_TICKS + 1), EARLIER + timedelta(seconds=3), "completed")
    assert attempts_so_far(lock).dropped is None
