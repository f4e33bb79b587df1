"""`Term`: how its `with` block ends it, and what `resign`, `held` and its attributes report.

`OneBucket` is a bucket in memory with one fake clock; `won(…)` returns the term of a won campaign,
`lost(…)` the `NotElected` of a lost one. In a lock's body `"expired": true` means sealed.
`resign()` ends a term, by default as completed.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from s3leader import BucketUnusable, InvalidArgument, LeadershipLost, StoreUnavailable, Term
from s3leader._core.requests import Replace, StoreRequest, Tag
from s3leader._io.memory_store import Fault
from tests.fast.s3leader.one_bucket import LAPSE, LATER, LEASE, TICK, Meddled, OneBucket, lost, won


@pytest.fixture
def bucket() -> OneBucket:
    return OneBucket()


@pytest.fixture
def term(bucket: OneBucket) -> Term:
    return won(bucket.election().campaign(TICK))


def outcome(bucket: OneBucket, number: int = 1) -> tuple[Any, Any]:
    body = bucket.body(number)
    return body["outcome"], body["reason"]


# ---------------------------------------------------------------------------- the with block


def test_leaving_the_block_completes_the_tick(bucket: OneBucket, term: Term) -> None:
    with term as entered:
        assert entered is term
    assert outcome(bucket) == ("completed", None)
    assert lost(bucket.election().campaign(TICK)).reason == "done"


def test_error_in_the_block_fails_the_tick_and_is_raised(bucket: OneBucket, term: Term) -> None:
    with pytest.raises(ZeroDivisionError), term:
        raise ZeroDivisionError("division by zero")
    assert outcome(bucket) == ("failed", "ZeroDivisionError: division by zero")
    assert won(bucket.election().campaign(TICK)).attempt == 2


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_interruption_fails_the_tick_and_is_raised(
    bucket: OneBucket, term: Term, kind: type[BaseException]
) -> None:
    with pytest.raises(kind), term:
        raise kind
    assert outcome(bucket)[0] == "failed"


def test_leaving_the_block_after_resigning_changes_nothing(bucket: OneBucket, term: Term) -> None:
    with term:
        term.resign("resigned", reason="nothing to do")
    assert outcome(bucket) == ("resigned", "nothing to do")


def test_error_after_resigning_does_not_change_the_outcome(bucket: OneBucket, term: Term) -> None:
    def work() -> None:
        term.resign()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), term:
        work()
    assert outcome(bucket) == ("completed", None)


def test_error_in_the_block_is_raised_if_resigning_fails_too(
    bucket: OneBucket, term: Term, caplog: pytest.LogCaptureFixture
) -> None:
    bucket.election().depose(reason="stuck", force=True)
    with caplog.at_level(logging.WARNING), pytest.raises(ZeroDivisionError), term:
        raise ZeroDivisionError("division by zero")
    assert "could not resign" in caplog.text


def test_leaving_the_block_after_being_deposed_raises_leadership_lost(
    bucket: OneBucket, term: Term
) -> None:
    with pytest.raises(LeadershipLost), term:
        bucket.election().depose(reason="stuck", force=True)


def test_leadership_lost_in_the_block_is_raised_unchanged(bucket: OneBucket, term: Term) -> None:
    bucket.election().depose(reason="stuck", force=True)
    with pytest.raises(LeadershipLost, match="another candidate sealed") as caught, term:
        term.renew()
    assert caught.value.__context__ is None


def test_error_that_cannot_be_printed_is_raised_unchanged(bucket: OneBucket, term: Term) -> None:
    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise ValueError

    with pytest.raises(UnprintableError), term:
        raise UnprintableError
    assert outcome(bucket)[0] == "failed"


# ---------------------------------------------------------------------------------- resigning


@pytest.mark.parametrize("how", ["completed", "failed", "resigned"])
def test_resigning_writes_outcome_reason_and_end(bucket: OneBucket, term: Term, how: Any) -> None:
    bucket.pass_time(timedelta(seconds=7))
    term.resign(how, reason="why")
    body = bucket.body(1)
    facts = (body["expired"], body["outcome"], body["reason"], body["started_at"], body["ended_at"])
    assert facts == (True, how, "why", "2026-11-23T06:00:00Z", "2026-11-23T06:00:07Z")


@pytest.mark.parametrize("how", ["deposed", "", "done", None])
def test_invalid_outcome_is_rejected_and_nothing_is_written(
    bucket: OneBucket, term: Term, how: Any
) -> None:
    bucket.forget_requests()
    with pytest.raises(InvalidArgument, match="outcome"):
        term.resign(how)
    assert (bucket.asked(), term.held) == ([], True)


def test_resigned_leader_leads_no_more(term: Term) -> None:
    term.resign()
    assert (term.held, term.remaining()) == (False, timedelta(0))
    with pytest.raises(LeadershipLost, match="resigned"):
        term.ensure_held()


def test_resigning_twice_is_leadership_lost(term: Term) -> None:
    term.resign()
    with pytest.raises(LeadershipLost, match="resigned"):
        term.resign("failed")


def test_nothing_is_written_after_resigning(bucket: OneBucket, term: Term) -> None:
    term.resign()
    bucket.forget_requests()
    for write in (term.renew, lambda: term.save({})):
        with pytest.raises(LeadershipLost):
            write()
    assert bucket.asked() == []


def test_resignation_whose_answer_is_lost_is_recognised(bucket: OneBucket, term: Term) -> None:
    bucket.store.script(Fault.ANSWER_LOST, on=Replace)
    term.resign()
    assert outcome(bucket) == ("completed", None)


def test_resignation_unknown_for_ever_ends_leadership_all_the_same(
    bucket: OneBucket, term: Term
) -> None:
    bucket.store.script(Fault.REQUEST_LOST, on=Replace, times=10**6)
    with pytest.raises(StoreUnavailable):
        term.resign()
    assert not term.held
    with pytest.raises(LeadershipLost, match="unknown"):
        term.resign()


def test_held_is_false_while_the_term_resigns(bucket: OneBucket) -> None:
    """Another thread may ask: once the seal is under way, a successor may be at work."""
    held_in_thread: list[bool] = []

    def before(request: StoreRequest) -> None:
        if isinstance(request, Replace):
            held_in_thread.append(leader.held)

    bucket.prove_store()
    leader = won(bucket.election(store=Meddled(bucket, before)).campaign())
    leader.resign()
    assert held_in_thread == [False]


def test_interrupted_resignation_ends_leadership_all_the_same(bucket: OneBucket) -> None:
    def before(request: StoreRequest) -> None:
        if isinstance(request, Replace):
            raise KeyboardInterrupt

    bucket.prove_store()
    term = won(bucket.election(store=Meddled(bucket, before)).campaign())
    with pytest.raises(KeyboardInterrupt):
        term.resign()
    assert not term.held


def test_missing_right_to_tag_is_logged_and_does_not_hinder(
    bucket: OneBucket, term: Term, caplog: pytest.LogCaptureFixture
) -> None:
    term.resign("failed")
    second = won(bucket.election().campaign())
    bucket.store.script(Fault.REFUSED, on=Tag)
    with caplog.at_level(logging.WARNING):
        second.resign()
    assert "could not tag old locks" in caplog.text
    assert outcome(bucket, 2) == ("completed", None)


def test_refused_resignation_reaches_the_caller(bucket: OneBucket, term: Term) -> None:
    bucket.store.script(Fault.REFUSED, on=Replace)
    with pytest.raises(BucketUnusable):
        term.resign()


def test_what_crashed_leaders_left_is_swept_by_the_next(bucket: OneBucket) -> None:
    for _ in range(3):
        won(bucket.election().campaign())
        bucket.pass_time(LAPSE)
    won(bucket.election().campaign()).resign()
    assert bucket.body(4)["swept"] == 3
    assert len(bucket.store.expire_superseded()) == 3
    assert won(bucket.election().campaign(LATER)).number == 5


# ------------------------------------------------------------------------------- the deadline


def test_leader_leads_for_a_lease_and_not_a_millisecond_longer(
    bucket: OneBucket, term: Term
) -> None:
    bucket.pass_time(LEASE - timedelta(milliseconds=1))
    assert (term.held, term.remaining()) == (True, timedelta(milliseconds=1))
    bucket.pass_time(timedelta(milliseconds=1))
    assert (term.held, term.remaining()) == (False, timedelta(0))


def test_past_the_lease_leadership_is_lost(bucket: OneBucket, term: Term) -> None:
    bucket.pass_time(LEASE)
    with pytest.raises(LeadershipLost, match="lease has run out"):
        term.ensure_held()


def test_remaining_is_never_negative(bucket: OneBucket, term: Term) -> None:
    bucket.pass_time(10 * LEASE)
    assert term.remaining() == timedelta(0)


def test_resigning_past_the_lease_counts_if_nobody_came_between(
    bucket: OneBucket, term: Term
) -> None:
    bucket.pass_time(10 * LEASE)
    term.resign()
    assert lost(bucket.election().campaign(TICK)).reason == "done"


def test_resigning_past_the_lease_is_leadership_lost_if_somebody_did(
    bucket: OneBucket, term: Term
) -> None:
    bucket.pass_time(LAPSE)
    second = won(bucket.election().campaign(TICK))
    with pytest.raises(LeadershipLost, match="another candidate sealed"):
        term.resign()
    assert (outcome(bucket)[0], second.held) == ("deposed", True)


def test_token_rises_from_term_to_term(bucket: OneBucket, term: Term) -> None:
    term.resign("failed")
    assert won(bucket.election().campaign()).fencing_token > term.fencing_token
