"""What other writers can damage, because permissions and not the runtime keep them out."""

from __future__ import annotations

from s3leader._core.requests import StoreAnswer, StoreRequest, Tag
from tests.fast.hostile_ledgers.ledgers import body, bucket_with, warm
from tests.fast.s3leader.one_bucket import LATER, TICK, OneBucket, key, lost, read, tag, won

DONE = "2026-11-23T05:59:00Z"
SEALED = b'{"expired": true}'


def test_term_of_the_original_scheme_carries_on_neither_done_nor_the_checkpoint() -> None:
    """Not guaranteed: do not let both schemes lead for the same ticks."""
    bucket = bucket_with({4: body(done=DONE), 5: SEALED})
    term = won(bucket.election().campaign(TICK))
    assert (term.number, term.lock.done, term.state) == (6, None, {})


def test_sweep_starts_again_after_a_term_of_the_original_scheme() -> None:
    bucket = bucket_with({4: body(), 5: SEALED})
    term = won(bucket.election().campaign(TICK))
    bucket.forget_requests()
    term.resign()
    assert bucket.asked()[:5] == [tag(1), tag(2), tag(3), tag(4), tag(5)]


# If another tags the highest lock `superseded`, the lifecycle rule deletes it, against R6.


def five_terms() -> OneBucket:
    """Five terms, of which the lifecycle rule has already deleted three."""
    return bucket_with({4: body(done=DONE), 5: body(term=5, swept=4, done=DONE)})


def tag_and_delete(bucket: OneBucket, *terms: int) -> None:
    for term in terms:
        bucket.store.perform(Tag(key(term)))
    bucket.store.expire_superseded()
    bucket.forget_requests()


def test_number_of_a_deleted_highest_lock_comes_back_and_completed_ticks_stay_completed() -> None:
    bucket = five_terms()
    tag_and_delete(bucket, 5)
    assert lost(bucket.election().campaign(DONE)).reason == "done"
    assert won(bucket.election().campaign(TICK)).number == 5


def test_candidate_that_remembers_the_deleted_lock_leads_the_next_number() -> None:
    bucket = five_terms()
    election = warm(bucket, 5)
    tag_and_delete(bucket, 5)
    assert won(election.campaign(TICK)).number == 6


def test_ledger_starts_at_one_after_all_locks_were_deleted() -> None:
    """Fencing tokens then start at 1 too, and fenced objects reject them (StaleToken)."""
    bucket = five_terms()
    tag_and_delete(bucket, 4, 5)
    term = won(bucket.election().campaign(TICK))
    assert (term.number, term.lock.done) == (1, None)


def test_tag_on_an_unsealed_lock_is_removed_when_its_holder_resigns() -> None:
    """S3 drops the tags of an object that is overwritten."""
    bucket = five_terms()
    term = won(bucket.election().campaign(TICK))
    bucket.store.perform(Tag(key(6)))
    term.resign()
    bucket.store.expire_superseded()
    assert bucket.body(6)["outcome"] == "completed"


def test_candidate_lists_again_if_the_highest_lock_is_deleted_before_its_read() -> None:
    bucket = five_terms()

    class Vanishing:
        def perform(self, request: StoreRequest) -> StoreAnswer:
            if request == read(5):
                tag_and_delete(bucket, 5)
            return bucket.store.perform(request)

    assert won(bucket.election(store=Vanishing()).campaign(LATER)).number == 5
