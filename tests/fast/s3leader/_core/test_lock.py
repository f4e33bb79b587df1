"""The lock: its transitions, its name, and the limits of its format."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from s3leader._core.attempts import MAX_NUMBER, MOST_TICKS
from s3leader._core.lock import (
    FORMAT,
    LAST_TERM,
    MAX_BODY,
    MAX_LEASE_MS,
    MAX_REASON,
    MAX_STATE,
    ROOM_TO_SEAL,
    Lock,
    decode_lock,
    lock_name,
    parse_lock_name,
)
from s3leader._core.next_lock import Work, next_lock
from s3leader.errors import CorruptLock, LedgerFull
from tests.fast.s3leader._core.protocol.script import EARLIER, LEASE_MS, SKEW_MS, TICK


def shown(age_ms: int, **facts: Any) -> Lock:
    """A lock as a store showed it, `age_ms` after S3 last modified it."""
    return Lock(term=4, modified_at=TICK, seen_at=TICK + timedelta(milliseconds=age_ms), **facts)


def following(previous: Lock | None, tick: datetime | None = None) -> Lock:
    return next_lock(previous, nonce="n", holder="h", lease_ms=5, work=Work(tick=tick))


@pytest.mark.parametrize(
    ("lock", "lapsed"),
    [
        pytest.param(shown(LEASE_MS + SKEW_MS, lease_ms=LEASE_MS), False, id="at the end"),
        pytest.param(shown(LEASE_MS + SKEW_MS + 1, lease_ms=LEASE_MS), True, id="after the end"),
        pytest.param(shown(SKEW_MS + 1), False, id="the reader's own lease"),
        pytest.param(shown(SKEW_MS + 2), True, id="after the reader's own lease"),
        pytest.param(shown(10**9, expired=True), False, id="sealed"),
        pytest.param(shown(-5_000), False, id="modified after it was shown"),
    ],
)
def test_lock_lapses_strictly_after_its_lease_and_the_allowance(lock: Lock, lapsed: bool) -> None:  # noqa: FBT001 - parametrized
    assert lock.lapsed(lease_ms=1, clock_skew_ms=SKEW_MS) is lapsed


@pytest.mark.parametrize("lock", [Lock(term=4, seen_at=TICK), Lock(term=4, modified_at=TICK)])
def test_lock_that_was_not_read_from_a_store_has_no_age(lock: Lock) -> None:
    with pytest.raises(ValueError, match="lock 4 was not read from a store"):
        lock.age_ms()


def test_renewing_counts_and_changes_the_nonce_and_nothing_else() -> None:
    lock = Lock(term=4, nonce="a", renewals=2, state={"x": 1}, swept=3)
    assert lock.renewed(nonce="b") == Lock(term=4, nonce="b", renewals=3, state={"x": 1}, swept=3)


def test_empty_checkpoint_is_a_checkpoint() -> None:
    assert Lock(term=4, state={"x": 1}).renewed(nonce="b", state={}).state == {}


def test_sealing_sets_the_final_facts_and_cuts_a_long_reason() -> None:
    lock = Lock(term=4, nonce="a", proved=True)
    sealed = lock.seal(nonce="b", outcome="failed", reason="r" * 501, ended_at=TICK)
    assert sealed == Lock(
        term=4,
        expired=True,
        nonce="b",
        proved=True,
        outcome="failed",
        reason="r" * 500,
        ended_at=TICK,
    )


def test_first_term_starts_from_nothing() -> None:
    assert following(None, tick=TICK) == Lock(term=1, nonce="n", holder="h", lease_ms=5, tick=TICK)


def test_next_term_inherits_what_the_ledger_carries_on() -> None:
    carried: dict[str, Any] = {"done": EARLIER, "swept": 2, "proved": True, "state": {"a": 1}}
    previous = Lock(term=4, expired=True, nonce="m", tick=EARLIER, attempt=3, **carried)
    expected = Lock(term=5, nonce="n", holder="h", lease_ms=5, tick=TICK, **carried)
    assert following(previous, tick=TICK) == expected


def test_swept_is_never_inherited_beyond_the_predecessor() -> None:
    assert following(Lock(term=4, expired=True, swept=99)).swept == 4


def test_last_term_can_be_reached_and_none_follows_it() -> None:
    assert following(Lock(term=LAST_TERM - 1)).term == LAST_TERM
    with pytest.raises(LedgerFull, match="9999999999"):
        following(Lock(term=LAST_TERM))


def test_what_is_no_part_of_the_body_makes_no_other_lock() -> None:
    assert Lock(term=1, modified_at=TICK, seen_at=TICK, problem="corrupt") == Lock(term=1)


@pytest.mark.parametrize("term", [1, 42, LAST_TERM])
def test_lock_name_carries_the_term(term: int) -> None:
    assert parse_lock_name(lock_name(term)) == term


@pytest.mark.parametrize(
    "name",
    [
        "lock_0000000000.json",
        "lock_42.json",
        "lock_00000000042.json",
        "lock_0000000042.json\n",
        "xlock_0000000042.json",
        "lock_٠٠٠٠٠٠٠٠٤٢.json",
        "hint.json",
    ],
)
def test_other_names_are_no_locks(name: str) -> None:
    assert parse_lock_name(name) is None


# The limits of the format, and what is on either side of each.


def read(**values: Any) -> Lock:
    return decode_lock(json.dumps(values).encode(), key="k", term=1)


def problem(**values: Any) -> str:
    with pytest.raises(CorruptLock) as caught:
        read(**values)
    return caught.value.problem


def test_limits_are_those_of_the_wire_format() -> None:
    """Another limit in a later version would make one reader's lock another's corrupt one."""
    assert (FORMAT, LAST_TERM, MAX_LEASE_MS) == (1, 9_999_999_999, 86_400_000)
    assert (MAX_BODY, ROOM_TO_SEAL, MAX_STATE, MAX_REASON) == (262_144, 8_192, 237_568, 500)
    assert (MOST_TICKS, MAX_NUMBER) == (64, 1_000_000_000_000)


LEAST = {"format": 1, "term": 1, "lease_ms": 1, "renewals": 0, "attempt": 0, "swept": 0}


@pytest.mark.parametrize(("key", "least"), LEAST.items())
def test_least_number_is_read_and_the_one_below_is_corrupt(key: str, least: int) -> None:
    assert getattr(read(**{key: least}), key, least) == least
    assert problem(**{key: least - 1}) == f"its {key} is {least - 1}, not a number from {least} up"


LARGEST = dict.fromkeys(("renewals", "attempt", "swept"), MAX_NUMBER) | {"lease_ms": MAX_LEASE_MS}


@pytest.mark.parametrize(("key", "largest"), LARGEST.items())
def test_largest_number_is_read_and_the_one_above_is_corrupt(key: str, largest: int) -> None:
    assert getattr(read(**{key: largest}), key) == largest
    assert f"{largest}" in problem(**{key: largest + 1}).partition("and ")[2]


def test_first_attempt_at_another_tick_is_read_and_none_is_corrupt() -> None:
    tick = "2026-11-23T06:00:00Z"
    assert read(attempts={tick: 1}).attempts == {TICK: 1}
    assert "not a number from 1 up" in problem(attempts={tick: 0})


def padded(size: int, **values: Any) -> bytes:
    """A body of exactly `size` bytes as this version writes it."""
    rest = len(Lock(term=1, **values, extra={"pad": ""}).encode())
    return Lock(term=1, **values, extra={"pad": "x" * (size - rest)}).encode()


@pytest.mark.parametrize(
    ("sealed", "most", "says"),
    [(True, MAX_BODY, "is the most"), (False, MAX_BODY - ROOM_TO_SEAL, "no room to seal it")],
)
def test_largest_body_is_read_and_one_byte_more_is_corrupt(
    sealed: bool,  # noqa: FBT001 - parametrized
    most: int,
    says: str,
) -> None:
    assert decode_lock(padded(most, expired=sealed), key="k", term=1).sealed is sealed
    with pytest.raises(CorruptLock, match=says):
        decode_lock(padded(most + 1, expired=sealed), key="k", term=1)


def test_largest_state_is_read_and_one_byte_more_is_corrupt() -> None:
    room = MAX_STATE - len(json.dumps({"a": ""}))
    assert len(read(state={"a": "x" * room}).state["a"]) == room
    assert f"{MAX_STATE} is the most" in problem(state={"a": "x" * (room + 1)})


@pytest.mark.parametrize("letter", ["x", "é", "\x00", "😀", '"'])
def test_longest_reason_fits_into_the_room_that_is_kept(letter: str) -> None:
    lock = decode_lock(padded(MAX_BODY - ROOM_TO_SEAL), key="k", term=1)
    sealed = lock.seal(nonce="n" * 32, outcome="deposed", reason=letter * 10_000)
    assert decode_lock(sealed.encode(), key="k", term=1) == sealed


# Sizes count as this version writes a body: JSON escapes what others may have written shorter.
ROOM = (MAX_BODY - ROOM_TO_SEAL) // 2 - 10
FOREIGN = {
    "text that JSON escapes": json.dumps({"x": "é" * ROOM}, ensure_ascii=False),
    "no spaces": '{"x":[' + ",".join("1" * ROOM) + "]}",
    "short floats": '{"x":[' + "1e15," * (ROOM // 3) + "0]}",
    "largest state": json.dumps(
        {"expired": True, "state": {"x": "😀" * (ROOM // 2)}}, ensure_ascii=False
    ),
}


@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN)
def test_lock_that_could_not_be_sealed_or_inherited_is_corrupt(body: str) -> None:
    with pytest.raises(CorruptLock, match=r"no room to seal it|is the most"):
        decode_lock(body.encode(), key="k", term=1)


def test_value_of_sixty_characters_is_shown_whole_and_one_more_is_cut() -> None:
    assert problem(state="x" * 58) == f'its state is "{"x" * 58}", not a JSON object'
    assert problem(state="x" * 59) == f'its state is "{"x" * 59}…, not a JSON object'


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_number_that_json_cannot_hold_is_not_written(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        Lock(term=1, state={"a": number}).encode()
