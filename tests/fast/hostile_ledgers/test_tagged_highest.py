"""What happens if somebody else tags the highest lock `superseded`, so that the lifecycle rule
deletes it.

The runtime never does this (R6) and permissions keep others from it; these tests show the damage.
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


def test_ticks_completed_before_a_deleted_lock_stay_completed(bucket: OneBucket) -> None:
    """While the lock before it exists, only one term is lost."""
    tag_and_delete(bucket, 5)
    assert lost(bucket.election().campaign("2026-11-23T05:59:00Z")).reason == "done"


def test_candidate_that_remembers_the_deleted_lock_leads_the_next_number(bucket: OneBucket) -> None:
    election = warm(bucket, 5)
    tag_and_delete(bucket, 5)
    assert won(election.campaign(TICK)).number == 6


def test_ledger_starts_at_one_after_all_locks_were_deleted(bucket: OneBucket) -> None:
    """Fencing tokens then start at 1 too, and fenced objects reject them (StaleToken)."""
    bucket.store.perform(Tag(key(4)))
    tag_and_delete(bucket, 5)
    term = won(bucket.election().campaign(TICK))
    assert (term.number, term.lock.done) == (1, None)


def test_tag_on_an_unsealed_lock_is_gone_after_resigning(bucket: OneBucket) -> None:
    """S3 drops the tags of an object that is overwritten."""
    term = won(bucket.election().campaign(TICK))
    bucket.store.perform(Tag(key(6)))
    term.resign()
    bucket.store.expire_superseded()
    assert bucket.body(6)["outcome"] == "completed"


def test_candidate_lists_again_if_the_highest_lock_is_deleted_before_its_read(
    bucket: OneBucket,
) -> None:
    class Vanishing:
        def perform(self, request: StoreRequest) -> StoreAnswer:
            if request == read(5):
                tag_and_delete(bucket, 5)
            return bucket.store.perform(request)

    assert won(bucket.election(store=Vanishing()).campaign(LATER)).number == 5
