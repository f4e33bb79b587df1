"""What a term survives: exceptions that nobody expects, in its store and in its renewing thread."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from s3leader import LeadershipLost, StoreUnavailable, Term, testing
from s3leader._core.requests import Create, List, Read, Replace, StoreAnswer, StoreRequest, Tag
from s3leader._io.memory_store import Fault, MemoryStore
from tests.fast.s3leader.one_bucket import LAPSE, LEASE, TICK, Meddled, OneBucket, key, won

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = timedelta(seconds=1)
SHORT = timedelta(milliseconds=2)


class UnexpectedError(Exception):
    """Of a store's own, and not of ours."""


@pytest.fixture
def bucket() -> OneBucket:
    return OneBucket()


def once(on: type[StoreRequest]) -> Callable[[StoreRequest], None]:
    """Raise before the first request of a kind."""
    left = [1]

    def before(request: StoreRequest) -> None:
        if isinstance(request, on) and left[0]:
            left[0] -= 1
            raise UnexpectedError

    return before


class FailsLate:
    """A store that performs what it is asked, and then raises once for each kind of request."""

    def __init__(self, bucket: OneBucket, *on: type[StoreRequest]) -> None:
        self.bucket, self.left = bucket, list(on)

    def perform(self, request: StoreRequest) -> StoreAnswer:
        answer = self.bucket.store.perform(request)
        if type(request) in self.left:
            self.left.remove(type(request))
            raise UnexpectedError
        return answer


# ---------------------------------------------------------------------- stores of anybody's making


@pytest.mark.parametrize("on", [List, Read, Create, Replace, Tag])
def test_a_store_that_raises_once_costs_no_term(bucket: OneBucket, on: type[StoreRequest]) -> None:
    won(bucket.election().campaign()).resign("failed")
    with won(bucket.election(store=Meddled(bucket, once(on))).campaign(TICK)) as term:
        term.renew()
    assert bucket.body(2)["outcome"] == "completed"


@pytest.mark.parametrize("on", [Create, Replace])
def test_a_store_that_raises_once_it_has_written_costs_no_term(
    bucket: OneBucket, on: type[StoreRequest]
) -> None:
    with won(bucket.election(store=FailsLate(bucket, on)).campaign(TICK)) as term:
        term.save({"a": 1})
    assert (bucket.body(1)["outcome"], bucket.body(1)["state"]) == ("completed", {"a": 1})


def test_a_store_that_always_raises_is_unavailable(bucket: OneBucket) -> None:
    def before(_: StoreRequest) -> None:
        raise UnexpectedError("no route")

    with pytest.raises(StoreUnavailable, match="UnexpectedError: no route"):
        bucket.election(store=Meddled(bucket, before)).campaign()


def test_a_resignation_whose_store_raises_for_good_ends_leadership(bucket: OneBucket) -> None:
    def before(request: StoreRequest) -> None:
        if isinstance(request, Replace):
            raise UnexpectedError

    bucket.prove_store()
    term = won(bucket.election(store=Meddled(bucket, before)).campaign())
    with pytest.raises(StoreUnavailable):
        term.resign()
    with pytest.raises(LeadershipLost, match="unknown"):
        term.ensure_held()


def test_what_the_block_raised_matters_more_than_anything_that_resigning_raises(
    bucket: OneBucket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def resign(*_: object, **__: object) -> None:
        raise UnexpectedError

    term = won(bucket.election().campaign())
    monkeypatch.setattr(term, "resign", resign)
    with pytest.raises(ZeroDivisionError), term:
        raise ZeroDivisionError
    assert "could not resign: UnexpectedError" in caplog.text


# ----------------------------------------------------------------------------- the renewing thread


def real(store: Any) -> Term:
    """A term in real time, with a lease that no test waits for."""
    return won(testing.election("e", store=store, lease=timedelta(minutes=10)).campaign())


def renewing() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "s3leader-renew"]


class Unprintable(Exception):  # noqa: N818 - it is what it says
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize("error", [RuntimeError("so it is"), TypeError(), Unprintable()])
def test_the_renewing_thread_survives_whatever_may_pass(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also what does not come from the store: one failure, and the next try is answered."""
    term, tried, renewed = real(MemoryStore()), [], threading.Event()
    renew = term.renew

    def fail_once() -> None:
        tried.append(1)
        if len(tried) == 1:
            raise error
        renew()
        renewed.set()

    monkeypatch.setattr(term, "renew", fail_once)
    with term.keep_renewing(every=SHORT):
        assert renewed.wait(60)
        assert renewing()
    assert term.held
    assert f"term 1 was not renewed: {type(error).__name__}" in caplog.text


def test_the_renewing_thread_gives_up_once_the_deadline_has_passed(bucket: OneBucket) -> None:
    term = won(bucket.election().campaign())
    with term.keep_renewing(every=SHORT):
        bucket.pass_time(LEASE)
        renewing()[0].join(60)
        assert renewing() == []
    assert not term.held


@pytest.mark.parametrize("lease", [SECOND, LEASE, timedelta(hours=1)])
def test_the_thread_renews_each_third_of_the_lease_by_default(
    bucket: OneBucket, lease: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(Term, "_renew_until", lambda _, __, seconds: pauses.append(seconds))
    term = won(bucket.election(lease=lease).campaign())
    with term.keep_renewing():
        pass
    assert pauses == [int(lease.total_seconds() * 1000) // 3 / 1000]


# ------------------------------------------------------------------------------ nonces of one's own


def test_a_nonce_is_not_ones_own_for_ever(bucket: OneBucket) -> None:
    """An earlier body that somebody puts back is not a late write: that one was settled."""
    term = won(bucket.election().campaign())
    term.renew()
    earlier = bucket.store.body(key(1))
    term.renew()
    found = bucket.store.perform(Read(key(1)))
    bucket.store.perform(Replace(key(1), earlier, found.etag))  # type: ignore[union-attr]
    bucket.store.script(Fault.CONFLICTED, on=Replace)  # so that the leader looks who wrote last
    with pytest.raises(LeadershipLost):
        term.resign()
    assert bucket.store.body(key(1)) == earlier


def test_a_takeover_is_not_hidden_by_settled_renewals(bucket: OneBucket) -> None:
    term = won(bucket.election().campaign())
    for _ in range(3):
        term.renew()
    bucket.pass_time(LAPSE)
    won(bucket.election().campaign())
    with pytest.raises(LeadershipLost):
        term.resign()
