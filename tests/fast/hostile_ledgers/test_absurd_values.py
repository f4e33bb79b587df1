"""Values that no candidate writes, in bodies that are otherwise in order."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from s3leader import CorruptLock, InvalidArgument, NotElected, Term
from s3leader._core.attempts import MAX_NUMBER
from s3leader._core.lock import MAX_BODY
from tests.fast.hostile_ledgers.ledgers import REAL, body, bucket_with, contend, led_on, nested
from tests.fast.s3leader.one_bucket import LATER, TICK, OneBucket, key, tag, won

Result = TypeVar("Result")
UNREADABLE = {
    "lease of zero": body(lease_ms=0),
    "lease below zero": body(lease_ms=-1),
    "lease over a day": body(lease_ms=86_400_001),
    "lease beyond all numbers": body(lease_ms=10**30),
    "lease as text": body(lease_ms="30000"),
    "lease as fraction": body(lease_ms=30_000.0),
    "attempt beyond all numbers": body(attempt=10**30),
    "swept below zero": body(swept=-1),
    "expired as text": body(expired="true"),
    "expired as number": body(expired=1),
    "no time zone": body(done="2026-11-23T06:00:00"),
    "time out of range": body(done="0001-01-01T00:00:00+23:59"),
    "another term's": body(term=5),
    "a later format": body(format=2),
    "state as list": body(state=[]),
    "infinity": body(state={"x": 1}).replace(b'"x": 1', b'"x": 1e999'),
    "NaN": body(state={"x": 1}).replace(b'"x": 1', b'"x": NaN'),
    "a number of 5,000 digits": body(state={"x": 1}).replace(b'"x": 1', b'"x": ' + b"9" * 5000),
    "256 KiB and a byte": body(x="x" * MAX_BODY),
    "1 MiB": body(x="x" * 2**20),
    "1 MiB of brackets": b"[" * 2**20,
    "state without room": body(state={"x": "x" * (MAX_BODY - 3000)}),
    "a page of HTML": b"<html>Service Unavailable</html>",
    "nothing": b"",
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_lock_is_reported_and_left_unchanged(text: bytes) -> None:
    assert contend(*_cold({4: text})) is None


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_operator_gets_an_election_on_from_an_unreadable_lock(text: bytes) -> None:
    bucket, election = _cold({3: body(term=3), 4: text})
    led_on(bucket, election)


def test_forced_seal_of_an_unreadable_lock_keeps_what_is_done() -> None:
    _, election = _cold({3: body(term=3, done="2026-11-23T06:00:00Z"), 4: b"?"})
    election.depose(reason="unreadable", force=True, done="none")
    result = election.campaign(TICK)
    assert isinstance(result, NotElected)
    assert result.reason == "done"


def test_longest_lease_is_waited_for() -> None:
    bucket, election = _cold({4: body(expired=False, lease_ms=86_400_000)})
    bucket.pass_time(timedelta(hours=24))
    assert not contend(bucket, election)
    bucket.pass_time(timedelta(seconds=4))
    assert contend(bucket, election)


def test_shortest_lease_is_waited_for_with_its_allowance() -> None:
    bucket, election = _cold({4: body(expired=False, lease_ms=1)})
    bucket.pass_time(timedelta(seconds=3))
    assert not contend(bucket, election)
    bucket.pass_time(timedelta(seconds=1))
    assert contend(bucket, election)


def test_swept_beyond_the_term_hides_no_lock_from_the_sweep_for_good() -> None:
    bucket, election = _cold({4: body(swept=10**9)})
    term = won(election.campaign(TICK))
    bucket.forget_requests()
    term.resign()
    assert bucket.body(5)["swept"] == 4
    won(election.campaign(LATER)).resign()
    assert tag(5) in bucket.asked()


def test_ledger_that_is_done_until_the_year_9999_elects_nobody_and_says_so() -> None:
    """Somebody wrote it, or led for such a tick. What is done is done: only a new name helps."""
    bucket, election = _cold({4: body(done="9999-12-31T23:59:59Z")})
    result = contend(bucket, election, LATER)
    assert isinstance(result, NotElected)
    assert result.reason == "done"
    assert result.lock is not None
    assert result.lock.done is not None
    assert result.lock.done.year == 9999


def test_ledger_that_is_done_until_the_year_9999_still_elects_without_a_tick() -> None:
    bucket, election = _cold({4: body(done="9999-12-31T23:59:59Z")})
    assert contend(bucket, election, None)


def test_many_attempts_exhaust_a_tick_and_not_the_next() -> None:
    bucket = bucket_with({4: body(attempt=10**9, tick="2026-11-23T06:00:00Z", outcome="failed")})
    election = bucket.election(max_attempts=3)
    result = contend(bucket, election)
    assert isinstance(result, NotElected)
    assert result.reason == "exhausted"
    assert won(election.campaign(LATER)).attempt == 1


def test_most_attempts_that_can_be_read_can_be_counted_on() -> None:
    last = body(attempt=MAX_NUMBER, tick="2026-11-23T06:00:00Z", outcome="failed")
    bucket, election = _cold({4: last})
    result = election.campaign(TICK)
    if result:
        bucket.election().observe()


# ------------------------------------------------------------------------------ deep nesting


@pytest.mark.parametrize("depth", [100, 400, 900, 930, 960, 990, 5000, 100_000])
def test_nested_state_is_reported_or_used(depth: int) -> None:
    head, tail = json.dumps({**REAL, "state": "HERE"}).encode().split(b'"HERE"')
    bucket, election = _cold({4: head + b'{"a":' * depth + b"1" + b"}" * depth + tail})
    term = contend(bucket, election)
    if isinstance(term, Term):
        term.renew()
        term.resign()
        won(bucket.election().campaign(LATER))


def test_state_that_can_be_saved_can_be_read_by_every_candidate() -> None:
    bucket = OneBucket()
    term = won(bucket.election().campaign(TICK))
    try:
        term.save(_deepest(term))
    except InvalidArgument:
        return
    term.resign()
    won(_further_down(100, lambda: bucket.election().campaign(LATER)))


def test_state_that_can_be_saved_does_not_keep_a_leader_from_resigning() -> None:
    bucket = OneBucket()
    term = won(bucket.election().campaign(TICK))
    try:
        term.save(_deepest(term))
    except InvalidArgument:
        return
    _further_down(100, term.resign)


def _deepest(term: Term) -> dict[str, Any]:
    """The deepest state that can be saved from here."""
    for depth in range(sys.getrecursionlimit(), 0, -10):
        try:
            term.save(state := nested(depth))
        except (InvalidArgument, RecursionError):
            continue
        return dict(state)
    raise AssertionError("nothing can be saved")


def _further_down(frames: int, action: Callable[[], Result]) -> Result:
    return action() if frames == 0 else _further_down(frames - 1, action)


def _cold(locks: dict[int, bytes]) -> tuple[OneBucket, Any]:
    bucket = bucket_with(locks)
    return bucket, bucket.election()


def test_keys_are_named_in_full() -> None:
    _, election = _cold({4: b"?"})
    with pytest.raises(CorruptLock, match=key(4)):
        election.observe()
