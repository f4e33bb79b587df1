"""Objects beside the locks, gaps between them, and hints that lie."""

from __future__ import annotations

import pytest

from s3leader import CorruptLock, LedgerFull, NotElected, Term
from s3leader._core.requests import Create
from s3leader._io.memory_store import MemoryStore
from tests.fast.hostile_ledgers.ledgers import body, bucket_with, contend, put, warm
from tests.fast.s3leader.one_bucket import FOLDER, LAPSE, LATER, TICK, OneBucket, key, won

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


@pytest.fixture
def bucket() -> OneBucket:
    return bucket_with({3: body(term=3), 4: body()})


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_object_is_neither_read_nor_changed(bucket: OneBucket, name: str) -> None:
    put(bucket, name, b"theirs")
    assert won(bucket.election().campaign(TICK)).number == 5
    assert bucket.store.body(FOLDER + name) == b"theirs"
    assert FOLDER + name not in [getattr(asked, "key", "") for asked in bucket.store.requests]


def test_all_foreign_objects_together_on_pages_of_one(bucket: OneBucket) -> None:
    small = _paged(bucket, 1)
    for name in FOREIGN:
        put(small, name, b"theirs")
    assert won(small.election().campaign(TICK)).number == 5


def test_foreign_objects_alone_are_no_ledger() -> None:
    bucket = OneBucket()
    for name in FOREIGN:
        put(bucket, name, b"theirs")
    assert won(bucket.election().campaign(TICK)).number == 1


# --------------------------------------------------------------------------------------- gaps


def test_gap_below_the_highest_lock_is_nothing_special() -> None:
    bucket = bucket_with({1: body(term=1), 70: body(term=70)})
    assert won(bucket.election().campaign(TICK)).number == 71


def test_highest_of_two_ranges_is_the_highest_on_every_size_of_page() -> None:
    ranges = [*range(1, 30), *range(5000, 5030)]
    for size in (1, 2, 7, 29, 30, 58, 59):
        bucket = _paged(bucket_with({term: body(term=term) for term in ranges}), size)
        assert won(bucket.election().campaign(TICK)).number == 5030


def test_unsealed_lock_below_a_gap_is_not_touched() -> None:
    """Somebody's stale win (R7), or an intruder's; either way it is not the highest."""
    held = body(term=1, expired=False)
    bucket = bucket_with({1: held, 70: body(term=70)})
    bucket.pass_time(LAPSE)
    won(bucket.election().campaign(TICK))
    assert bucket.store.body(key(1)) == held


def test_unreadable_lock_below_a_gap_hinders_nobody() -> None:
    bucket = bucket_with({1: b"?", 70: body(term=70)})
    assert won(bucket.election().campaign(TICK)).number == 71


def test_remembered_lock_leads_into_a_gap_that_an_intruder_left() -> None:
    """Not guaranteed against: who writes numbers that he did not win can make two leaders. R1
    rests on the bucket's policy and on rights; fencing tokens tell the two apart.
    """
    bucket = bucket_with({4: body()})
    election = warm(bucket, 4)
    bucket.write(9, body(term=9, expired=False))
    assert won(election.campaign(TICK)).number == 5
    cold = bucket.election().campaign(TICK)
    assert isinstance(cold, NotElected)
    assert cold.reason == "held"


def test_line_that_leads_into_a_gap_ends_where_the_intruder_stands() -> None:
    bucket = bucket_with({4: body()})
    election = warm(bucket, 4)
    bucket.write(6, body(term=6, expired=False))
    won(election.campaign(TICK)).resign("resigned")
    assert isinstance(election.campaign(LATER), NotElected)


# --------------------------------------------------------------------------------------- hint


@pytest.mark.parametrize("hint", HINTS, ids=range(len(HINTS)))
def test_hostile_hint_costs_requests_and_nothing_else(hint: bytes) -> None:
    bucket = _paged(bucket_with({term: body(term=term) for term in range(1, 30)}), 5)
    put(bucket, "hint.json", hint)
    assert won(bucket.election().campaign(TICK)).number == 30
    assert len(bucket.store.requests) <= 12


@pytest.mark.parametrize("hint", HINTS, ids=range(len(HINTS)))
def test_hostile_hint_does_not_keep_a_leader_from_resigning(hint: bytes) -> None:
    bucket = bucket_with({499: body(term=499, swept=498)})
    put(bucket, "hint.json", hint)
    term = won(bucket.election().campaign(TICK))
    term.resign()
    assert term.outcome == "completed"


@pytest.mark.parametrize("pointed", range(1, 62))
def test_hint_may_point_anywhere(pointed: int) -> None:
    terms = [*range(1, 20), *range(40, 60)]
    bucket = _paged(bucket_with({term: body(term=term) for term in terms}), 4)
    put(bucket, "hint.json", b'{"term": %d}' % pointed)
    assert won(bucket.election().campaign(TICK)).number == 60


# ----------------------------------------------------------------------------- the last terms

LAST = 9_999_999_999


def test_last_term_can_be_led_and_resigned() -> None:
    bucket = bucket_with({LAST - 1: body(term=LAST - 1, swept=LAST - 2)})
    term = won(bucket.election().campaign(TICK))
    term.resign()
    assert (term.number, bucket.body(LAST)["outcome"]) == (LAST, "completed")


def test_after_the_last_term_there_is_a_clear_error() -> None:
    bucket = bucket_with({LAST: body(term=LAST)})
    with pytest.raises(LedgerFull, match="new name"):
        bucket.election().campaign(TICK)


def test_last_lock_that_is_held_is_waited_for() -> None:
    bucket = bucket_with({LAST: body(term=LAST, expired=False)})
    result = contend(bucket, bucket.election())
    assert isinstance(result, NotElected)


def test_last_lock_that_lapsed_is_sealed_and_then_the_ledger_is_full() -> None:
    bucket = bucket_with({LAST: body(term=LAST, expired=False)})
    bucket.pass_time(LAPSE)
    with pytest.raises(LedgerFull):
        bucket.election().campaign(TICK)
    assert bucket.body(LAST)["outcome"] == "deposed"


def test_corrupt_last_lock_is_reported() -> None:
    bucket = bucket_with({LAST: b"?"})
    with pytest.raises(CorruptLock, match="9999999999"):
        bucket.election().campaign(TICK)


def test_absurd_swept_of_a_high_term_costs_fifty_tags_at_most() -> None:
    bucket = bucket_with({LAST - 1: body(term=LAST - 1, swept=0)})
    term = won(bucket.election().campaign(TICK))
    bucket.forget_requests()
    term.resign()
    assert len(bucket.store.requests) == 51


def _paged(bucket: OneBucket, size: int) -> OneBucket:
    """The same bucket, which answers a LIST with `size` keys a page."""
    small = OneBucket()
    small.store = MemoryStore(clock_ms=lambda: small.ms, page_size=size)
    names = bucket.store.keys()
    for name in names:
        small.store.perform(Create(name, bucket.store.body(name)))
    small.forget_requests()
    return small


def test_paged_ledger_is_walked_to_its_end() -> None:
    bucket = _paged(bucket_with({term: body(term=term) for term in range(1, 30)}), 3)
    assert isinstance(bucket.election().campaign(TICK), Term)
