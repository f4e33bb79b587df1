"""A term belongs to the process that won it: a fork leads and writes nothing, and never hangs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from s3leader import Election, LeadershipLost, Term, testing
from s3leader._core.requests import Read, Replace, StoreAnswer, StoreRequest
from s3leader._io.memory_store import MemoryStore
from tests.fast.s3leader.forks import FORKS, in_child
from tests.fast.s3leader.one_bucket import TICK, InterferingStore, OneBucket, won

pytestmark = FORKS


@pytest.fixture
def bucket() -> OneBucket:
    return OneBucket()


@pytest.fixture
def term(bucket: OneBucket) -> Term:
    held = won(bucket.election().campaign(TICK))
    bucket.forget_requests()
    return held


WRITES: dict[str, Callable[[Term], object]] = {
    "ensure_held": Term.ensure_held,
    "renew": Term.renew,
    "save": lambda term: term.save({"after": 1}),
    "resign": Term.resign,
    "keep_renewing": lambda term: term.keep_renewing().__enter__(),
}


def test_a_fork_does_not_hold_its_parents_term(term: Term) -> None:
    assert in_child(lambda: (term.held, term.remaining())) == f"(False, {timedelta(0)!r})"
    assert term.held


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_fork_that_writes_has_lost_leadership_and_sends_nothing(
    bucket: OneBucket, term: Term, write: Callable[[Term], object]
) -> None:
    def child() -> object:
        try:
            write(term)
        except LeadershipLost as lost:
            return lost.why, len(bucket.store.requests)
        return "written"

    said = in_child(child)
    assert f"process {term._pid} won it" in said
    assert "is a fork of that one" in said
    assert said.endswith(", 0)")


def test_a_fork_made_within_the_block_leaves_it_and_seals_nothing(
    bucket: OneBucket, term: Term
) -> None:
    """filelock issue 634: a child releases what its parent holds."""

    def leave() -> int:
        term.__exit__(SystemExit, SystemExit(0), None)
        term.__exit__(None, None, None)
        return len(bucket.store.requests)

    with term, term.keep_renewing():
        assert in_child(leave) == "0"
        assert term.held
    assert bucket.body(1)["outcome"] == "completed"


def test_a_fork_that_fails_within_the_block_raises_its_own_error(term: Term) -> None:
    def child() -> None:
        with term:
            raise ZeroDivisionError("division by zero")

    assert in_child(child) == "ZeroDivisionError: division by zero"


def test_a_fork_made_while_a_thread_renews_does_not_wait_for_that_thread(
    bucket: OneBucket,
) -> None:
    """The thread holds the term's own lock, and is in the middle of a request."""
    leading, sending, go_on = threading.Event(), threading.Event(), threading.Event()

    def before(request: StoreRequest) -> None:
        if leading.is_set() and isinstance(request, Replace):
            sending.set()
            go_on.wait(60)

    term = won(bucket.election(store=InterferingStore(bucket, before)).campaign())
    leading.set()

    def child() -> str:
        lost_terms = []
        for write in WRITES.values():
            with pytest.raises(LeadershipLost) as lost:
                write(term)
            lost_terms.append(lost.value.term)
        with term:
            pass
        return str(lost_terms)

    with term.keep_renewing(every=timedelta(milliseconds=1)):
        assert sending.wait(60)
        said = in_child(child)
        go_on.set()
    assert said == "[1, 1, 1, 1, 1]"


def test_a_fork_leaves_the_renewing_block_without_touching_its_threads_locks(
    term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread may be within a lock of the event that stops it, and is not there to leave it."""
    stop: Any = threading.Event()
    parts = SimpleNamespace(Event=lambda: stop, Thread=threading.Thread)
    monkeypatch.setattr("s3leader.term.threading", parts)
    renewing = term.keep_renewing()
    renewing.__enter__()
    try:
        with stop._cond:
            assert in_child(lambda: renewing.__exit__(None, None, None)) == "False"
    finally:
        renewing.__exit__(None, None, None)


def test_a_memory_store_is_refused_in_a_fork() -> None:
    store = MemoryStore()
    assert "has only a copy" in in_child(lambda: store.perform(Read("k")))


class OneForEach:
    """A store that each process has for itself, so that a fork can win there."""

    def __init__(self) -> None:
        self.stores: dict[int, MemoryStore] = {}

    def perform(self, request: StoreRequest) -> StoreAnswer:
        return self.stores.setdefault(os.getpid(), MemoryStore()).perform(request)


def holder(election: Election) -> str:
    with won(election.campaign()) as term:
        term.save({"a": 1})
        assert term.held
        return str(term.lock.holder)


def test_a_fork_that_wins_leads_under_an_identity_of_its_own() -> None:
    election = testing.election("e", store=OneForEach())
    before = holder(election)
    childs = in_child(lambda: holder(election))
    assert childs not in {before, ""}
    assert in_child(lambda: len({holder(election), holder(election)})) == "1"
    assert holder(election) == before
    assert "Error" not in childs


def test_a_fork_keeps_the_identity_that_its_election_was_given() -> None:
    election = testing.election("e", store=OneForEach(), candidate="me")
    assert in_child(lambda: holder(election)) == "me"


def test_a_fork_that_is_stopped_before_it_campaigns_has_an_identity_of_its_own() -> None:
    election, stop = testing.election("e"), threading.Event()
    stop.set()

    def child() -> str:
        election.campaign(stop=stop)
        return election.config.candidate

    assert in_child(child) not in {election.config.candidate, ""}
