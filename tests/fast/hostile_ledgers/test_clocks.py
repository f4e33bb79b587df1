"""S3 clocks that are wrong by more than the allowance: what is left, and what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from s3leader import LeadershipLost, NotElected
from s3leader._core.lock import MAX_LEASE_MS
from s3leader._core.requests import (
    Applied,
    Conflict,
    Found,
    Listed,
    Missing,
    StoreAnswer,
    StoreRequest,
)
from tests.fast.hostile_ledgers.ledgers import body, bucket_with, contend
from tests.fast.s3leader.one_bucket import LAPSE, LATER, TICK, OneBucket, key, lost, won

HOUR = timedelta(hours=1)


class Dated:
    """The bucket's store, but its answers' `Date` is off by `ahead`."""

    def __init__(self, bucket: OneBucket, ahead: timedelta) -> None:
        self._store, self.ahead = bucket.store, ahead

    def perform(self, request: StoreRequest) -> StoreAnswer:
        answer = self._store.perform(request)
        if isinstance(answer, Listed | Found | Missing | Applied | Conflict):
            ahead_ms = self.ahead // timedelta(milliseconds=1)
            return replace(answer, date_ms=answer.date_ms + ahead_ms)
        return answer


@pytest.mark.parametrize("hours", [1, 5, 24, 24 * 365])
def test_last_modified_later_than_date_keeps_a_holder_in_and_a_contender_waiting_in_bounds(
    hours: int,
) -> None:
    bucket = bucket_with({4: body(expired=False)})
    late = bucket.election(store=Dated(bucket, -hours * HOUR))
    assert lost(late.campaign(TICK, wait=timedelta(minutes=1))).reason == "held"
    assert len(bucket.store.requests) < 150


@pytest.mark.parametrize("hours", [-48, -2, 2, 48])
def test_wrong_date_of_one_front_end_does_not_keep_a_leader_from_its_work(hours: int) -> None:
    """Only what it says of others is wrong: a leader's own deadline is its stopwatch's."""
    bucket = bucket_with({4: body()})
    term = won(bucket.election(store=Dated(bucket, hours * HOUR)).campaign())
    term.renew()
    term.resign()
    assert bucket.body(5)["outcome"] == "completed"


def test_date_that_is_ahead_by_more_than_the_allowance_deposes_a_holder_too_soon() -> None:
    """Not guaranteed against: the allowance is what S3's clocks may differ by (R4)."""
    bucket = OneBucket()
    holder = won(bucket.election().campaign(TICK))
    rival = won(bucket.election(store=Dated(bucket, HOUR)).campaign(TICK))
    assert (holder.held, rival.held) == (True, True)


def test_holder_deposed_too_soon_learns_it_at_its_next_write() -> None:
    bucket = OneBucket()
    holder = won(bucket.election().campaign(TICK))
    rival = won(bucket.election(store=Dated(bucket, HOUR)).campaign(TICK))
    with pytest.raises(LeadershipLost):
        holder.renew()
    assert rival.fencing_token > holder.fencing_token


def test_clock_that_goes_back_between_look_and_win_voids_nothing() -> None:
    bucket = bucket_with({4: body()})
    dated = Dated(bucket, timedelta(0))
    election = bucket.election(store=dated)
    assert election.observe() is not None
    dated.ahead = -3 * HOUR
    assert won(election.campaign()).number == 5


def test_clock_that_leaps_ahead_between_look_and_win_voids_it_and_the_next_look_wins() -> None:
    bucket = bucket_with({4: body()})
    dated = Dated(bucket, timedelta(0))
    election = bucket.election(store=dated)
    won(election.campaign(TICK)).resign()
    dated.ahead = 3 * HOUR
    term = won(election.campaign(LATER))
    assert (term.number, bucket.body(6)["reason"]) == (
        7,
        "void: the proof that this number was next is too old",
    )


def test_all_in_the_same_second_is_no_lapse() -> None:
    bucket = bucket_with({4: body(expired=False, lease_ms=1)})
    result = contend(bucket, bucket.election())
    assert isinstance(result, NotElected)


def test_clock_that_stands_still_keeps_a_dead_holder_in_and_ends_the_wait() -> None:
    """Nobody leads while S3's clock stands; a campaign's wait is one's own stopwatch's."""
    bucket = bucket_with({4: body(expired=False)})
    bucket.store._clock_ms = lambda: 1_800_000_000_000
    bucket.store._objects[key(4)].modified_ms = 1_800_000_000_000
    assert lost(bucket.election().campaign(TICK, wait=LAPSE)).reason == "held"


def test_clock_of_the_year_9999_is_borne() -> None:
    bucket = bucket_with({4: body(expired=False, lease_ms=MAX_LEASE_MS)})
    far = timedelta(days=365 * 7900)
    term = won(bucket.election(store=Dated(bucket, far)).campaign(TICK))
    term.resign()
