"""Slots: who takes which, who is counted, and what it costs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from s3leader import BucketUnusable, StoreUnavailable, Term, testing
from s3leader._core.requests import Create, List, Replace
from s3leader._io.memory_store import Fault, MemoryStore
from s3leader._partitions.members import Members
from s3leader.testing import FakeClock


class Bucket:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(clock_ms=self.clock.read_ms)

    def member(self, *, limit: int | None = None, slots: int = 4) -> Members:
        elections = [
            testing.election(f"group/member-{slot:03}", store=self.store, clock=self.clock)
            for slot in range(slots)
        ]
        return Members(elections, limit)

    def joined(self, *, limit: int | None = None, slots: int = 4) -> Members:
        member = self.member(limit=limit, slots=slots)
        assert member.join()
        return member

    def advance(self, seconds: float, *alive: Members) -> None:
        """Let time pass, while some renew."""
        for _ in range(round(seconds / 10)):
            self.clock.advance(timedelta(seconds=10))
            for one in alive:
                one.renew()


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


def test_workers_take_the_lowest_vacant_slots_and_see_each_other(bucket: Bucket) -> None:
    members = [bucket.joined() for _ in range(3)]
    assert [one.slot for one in members] == [0, 1, 2]
    members[1].leave("test")
    assert [one.slot for one in (*members, bucket.joined())] == [0, None, 2, 1]
    assert {*members[0].read()} == {*members[2].read()} == {0, 1, 2}


def test_a_group_that_is_full_has_no_slot(bucket: Bucket) -> None:
    first = bucket.joined(slots=1)
    assert (bucket.member(slots=1).join(), first.slot) == (False, 0)


def test_a_dead_worker_is_counted_until_its_lease_and_the_allowance_are_over(
    bucket: Bucket,
) -> None:
    alive, _ = bucket.joined(), bucket.joined()
    bucket.advance(30, alive)
    assert ({*alive.read()}, alive.next_lapse_ms) == ({0, 1}, 3000)
    bucket.clock.advance(timedelta(seconds=3))
    assert ({*alive.read()}, alive.next_lapse_ms) == ({0, 1}, 0)
    bucket.clock.advance(timedelta(seconds=1))
    assert ({*alive.read()}, alive.next_lapse_ms) == ({0}, None)


def test_a_worker_that_has_lost_its_slot_comes_back_to_it(bucket: Bucket) -> None:
    bucket.joined()
    member = bucket.joined()
    bucket.advance(600)
    assert (member.slot, member.join(), member.slot) == (None, True, 1)


def test_a_worker_that_lost_its_lease_vacates_its_slot_before_it_comes_back(
    bucket: Bucket,
) -> None:
    """Its own lock, which has not lapsed yet, would keep it out."""
    member = bucket.joined()
    bucket.advance(30)
    assert (member.slot, member.join(), member.slot) == (None, True, 0)


def test_a_worker_without_a_limit_writes_nothing_more_than_its_lock(bucket: Bucket) -> None:
    bucket.joined()
    probes = [Create, Replace]  # of the first leader of an election
    assert [type(request) for request in bucket.store.requests] == [List, Create, *probes]


def test_a_worker_without_a_slot_has_nothing_to_renew(bucket: Bucket) -> None:
    member = bucket.member()
    member.renew()
    assert bucket.store.requests == []


def test_a_worker_whose_slot_was_taken_takes_another(bucket: Bucket) -> None:
    member = bucket.joined()
    bucket.advance(600)
    other = bucket.joined()
    assert (member.join(), member.slot, other.slot) == (True, 1, 0)


def test_a_corrupt_slot_is_vacant_and_is_not_taken_and_is_logged(
    bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    bucket.store.put("elections/group/member-000/lock_0000000001.json", b"[]")
    member = bucket.joined()
    assert ["member-000/lock_0000000001.json" in text for text in caplog.messages] == [True]
    assert ({*member.read()}, member.slot, len(caplog.messages)) == ({1}, 1, 2)


def test_limits_are_read_from_the_slots_and_not_inherited(bucket: Bucket) -> None:
    reader = bucket.joined()
    limited = bucket.joined(limit=3)
    assert reader.read() == {0: None, 1: 3}
    limited.leave("test")
    bucket.joined()
    assert reader.read() == {0: None, 1: None}


@pytest.mark.parametrize(("before", "mine"), [(3, None), (None, 3), (2, 3)])
def test_a_limit_that_could_not_be_written_is_written_with_the_next_renewal(
    bucket: Bucket, before: int | None, mine: int | None
) -> None:
    reader = bucket.joined()
    bucket.joined(limit=before).leave("test")
    member = bucket.member(limit=mine)
    bucket.store.script(Fault.REFUSED, on=Replace)
    with pytest.raises(BucketUnusable):
        member.join()
    member.renew()
    assert reader.read() == {0: None, 1: mine}


@pytest.mark.parametrize(
    ("stated", "limit"), [(3, 3), (1, 1), (0, None), (True, None), ("3", None), (None, None)]
)
def test_a_limit_that_is_none_is_not_taken_for_one(
    bucket: Bucket, stated: object, limit: int | None
) -> None:
    term = bucket.member().slots[0].campaign()
    assert isinstance(term, Term)
    term.save({"max_share": stated})
    assert bucket.member().read() == {0: limit}


def test_the_next_lapse_is_that_of_the_slot_that_was_renewed_first(bucket: Bucket) -> None:
    reader, _ = bucket.joined(), bucket.joined()
    bucket.advance(10, reader)
    bucket.joined()
    assert ({*reader.read()}, reader.next_lapse_ms) == ({0, 1, 2}, 23_000)


def test_a_read_costs_a_get_for_each_other_worker_and_one_for_the_next_slot(
    bucket: Bucket,
) -> None:
    members = [bucket.joined(slots=16) for _ in range(3)]
    members[0].read()
    bucket.store.requests.clear()
    members[0].read()
    assert [type(request).__name__ for request in bucket.store.requests] == ["Read"] * 3


def test_a_worker_without_a_slot_reads_the_first_and_sees_who_joins(bucket: Bucket) -> None:
    reader = bucket.member()
    assert (reader.next_lapse_ms, reader.read()) == (None, {})
    bucket.store.requests.clear()
    assert (reader.read(), len(bucket.store.requests)) == ({}, 1)
    bucket.joined()
    assert {*reader.read()} == {0}


def test_a_slot_far_above_the_others_is_seen_in_the_end(bucket: Bucket) -> None:
    reader = bucket.joined(slots=16)
    reader.read()
    bucket.member(slots=16).slots[9].campaign()
    assert [9 in reader.read() for _ in range(20)] == [False] * 19 + [True]


def test_slots_that_cannot_be_read_are_an_error_not_an_absence(bucket: Bucket) -> None:
    reader, _ = bucket.joined(), bucket.joined()
    reader.read()
    bucket.store.script(Fault.REQUEST_LOST, times=100)
    with pytest.raises(StoreUnavailable):
        reader.read()


def test_a_slot_whose_create_was_answered_late_is_held_once(bucket: Bucket) -> None:
    bucket.store.script(Fault.ANSWER_LOST, on=Create)
    member = bucket.joined()
    assert ({*member.read()}, member.slot) == ({0}, 0)


def test_a_worker_that_cannot_vacate_its_slot_goes_on(
    bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    member = bucket.joined()
    bucket.store.script(Fault.REFUSED, on=Replace)
    member.leave("test")
    assert (member.joined, len(caplog.messages)) == (False, 1)
