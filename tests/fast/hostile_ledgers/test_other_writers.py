"""A writer of the original scheme, or an older one, in the middle of our ledger."""

from __future__ import annotations

import pytest

from tests.fast.hostile_ledgers.ledgers import body, bucket_with
from tests.fast.s3leader.one_bucket import LAPSE, LATER, TICK, key, lost, tag, won

SEALED, HELD = b'{"expired": true}', b'{"expired": false}'
DONE = "2026-11-23T06:00:00Z"


def test_term_of_the_original_scheme_is_succeeded() -> None:
    bucket = bucket_with({4: body(), 5: SEALED})
    assert won(bucket.election().campaign(TICK)).number == 6


def test_holder_of_the_original_scheme_has_the_readers_lease() -> None:
    bucket = bucket_with({4: body(), 5: HELD})
    assert lost(bucket.election().campaign(TICK)).reason == "held"
    bucket.pass_time(LAPSE)
    assert won(bucket.election().campaign(TICK)).number == 6


def test_term_of_the_original_scheme_forgets_what_was_done_before_it() -> None:
    """Not guaranteed: it carries nothing on. Do not let both schemes lead for the same ticks."""
    bucket = bucket_with({4: body(done=DONE), 5: SEALED})
    assert won(bucket.election().campaign(TICK)).lock.done is None


def test_term_of_the_original_scheme_forgets_the_checkpoint() -> None:
    bucket = bucket_with({4: body(), 5: SEALED})
    assert won(bucket.election().campaign(TICK)).state == {}


def test_sweep_begins_again_after_a_term_of_the_original_scheme() -> None:
    bucket = bucket_with({4: body(), 5: SEALED})
    term = won(bucket.election().campaign(TICK))
    bucket.forget_requests()
    term.resign()
    assert bucket.asked()[:5] == [tag(1), tag(2), tag(3), tag(4), tag(5)]


@pytest.mark.parametrize("text", [SEALED, HELD])
def test_sealed_lock_of_the_original_scheme_is_left_as_it_is(text: bytes) -> None:
    bucket = bucket_with({5: text})
    bucket.election().campaign(LATER)
    assert bucket.store.body(key(5)) == text
