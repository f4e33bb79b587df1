"""R6: only locks that have a successor are tagged, and what crashed leaders left is made up for."""

from __future__ import annotations

from s3leader._core.candidate import Steps
from s3leader._core.holding import Resigned, resign
from s3leader._core.requests import Create, Read
from s3leader.errors import BucketUnusable
from tests.fast.s3leader._core.protocol.script import (
    HINT,
    LEASE_MS,
    LOST,
    Exchange,
    applied,
    at,
    config,
    holding,
    mine,
    missing,
    play,
    put,
    sealed_by,
    tag,
)

TAGGED = applied(etag="")
REFUSAL = BucketUnusable("no", action="s3:PutObjectTagging", resource="arn", code="AccessDenied")


def resigning(term: int, swept: int, *, now_ms: int = 0) -> Steps[Resigned]:
    lock = mine(term, "n0", swept=swept)
    return resign(config(), holding(lock), outcome="completed", reason=None, now_ms=now_ms)


def seal(term: int, swept: int, ms: int = 0) -> Exchange:
    lock = mine(term, "n0", swept=swept)
    ended_at = at((ms - 10) // 1000 * 1000)
    return (put(lock.seal(nonce="n1", outcome="completed", ended_at=ended_at), "E1"), applied())


def test_everything_below_ones_own_lock_is_tagged_from_where_the_last_left_off() -> None:
    result = play(resigning(7, 4), (tag(5), TAGGED), (tag(6), TAGGED), seal(7, 6))
    assert sealed_by(result).swept == 6


def test_first_term_ever_has_nothing_to_tag() -> None:
    assert play(resigning(1, 0), seal(1, 0)).sweep_error is None


def test_nothing_is_tagged_twice() -> None:
    assert play(resigning(7, 6), seal(7, 6)).sweep_error is None


def test_ones_own_lock_and_what_follows_are_never_tagged_whatever_swept_says() -> None:
    assert play(resigning(7, 99), seal(7, 6)).sweep_error is None


def test_gaps_count_as_swept() -> None:
    exchanges: tuple[Exchange, ...] = ((tag(5), missing()), (tag(6), TAGGED), seal(7, 6))
    assert play(resigning(7, 4), *exchanges).sweep_error is None


def test_no_more_than_fifty_are_tagged_in_a_term() -> None:
    tags: list[Exchange] = [(tag(term), TAGGED) for term in range(11, 61)]
    assert play(resigning(100, 10), *tags, seal(100, 60)).sweep_error is None


def test_unknown_tag_ends_the_sweep_and_is_left_to_the_next_term() -> None:
    exchanges: tuple[Exchange, ...] = ((tag(5), TAGGED), (tag(6), LOST), seal(9, 5))
    assert play(resigning(9, 4), *exchanges).sweep_error is None


def test_sweep_stops_in_good_time_before_the_deadline() -> None:
    tags: list[Exchange] = [(tag(5), TAGGED), (tag(6), TAGGED, LEASE_MS - 5_000)]
    assert play(resigning(9, 4), *tags, seal(9, 6)).sweep_error is None


def test_nothing_is_tagged_past_the_deadline() -> None:
    now_ms = LEASE_MS
    result = play(resigning(9, 4, now_ms=now_ms), seal(9, 4, now_ms), start_ms=now_ms)
    assert result.sweep_error is None


def test_missing_right_to_tag_does_not_keep_a_leader_from_resigning() -> None:
    result = play(resigning(9, 4), (tag(5), TAGGED), (tag(6), REFUSAL), seal(9, 5))
    assert result.sweep_error is REFUSAL


def test_hint_is_left_alone_by_ordinary_terms() -> None:
    assert play(resigning(499, 498), seal(499, 498)).sweep_error is None


def test_refused_hint_does_not_keep_a_leader_from_resigning() -> None:
    steps = resigning(500, 499)
    hint = Create(HINT, b'{"term": 500}')
    result = play(steps, (Read(HINT), REFUSAL), (hint, REFUSAL), seal(500, 499))
    assert result.sweep_error is REFUSAL


def test_hint_that_may_not_be_read_is_created() -> None:
    """S3 may say 403 of what is missing."""
    hint = Create(HINT, b'{"term": 500}')
    steps = resigning(500, 499)
    result = play(steps, (Read(HINT), REFUSAL), (hint, applied()), seal(500, 499))
    assert result.sweep_error is None
