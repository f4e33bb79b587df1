"""Limits that all readers of a ledger must agree on, and attempts that were none."""

from __future__ import annotations

from datetime import timedelta

from s3leader._core.attempts import MAX_NUMBER, MOST_TICKS, Attempts, attempts_so_far
from s3leader._core.lock import Lock, decode_lock
from s3leader._core.next_lock import Work, next_lock
from tests.fast.s3leader._core.protocol.script import TICK


def test_limits_are_those_of_the_wire_format() -> None:
    """Another limit in a later version would make one reader's lock another's corrupt one."""
    assert (MOST_TICKS, MAX_NUMBER) == (64, 1_000_000_000_000)


def test_void_win_is_no_attempt_that_the_table_carries() -> None:
    void = Lock(term=1, tick=TICK, attempt=0).seal(nonce="n", outcome="resigned")
    assert attempts_so_far(void) == Attempts(counts={}, dropped=None)


def test_lock_after_a_void_win_for_another_tick_can_be_read() -> None:
    void = Lock(term=1, tick=TICK, attempt=0).seal(nonce="n", outcome="resigned")
    later = TICK + timedelta(hours=1)
    body = next_lock(void, nonce="m", holder="h", lease_ms=1000, work=Work(tick=later)).encode()
    assert decode_lock(body, key="k", term=2).attempts == {}
