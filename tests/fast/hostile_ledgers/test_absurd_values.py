"""Values that no candidate writes, in bodies that are otherwise in order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from s3leader import Term
from s3leader._core.lock import MAX_BODY
from tests.fast.hostile_ledgers.ledgers import body, bucket_with, contend, led_on
from tests.fast.s3leader.one_bucket import LATER, TICK, lost, tag, won

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
def test_unreadable_lock_is_unchanged_until_an_operator_seals_it_by_force(text: bytes) -> None:
    bucket = bucket_with({3: body(term=3), 4: text})
    election = bucket.election()
    assert contend(bucket, election) is None
    led_on(bucket, election)


def test_lock_that_replaces_an_unreadable_one_keeps_what_is_done() -> None:
    bucket = bucket_with({3: body(term=3, done="2026-11-23T06:00:00Z"), 4: b"?"})
    election = bucket.election()
    election.depose(reason="unreadable", force=True, done="none")
    assert lost(election.campaign(TICK)).reason == "done"


@pytest.mark.parametrize(
    ("lease_ms", "held_for"), [(86_400_000, timedelta(hours=24)), (1, timedelta(seconds=3))]
)
def test_longest_and_shortest_lease_end_with_their_allowance(
    lease_ms: int, held_for: timedelta
) -> None:
    bucket = bucket_with({4: body(expired=False, lease_ms=lease_ms)})
    bucket.pass_time(held_for)
    assert lost(bucket.election().campaign(TICK)).reason == "held"
    bucket.pass_time(timedelta(seconds=4))
    assert won(bucket.election().campaign(TICK)).number == 5


def test_swept_beyond_the_term_does_not_hide_later_locks_from_the_sweep() -> None:
    bucket = bucket_with({4: body(swept=10**9)})
    election = bucket.election()
    won(election.campaign(TICK)).resign()
    assert bucket.body(5)["swept"] == 4
    won(election.campaign(LATER)).resign()
    assert tag(5) in bucket.asked()


def test_ledger_that_is_done_until_the_year_9999_elects_only_without_a_tick() -> None:
    """What is done is done: only a new name helps."""
    bucket = bucket_with({4: body(done="9999-12-31T23:59:59Z")})
    result = lost(bucket.election().campaign(LATER))
    assert result.reason == "done"
    assert result.lock is not None
    assert str(result.lock.done) == "9999-12-31 23:59:59+00:00"
    assert won(bucket.election().campaign()).number == 5


def test_absurd_number_of_attempts_exhausts_a_tick_and_not_the_next() -> None:
    bucket = bucket_with({4: body(attempt=10**9, tick="2026-11-23T06:00:00Z", outcome="failed")})
    election = bucket.election(max_attempts=3)
    assert lost(election.campaign(TICK)).reason == "exhausted"
    assert won(election.campaign(LATER)).attempt == 1


@pytest.mark.parametrize("depth", [99, 400, 990, 100_000])
def test_nested_state_is_reported_or_inherited(depth: int) -> None:
    head, tail = body(state="HERE").split(b'"HERE"')
    bucket = bucket_with({4: head + b'{"a":' * depth + b"1" + b"}" * depth + tail})
    term = contend(bucket, bucket.election())
    assert isinstance(term, Term) is (depth == 99)
    if isinstance(term, Term):
        term.renew()
        term.resign()
        won(bucket.election().campaign(LATER))
