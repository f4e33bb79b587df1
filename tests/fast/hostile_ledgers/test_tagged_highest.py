"""The tag `superseded` on the highest lock, by an intruder's hand: then the lifecycle deletes it.

Not guaranteed against: R6 keeps the runtime from it; rights keep others. The damage is told here.
"""

from __future__ import annotations

import pytest

from s3leader._core.requests import StoreAnswer, StoreRequest, Tag
from tests.fast.hostile_ledgers.ledgers import body, bucket_with, warm
from tests.fast.s3leader.one_bucket import LATER, TICK, OneBucket, key, lost, read, won


@pytest.fixture
def bucket() -> OneBucket:
    """Five terms, of which the lifecycle rule has already deleted three."""
    done = "2026-11-23T05:59:00Z"
    return bucket_with({4: body(done=done), 5: body(term=5, swept=4, done=done)})


def tag_and_delete(bucket: OneBucket, term: int) -> None:
    bucket.store.perform(Tag(key(term)))
    bucket.store.expire_superseded()
    bucket.forget_requests()


def test_number_of_a_deleted_highest_lock_comes_back(bucket: OneBucket) -> None:
    tag_and_delete(bucket, 5)
    assert won(bucket.election().campaign(TICK)).number == 5


def test_what_was_done_before_it_stays_done(bucket: OneBucket) -> None:
    """As long as the lock before it is there, the damage is one term."""
    tag_and_delete(bucket, 5)
    assert lost(bucket.election().campaign("2026-11-23T05:59:00Z")).reason == "done"


def test_who_remembers_the_deleted_lock_goes_on_after_it(bucket: OneBucket) -> None:
    election = warm(bucket, 5)
    tag_and_delete(bucket, 5)
    assert won(election.campaign(TICK)).number == 6


def test_ledger_of_which_every_lock_is_deleted_starts_again(bucket: OneBucket) -> None:
    """Fencing tokens then start again too, and what they guard refuses them (StaleToken)."""
    bucket.store.perform(Tag(key(4)))
    tag_and_delete(bucket, 5)
    term = won(bucket.election().campaign(TICK))
    assert (term.number, term.lock.done) == (1, None)


def test_tag_on_a_lock_that_is_still_held_does_not_outlast_it(bucket: OneBucket) -> None:
    """S3 forgets an object's tags when it is written anew: resigning mends it."""
    term = won(bucket.election().campaign(TICK))
    bucket.store.perform(Tag(key(6)))
    term.resign()
    bucket.store.expire_superseded()
    assert bucket.body(6)["outcome"] == "completed"


def test_highest_lock_that_vanishes_while_it_is_read_is_looked_for_again(
    bucket: OneBucket,
) -> None:
    class Vanishing:
        def perform(self, request: StoreRequest) -> StoreAnswer:
            if request == read(5):
                tag_and_delete(bucket, 5)
            return bucket.store.perform(request)

    assert won(bucket.election(store=Vanishing()).campaign(LATER)).number == 5
