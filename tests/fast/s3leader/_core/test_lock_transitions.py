"""The lock record: its states, its transitions, its name. No clock, no I/O."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta

import pytest

from s3leader._core.attempts import next_attempt
from s3leader._core.lock import (
    LAST_TERM,
    MAX_REASON,
    Lock,
    lock_name,
    parse_lock_name,
)
from s3leader._core.next_lock import Work, next_lock
from s3leader.errors import LedgerFull

TICK = datetime(2026, 11, 23, 6, tzinfo=UTC)
LEASE_MS, SKEW_MS = 30_000, 3_000


def read_lock(age_ms: int, **facts: object) -> Lock:
    """A lock as a store showed it, `age_ms` after S3 last modified it."""
    seen_at = TICK + timedelta(milliseconds=age_ms)
    return Lock(term=4, modified_at=TICK, seen_at=seen_at, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("age_ms", "lapsed"),
    [(0, False), (LEASE_MS, False), (LEASE_MS + SKEW_MS, False), (LEASE_MS + SKEW_MS + 1, True)],
)
def test_lapsed_is_strictly_more_than_lease_and_skew(age_ms: int, lapsed: bool) -> None:  # noqa: FBT001 - parametrized
    lock = read_lock(age_ms, lease_ms=LEASE_MS)
    assert lock.lapsed(lease_ms=1, clock_skew_ms=SKEW_MS) is lapsed


def test_lock_without_a_lease_has_the_readers() -> None:
    assert read_lock(1_001).left_ms(lease_ms=1_000, clock_skew_ms=0) == -1


def test_sealed_lock_never_lapses() -> None:
    assert not read_lock(10**9, expired=True).lapsed(lease_ms=1, clock_skew_ms=0)


def test_lock_modified_after_it_was_shown_is_young() -> None:
    assert not read_lock(-5_000).lapsed(lease_ms=1, clock_skew_ms=0)


def test_lock_that_no_store_showed_has_no_age() -> None:
    with pytest.raises(ValueError, match="lock 4"):
        Lock(term=4).age_ms()


def test_lock_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Lock(term=4).expired = True  # type: ignore[misc]


def test_renewing_counts_and_changes_the_nonce_and_nothing_else() -> None:
    lock = Lock(term=4, nonce="a", renewals=2, state={"x": 1}, swept=3)
    assert lock.renewed(nonce="b") == Lock(term=4, nonce="b", renewals=3, state={"x": 1}, swept=3)


def test_empty_checkpoint_is_a_checkpoint() -> None:
    assert Lock(term=4, state={"x": 1}).renewed(nonce="b", state={}).state == {}


def test_sealing_sets_the_final_facts() -> None:
    sealed = Lock(term=4, nonce="a").seal(nonce="b", outcome="failed", reason="r", ended_at=TICK)
    assert sealed == Lock(
        term=4, expired=True, nonce="b", outcome="failed", reason="r", ended_at=TICK
    )


def test_sealing_cuts_a_long_reason() -> None:
    reason = Lock(term=4).seal(nonce="b", outcome="failed", reason="x" * 10**6).reason
    assert reason is not None
    assert 0 < len(reason) <= MAX_REASON


def test_term_one_starts_from_nothing() -> None:
    first = next_lock(None, nonce="n", holder="h", lease_ms=5, work=Work(tick=TICK))
    assert first == Lock(term=1, nonce="n", holder="h", lease_ms=5, tick=TICK)


def test_swept_is_never_inherited_beyond_the_predecessor() -> None:
    before = Lock(term=4, expired=True, swept=99)
    assert next_lock(before, nonce="n", holder="h", lease_ms=5, work=Work()).swept == 4


def test_no_term_follows_the_last() -> None:
    with pytest.raises(LedgerFull, match="9999999999"):
        next_lock(Lock(term=LAST_TERM), nonce="n", holder="h", lease_ms=5, work=Work())


def test_last_term_can_be_reached() -> None:
    before = Lock(term=LAST_TERM - 1)
    assert next_lock(before, nonce="n", holder="h", lease_ms=5, work=Work()).term == LAST_TERM


@pytest.mark.parametrize(
    ("previous", "tick", "attempt"),
    [
        (None, TICK, 1),
        (Lock(term=4, tick=TICK, attempt=3), TICK, 4),
        (Lock(term=4, tick=TICK, attempt=0), TICK, 1),
        (Lock(term=4, tick=TICK, attempt=3), TICK + timedelta(hours=1), 1),
        (Lock(term=4, tick=TICK, attempt=3), None, 1),
        (Lock(term=4, attempt=3), None, 1),
        (Lock(term=4, attempt=3), TICK, 1),
    ],
)
def test_attempts_count_terms_in_a_row_at_one_tick(
    previous: Lock | None, tick: datetime | None, attempt: int
) -> None:
    assert next_attempt(previous, tick) == attempt


@pytest.mark.parametrize("term", [1, 42, LAST_TERM])
def test_lock_name_carries_the_term(term: int) -> None:
    assert parse_lock_name(lock_name(term)) == term


@pytest.mark.parametrize(
    "name",
    [
        "",
        "lock_0000000000.json",
        "lock_42.json",
        "lock_00000000042.json",
        "lock_0000000042.json\n",
        "lock_0000000042.json.bak",
        "xlock_0000000042.json",
        "LOCK_0000000042.json",
        "lock_٠٠٠٠٠٠٠٠٤٢.json",
        "lock_-000000042.json",
        "hint.json",
    ],
)
def test_any_other_name_is_no_locks(name: str) -> None:
    assert parse_lock_name(name) is None
