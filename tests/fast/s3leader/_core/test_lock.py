"""The limits of the wire format, and what is on either side of each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from s3leader._core.attempts import MAX_NUMBER
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
)
from s3leader.errors import CorruptLock
from tests.fast.s3leader._core.protocol.script import TICK


def read(term: int = 1, **values: Any) -> Lock:
    return decode_lock(json.dumps(values).encode(), key="k", term=term)


def problem(**values: Any) -> str:
    with pytest.raises(CorruptLock) as caught:
        read(**values)
    return caught.value.problem


def test_limits_are_those_of_the_wire_format() -> None:
    """Another limit in a later version would make one reader's lock another's corrupt one."""
    assert (FORMAT, LAST_TERM, MAX_LEASE_MS) == (1, 9_999_999_999, 86_400_000)
    assert (MAX_BODY, ROOM_TO_SEAL, MAX_STATE, MAX_REASON) == (262_144, 8_192, 237_568, 500)


LEAST = {"format": 1, "lease_ms": 1, "renewals": 0, "attempt": 0, "swept": 0}


def _with(key: str, value: int) -> Lock:
    facts: dict[str, Any] = {key: value}
    return Lock(term=1, **facts)


@pytest.mark.parametrize(("key", "least"), LEAST.items())
def test_least_number_is_read_and_the_one_below_is_corrupt(key: str, least: int) -> None:
    assert read(**{key: least}) == (Lock(term=1) if key == "format" else _with(key, least))
    assert problem(**{key: least - 1}) == f"its {key} is {least - 1}, not a number from {least} up"


def test_first_term_is_read_and_the_one_below_is_corrupt() -> None:
    assert read(term=1).term == 1
    with pytest.raises(CorruptLock, match="its term is 0, not a number from 1 up"):
        decode_lock(b'{"term": 0}', key="k", term=0)


@pytest.mark.parametrize("key", ["renewals", "attempt", "swept"])
def test_largest_number_is_read_and_the_one_above_is_corrupt(key: str) -> None:
    assert getattr(read(**{key: MAX_NUMBER}), key) == MAX_NUMBER
    assert problem(**{key: MAX_NUMBER + 1}).endswith(f"and {MAX_NUMBER} is the most")


def test_first_attempt_at_another_tick_is_read_and_none_is_corrupt() -> None:
    tick = "2026-11-23T06:00:00Z"
    assert list(read(attempts={tick: 1}).attempts.values()) == [1]
    assert "not a number from 1 up" in problem(attempts={tick: 0})


def padded(size: int, **values: Any) -> bytes:
    """A body of exactly `size` bytes as this version writes it."""
    rest = len(Lock(term=1, **values, extra={"pad": ""}).encode())
    return Lock(term=1, **values, extra={"pad": "x" * (size - rest)}).encode()


@pytest.mark.parametrize(("sealed", "most"), [(True, MAX_BODY), (False, MAX_BODY - ROOM_TO_SEAL)])
def test_largest_body_is_read_and_one_byte_more_is_corrupt(sealed: bool, most: int) -> None:  # noqa: FBT001 - parametrized
    assert decode_lock(padded(most, expired=sealed), key="k", term=1).sealed is sealed
    with pytest.raises(CorruptLock):
        decode_lock(padded(most + 1, expired=sealed), key="k", term=1)


def test_largest_state_is_read_and_one_byte_more_is_corrupt() -> None:
    room = MAX_STATE - len(json.dumps({"a": ""}))
    assert len(read(state={"a": "x" * room}).state["a"]) == room
    assert f"{MAX_STATE} is the most" in problem(state={"a": "x" * (room + 1)})


def test_value_of_sixty_characters_is_shown_whole_and_one_more_is_cut() -> None:
    assert problem(state="x" * 58) == f'its state is "{"x" * 58}", not a JSON object'
    assert problem(state="x" * 59) == f'its state is "{"x" * 59}…, not a JSON object'


def test_what_is_no_part_of_the_body_makes_no_other_lock() -> None:
    assert Lock(term=1, modified_at=TICK, seen_at=TICK, problem="corrupt") == Lock(term=1)


@pytest.mark.parametrize("half", [Lock(term=1, seen_at=TICK), Lock(term=1, modified_at=TICK)])
def test_lock_of_which_a_store_showed_half_has_no_age(half: Lock) -> None:
    with pytest.raises(ValueError, match="was not read from a store"):
        half.age_ms()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_number_that_no_reader_takes_is_not_written(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        Lock(term=1, state={"a": number}).encode()
