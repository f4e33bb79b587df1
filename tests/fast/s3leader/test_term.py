"""`Term`: how its `with` block ends it, and what `resign`, `held` and its attributes report.

`OneBucket` is a bucket in memory with one fake clock; `InterferingStore` is the same bucket, with a
function that is called before each request. `won(…)` returns the term of a won campaign. In a
lock's body `"expired": true` means sealed. `resign()` ends a term, by default as completed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from s3leader import InvalidArgument, LeadershipLost, StoreUnavailable, Term
from s3leader._core.requests import Create, List, Read, Replace, StoreAnswer, StoreRequest, Tag
from s3leader._io.memory_store import Fault
from tests.fast.s3leader.one_bucket import LEASE, TICK, InterferingStore, OneBucket, lost, won


@pytest.fixture
def bucket() -> OneBucket:
    return OneBucket()


@pytest.fixture
def term(bucket: OneBucket) -> Term:
    return won(bucket.election().campaign(TICK))


def outcome(bucket: OneBucket, number: int = 1) -> tuple[Any, Any]:
    body = bucket.body(number)
    return body["outcome"], body["reason"]


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise ValueError


def test_leaving_the_block_completes_the_tick(bucket: OneBucket, term: Term) -> None:
    with term as entered:
        assert entered is term
    assert outcome(bucket) == ("completed", None)
    assert lost(bucket.election().campaign(TICK)).reason == "done"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit(), "SystemExit"),
        (GeneratorExit(), "GeneratorExit"),
        (UnprintableError(), "UnprintableError"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_error_in_the_block_fails_the_term_and_is_raised(
    bucket: OneBucket, term: Term, error: BaseException, reason: str
) -> None:
    with pytest.raises(type(error)), term:
        raise error
    assert outcome(bucket) == ("failed", reason)
    assert won(bucket.election().campaign(TICK)).attempt == 2


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
    with pytest.raises(LeadershipLost, match="an operator deposed it") as caught, term:
        term.renew()
    assert caught.value.__context__ is None


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


@pytest.mark.parametrize(
    "call",
    [Term.ensure_held, Term.renew, lambda term: term.save({}), lambda term: term.resign("failed")],
    ids=["ensure_held", "renew", "save", "resign"],
)
def test_resigned_leader_leads_no_more(
    bucket: OneBucket, term: Term, call: Callable[[Term], object]
) -> None:
    term.resign()
    bucket.forget_requests()
    with pytest.raises(LeadershipLost, match="resigned"):
        call(term)
    assert (term.held, term.remaining(), bucket.asked()) == (False, timedelta(0), [])


def test_resignation_unknown_for_ever_ends_leadership_all_the_same(
    bucket: OneBucket, term: Term
) -> None:
    bucket.store.script(Fault.REQUEST_LOST, on=Replace, times=10**6)
    with pytest.raises(StoreUnavailable):
        term.resign()
    assert not term.held
    with pytest.raises(LeadershipLost, match="unknown"):
        term.resign()


def test_interrupted_resignation_ends_leadership_before_the_seal_is_sent(
    bucket: OneBucket,
) -> None:
    """Another thread may ask: once the seal is under way, a successor may be at work."""
    held_in_thread: list[bool] = []

    def before(request: StoreRequest) -> None:
        if isinstance(request, Replace):
            held_in_thread.append(leader.held)
            raise KeyboardInterrupt

    bucket.prove_store()
    leader = won(bucket.election(store=InterferingStore(bucket, before)).campaign())
    with pytest.raises(KeyboardInterrupt):
        leader.resign()
    assert (held_in_thread, leader.held) == ([False], False)


def test_missing_right_to_tag_is_logged_and_does_not_hinder(
    bucket: OneBucket, term: Term, caplog: pytest.LogCaptureFixture
) -> None:
    term.resign("failed")
    second = won(bucket.election().campaign())
    bucket.store.script(Fault.REFUSED, on=Tag)
    with caplog.at_level(logging.WARNING):
        second.resign()
    [logged] = caplog.messages
    assert "term 2 could not tag old locks: " in logged
    assert "AccessDenied" in logged
    assert outcome(bucket, 2) == ("completed", None)


def test_log_fields_say_which_term_and_for_what(bucket: OneBucket, term: Term) -> None:
    facts = {"election": "e", "term": 1, "tick": "2026-11-23T06:00:00Z", "attempt": 1, "leg": 1}
    assert term.log_fields == facts
    term.resign("failed")
    without = won(bucket.election().campaign()).log_fields
    assert without == {**facts, "term": 2, "tick": None}


def test_leader_leads_for_a_lease_and_not_a_millisecond_longer(
    bucket: OneBucket, term: Term
) -> None:
    bucket.pass_time(LEASE - timedelta(milliseconds=1))
    assert (term.held, term.remaining()) == (True, timedelta(milliseconds=1))
    for passed in (timedelta(milliseconds=1), 10 * LEASE):
        bucket.pass_time(passed)
        assert (term.held, term.remaining()) == (False, timedelta(0))
    with pytest.raises(LeadershipLost, match="lease has run out"):
        term.ensure_held()


class RaisesOnce:
    """A store that raises once for a request of type `on`, before or after performing it."""

    def __init__(self, bucket: OneBucket, on: type[StoreRequest], *, performed: bool) -> None:
        self.bucket, self.on, self.performed, self.left = bucket, on, performed, 1

    def perform(self, request: StoreRequest) -> StoreAnswer:
        raises = isinstance(request, self.on) and self.left
        if raises:
            self.left = 0
            if self.performed:
                self.bucket.store.perform(request)
            raise UnprintableError
        return self.bucket.store.perform(request)


@pytest.mark.parametrize(
    ("on", "performed"),
    [(on, False) for on in (List, Read, Create, Replace, Tag)] + [(Create, True), (Replace, True)],
)
def test_store_that_raises_once_costs_no_term(
    bucket: OneBucket, on: type[StoreRequest], *, performed: bool
) -> None:
    won(bucket.election().campaign()).resign("failed")
    store = RaisesOnce(bucket, on, performed=performed)
    with won(bucket.election(store=store).campaign(TICK)) as term:
        term.save({"a": 1})
    assert (store.left, bucket.body(2)["outcome"], bucket.body(2)["state"]) == (
        *(0, "completed"),
        {"a": 1},
    )
