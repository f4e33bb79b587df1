"""`max_attempts` bounds the terms of one tick, whatever other ticks are led in between."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from s3leader import CorruptLock, Election, InvalidArgument, Term, testing
from s3leader._core.attempts import MOST_TICKS, attempts_so_far, may_attempt, next_attempt
from s3leader._core.lock import Lock, decode_lock
from s3leader._core.next_lock import Work, next_lock
from s3leader._core.times import to_ms
from s3leader._io.memory_store import MemoryStore
from tests.fast.s3leader._core.protocol.script import EARLIER, TICK

T1, T2, T3 = (TICK - timedelta(minutes=minute) for minute in (3, 2, 1))


def failed(lock: Lock | None, tick: datetime | None, outcome: str = "failed") -> Lock:
    """The sealed lock of the term after `lock`."""
    started = next_lock(lock, nonce="n", holder="h", lease_ms=1000, work=Work(tick=tick))
    return started.seal(nonce="m", outcome=outcome)


def led(election: Election, *ticks: datetime | None) -> Counter[datetime | None]:
    """How many terms each tick got; each term fails."""
    counts: Counter[datetime | None] = Counter()
    for tick in ticks:
        if isinstance(term := election.campaign(tick), Term):
            counts[tick] += 1
            term.resign("failed")
    return counts


def test_two_failing_ticks_that_alternate_each_get_their_attempts_and_no_more() -> None:
    election = testing.election("e", store=MemoryStore(), max_attempts=2)
    assert led(election, *[T1, T2] * 10) == {T1: 2, T2: 2}


def test_three_failing_ticks_in_turn_each_get_their_attempts_and_no_more() -> None:
    election = testing.election("e", store=MemoryStore(), max_attempts=3)
    assert led(election, *[T3, T1, T2] * 10) == {T1: 3, T2: 3, T3: 3}


def test_terms_without_a_tick_in_between_do_not_reset_the_count() -> None:
    election = testing.election("e", store=MemoryStore(), max_attempts=2)
    assert led(election, *[T1, None] * 5) == {T1: 2, None: 5}


def test_candidates_with_and_without_memory_count_alike() -> None:
    store = MemoryStore()
    counts: Counter[datetime | None] = Counter()
    for _ in range(10):
        for tick in (T1, T2):
            counts += led(testing.election("e", store=store, max_attempts=2), tick)
    assert counts == {T1: 2, T2: 2}


def test_deposed_terms_count_as_attempts_though_another_tick_came_between() -> None:
    crashed = next_lock(None, nonce="n", holder="h", lease_ms=1000, work=Work(tick=T1))
    lock = failed(crashed.seal(nonce="m", outcome="deposed"), T2)
    assert next_attempt(lock, T1) == 2


def test_void_win_is_no_attempt_though_another_tick_came_between() -> None:
    void = Lock(term=1, expired=True, tick=T1, attempt=0, outcome="resigned")
    assert next_attempt(failed(void, T2), T1) == 1


def test_attempts_are_forgotten_with_the_tick_once_a_later_one_is_completed() -> None:
    lock = failed(failed(failed(None, T1), T2), T3, "completed")
    assert attempts_so_far(lock).counts == {}


def test_attempts_at_later_ticks_are_kept_when_an_earlier_one_is_completed() -> None:
    lock = failed(failed(None, T3), T1, "completed")
    assert attempts_so_far(lock).counts == {T3: 1}


def test_tick_that_is_led_again_stands_in_the_count_and_not_in_the_table() -> None:
    lock = next_lock(
        failed(failed(None, T1), T2), nonce="n", holder="h", lease_ms=1, work=Work(tick=T1)
    )
    assert (lock.attempt, lock.attempts) == (2, {T2: 1})


def many_failed(count: int) -> Lock:
    lock: Lock | None = None
    for number in range(count):
        lock = failed(lock, EARLIER + timedelta(seconds=number))
    assert lock is not None
    return lock


def test_table_keeps_the_latest_ticks() -> None:
    lock = many_failed(MOST_TICKS + 5)
    assert min(attempts_so_far(lock).counts) == EARLIER + timedelta(seconds=5)
    assert len(attempts_so_far(lock).counts) == MOST_TICKS


@pytest.mark.parametrize(("most", "allowed"), [(2, False), (10**6, False), (None, True)])
def test_tick_whose_attempts_may_have_been_dropped_is_refused(
    most: int | None,
    allowed: bool,  # noqa: FBT001 - parametrized
) -> None:
    assert may_attempt(many_failed(MOST_TICKS + 1), EARLIER, most) is allowed


@pytest.mark.parametrize("count", [MOST_TICKS, MOST_TICKS + 1])
def test_ticks_in_a_full_table_and_later_ones_may_be_led(count: int) -> None:
    lock = many_failed(count)
    ticks = (min(attempts_so_far(lock).counts), max(attempts_so_far(lock).counts), TICK)
    assert [may_attempt(lock, tick, 2) for tick in ticks] == [True, True, True]


def test_tick_older_than_all_in_a_full_table_may_be_led_while_none_was_dropped() -> None:
    assert may_attempt(many_failed(MOST_TICKS), EARLIER - timedelta(hours=1), 1)


def test_tick_later_than_all_that_were_dropped_may_be_led_though_it_is_not_in_the_table() -> None:
    lock = many_failed(MOST_TICKS + 1)
    assert may_attempt(lock, EARLIER + timedelta(milliseconds=1), 1)


def test_latest_of_the_dropped_ticks_is_remembered() -> None:
    assert attempts_so_far(many_failed(MOST_TICKS + 3)).dropped == EARLIER + timedelta(seconds=2)


def test_dropped_ticks_are_forgotten_with_a_completed_tick_that_is_later() -> None:
    lock = failed(many_failed(MOST_TICKS + 1), EARLIER + timedelta(seconds=3), "completed")
    assert attempts_so_far(lock).dropped is None


def test_tick_of_the_future_is_no_attempt_and_takes_no_room() -> None:
    store = MemoryStore(clock_ms=lambda: to_ms(TICK))
    election = testing.election("e", store=store, max_attempts=1)
    for day in range(1, MOST_TICKS + 2):
        with pytest.raises(InvalidArgument, match="ahead"):
            election.campaign(TICK + timedelta(days=day))
    assert isinstance(election.campaign(TICK), Term)


def test_void_first_attempt_leaves_a_lock_that_can_be_read_after_another_tick() -> None:
    void = Lock(term=1, expired=True, tick=T1, attempt=0, outcome="resigned")
    lock = next_lock(void, nonce="n", holder="h", lease_ms=1, work=Work(tick=T2))
    assert decode_lock(lock.encode(), key="k", term=2) == lock


def test_count_of_zero_in_a_body_is_corrupt() -> None:
    body = Lock(term=1, attempts={T1: 1}).encode().replace(b'Z": 1}', b'Z": 0}')
    with pytest.raises(CorruptLock, match="attempts"):
        decode_lock(body, key="k", term=1)


def test_dropped_tick_stays_refused_when_a_tick_of_the_table_is_led_again() -> None:
    lock = many_failed(MOST_TICKS + 1)
    again = failed(lock, min(attempts_so_far(lock).counts))
    assert not may_attempt(again, EARLIER, 2)
    assert not may_attempt(failed(again, None), EARLIER, 2)
