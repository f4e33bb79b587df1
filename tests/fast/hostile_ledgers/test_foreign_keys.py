"""Objects beside the locks, gaps between them, hints that are wrong, and the last term."""

from __future__ import annotations

import pytest

from s3leader import LedgerFull
from tests.fast.hostile_ledgers.ledgers import body, bucket_with, put, warm
from tests.fast.s3leader.one_bucket import FOLDER, LAPSE, LATER, TICK, key, lost, won

FOREIGN = [
    "lock_x",
    "lock_123.json",
    "lock_00000000010.json",
    "lock_0000000000.json",
    "lock_0000000009.json.bak",
    "lock_0000000009.json/lock_0000000009.json",
    "lock_/0000000009.json",
    "lock_0000000009.JSON",
    "lock_٠٠٠٠٠٠٠٠٠٩.json",
    "lock_0000000009.json\n",
    "lock_ä\u0301😀",
    "lock_~",
    "Lock_0000000009.json",
    "x/lock_0000000009.json",
]
HINTS = [
    b"",
    b"?",
    b"[]",
    b'{"term": "4"}',
    b'{"term": true}',
    b'{"term": -5}',
    b'{"term": 1e300}',
    b'{"term": 9999999999}',
    b'{"term": 10000000000}',
    b'{"term": ' + b"9" * 5000 + b"}",
    b"[" * 100_000,
    b"\xff\xfe{",
    b"x" * 2**20,
]


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_object_is_neither_read_nor_changed(name: str) -> None:
    bucket = bucket_with({3: body(term=3), 4: body()})
    put(bucket, name, b"theirs")
    assert won(bucket.election().campaign(TICK)).number == 5
    assert bucket.store.body(FOLDER + name) == b"theirs"
    assert FOLDER + name not in [getattr(asked, "key", "") for asked in bucket.store.requests]


@pytest.mark.parametrize("locks", [{}, {4: body()}], ids=["no locks", "a lock"])
def test_foreign_objects_on_pages_of_one_are_no_locks(locks: dict[int, bytes]) -> None:
    bucket = bucket_with(locks, page_size=1)
    for name in FOREIGN:
        put(bucket, name, b"theirs")
    assert won(bucket.election().campaign(TICK)).number == max(locks, default=0) + 1


@pytest.mark.parametrize("low", [b"?", body(term=1, expired=False)], ids=["corrupt", "unsealed"])
def test_lock_below_a_gap_is_ignored_and_not_changed(low: bytes) -> None:
    """A stale win (R7), or an intruder's; in both cases it is not the highest."""
    bucket = bucket_with({1: low, 70: body(term=70)})
    bucket.pass_time(LAPSE)
    assert won(bucket.election().campaign(TICK)).number == 71
    assert bucket.store.body(key(1)) == low


def test_remembered_lock_leads_into_a_gap_that_an_intruder_left() -> None:
    """Not guaranteed against: a writer of numbers that it did not win can make two leaders. R1
    rests on the bucket's policy and on permissions; fencing tokens distinguish the two.
    """
    bucket = bucket_with({4: body()})
    election = warm(bucket, 4)
    bucket.write(9, body(term=9, expired=False))
    assert won(election.campaign(TICK)).number == 5
    assert lost(bucket.election().campaign(TICK)).reason == "held"


@pytest.mark.parametrize("hint", HINTS, ids=range(len(HINTS)))
def test_hostile_hint_costs_requests_and_nothing_else(hint: bytes) -> None:
    bucket = bucket_with({term: body(term=term) for term in range(1, 30)}, page_size=5)
    put(bucket, "hint.json", hint)
    assert won(bucket.election().campaign(TICK)).number == 30
    assert len(bucket.store.requests) <= 12


@pytest.mark.parametrize("pointed", range(1, 62))
def test_hint_may_point_anywhere(pointed: int) -> None:
    terms = [*range(1, 20), *range(40, 60)]
    bucket = bucket_with({term: body(term=term) for term in terms}, page_size=4)
    put(bucket, "hint.json", b'{"term": %d}' % pointed)
    assert won(bucket.election().campaign(TICK)).number == 60


LAST = 9_999_999_999


def test_last_term_can_be_led_and_resigned_and_none_follows_it() -> None:
    bucket = bucket_with({LAST - 1: body(term=LAST - 1, swept=LAST - 2)})
    term = won(bucket.election().campaign(TICK))
    term.resign()
    assert (term.number, bucket.body(LAST)["outcome"]) == (LAST, "completed")
    with pytest.raises(LedgerFull, match="new name"):
        bucket.election().campaign(LATER)


def test_last_lock_is_sealed_once_it_has_lapsed() -> None:
    bucket = bucket_with({LAST: body(term=LAST, expired=False)})
    bucket.pass_time(LAPSE)
    with pytest.raises(LedgerFull):
        bucket.election().campaign(TICK)
    assert bucket.body(LAST)["outcome"] == "deposed"
