"""S3 clocks that are wrong by more than the allowance: what still holds, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from s3leader import LeadershipLost
from s3leader._core.requests import (
    Applied,
    Conflict,
    Found,
    Listed,
    Missing,
    StoreAnswer,
    StoreRequest,
)
from tests.fast.hostile_ledgers.ledgers import body, bucket_with
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


@pytest.mark.parametrize("hours", [1, 24 * 365])
def test_last_modified_later_than_date_keeps_the_holder_and_the_wait_ends(hours: int) -> None:
    bucket = bucket_with({4: body(expired=False)})
    late = bucket.election(store=Dated(bucket, -hours * HOUR))
    assert lost(late.campaign(TICK, wait=timedelta(minutes=1))).reason == "held"
    assert len(bucket.store.requests) < 150


@pytest.mark.parametrize("hours", [-48, 48])
def test_wrong_date_does_not_keep_a_leader_from_its_work(hours: int) -> None:
    """Only what it says of others is wrong: a leader's own deadline is by its monotonic clock."""
    bucket = bucket_with({4: body()})
    term = won(bucket.election(store=Dated(bucket, hours * HOUR)).campaign())
    term.renew()
    term.resign()
    assert bucket.body(5)["outcome"] == "completed"


def test_holder_deposed_too_soon_by_a_date_too_far_ahead_learns_it_at_its_next_write() -> None:
    """Not guaranteed against: the allowance is what S3's clocks may differ by (R4)."""
    bucket = OneBucket()
    holder = won(bucket.election().campaign(TICK))
    rival = won(bucket.election(store=Dated(bucket, HOUR)).campaign(TICK))
    assert (holder.held, rival.held) == (True, True)
    with pytest.raises(LeadershipLost):
        holder.renew()
    assert rival.fencing_token > holder.fencing_token


def test_clock_that_goes_back_between_list_and_win_voids_nothing() -> None:
    bucket = bucket_with({4: body()})
    dated = Dated(bucket, timedelta(0))
    election = bucket.election(store=dated)
    won(election.campaign(TICK)).resign()
    dated.ahead = -3 * HOUR
    assert won(election.campaign()).number == 6


def test_clock_that_leaps_ahead_between_list_and_win_voids_it_and_the_next_attempt_wins() -> None:
    bucket = bucket_with({4: body()})
    dated = Dated(bucket, timedelta(0))
    election = bucket.election(store=dated)
    won(election.campaign(TICK)).resign()
    dated.ahead = 3 * HOUR
    term = won(election.campaign(LATER))
    why = "void: the proof that this number was next is too old"
    assert (term.number, bucket.body(6)["reason"]) == (7, why)


def test_clock_that_stands_still_keeps_a_dead_holder_and_the_wait_ends() -> None:
    """No other leads while S3's clock stands; a wait is measured by the candidate's own clock."""
    bucket = bucket_with({4: body(expired=False)})
    bucket.store._clock_ms = lambda: 1_800_000_000_000
    bucket.store._objects[key(4)].modified_ms = 1_800_000_000_000
    assert lost(bucket.election().campaign(TICK, wait=LAPSE)).reason == "held"
