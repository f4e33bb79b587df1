"""Renewals and checkpoints: what they move, and that a deadline once passed stays passed."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

import pytest

from s3leader import InvalidArgument, LeadershipLost, Term, testing
from s3leader._core.lock import MAX_STATE
from s3leader._core.requests import Read, Replace, StoreRequest
from s3leader._io.memory_store import Fault, MemoryStore
from s3leader.errors import BucketUnusable
from tests.fast.s3leader.one_bucket import (
    LAPSE,
    LEASE,
    TICK,
    InterferingStore,
    OneBucket,
    Slow,
    key,
    won,
)

SECOND = timedelta(seconds=1)
SHORT = timedelta(milliseconds=2)
REFUSED = BucketUnusable("no", action="s3:PutObject", resource="arn", code="ExpiredToken")


@pytest.fixture
def bucket() -> OneBucket:
    return OneBucket()


@pytest.fixture
def term(bucket: OneBucket) -> Term:
    return won(bucket.election().campaign(TICK))


@pytest.mark.parametrize("write", [Term.renew, lambda term: term.save({})], ids=["renew", "save"])
def test_renewing_and_saving_move_the_deadline_on(
    bucket: OneBucket, term: Term, write: Callable[[Term], object]
) -> None:
    for _ in range(5):
        bucket.pass_time(LEASE - SECOND)
        write(term)
    assert (term.remaining(), term.lock.renewals) == (LEASE, 5)


def test_renewing_past_the_deadline_is_refused_and_nothing_written(
    bucket: OneBucket, term: Term
) -> None:
    bucket.pass_time(LEASE)
    bucket.forget_requests()
    with pytest.raises(LeadershipLost, match="lease has run out"):
        term.renew()
    assert bucket.asked() == []


def test_term_whose_renewal_is_applied_too_late_does_not_lead_but_can_resign(
    bucket: OneBucket,
) -> None:
    bucket.prove_store()
    slow = Slow(bucket, LEASE // timedelta(milliseconds=1), Replace)
    term = won(bucket.election(store=slow).campaign())
    bucket.pass_time(SECOND)
    with pytest.raises(LeadershipLost, match="lease has run out"):
        term.renew()
    assert (bucket.body(2)["renewals"], term.held) == (1, False)
    term.resign()
    assert bucket.body(2)["outcome"] == "completed"


def test_renewal_unknown_to_the_end_of_the_lease_is_leadership_lost(
    bucket: OneBucket, term: Term
) -> None:
    bucket.store.script(Fault.REQUEST_LOST, on=Replace, times=10**6)
    with pytest.raises(LeadershipLost, match="lease has run out"):
        term.renew()
    assert not term.held


def renewal(request: StoreRequest) -> bool:
    return isinstance(request, Replace) and b'"expired": false' in request.body


@pytest.mark.parametrize("landing", ["never", "before resigning", "after resigning"])
def test_term_with_an_unconfirmed_renewal_can_still_complete(
    bucket: OneBucket, term: Term, landing: str
) -> None:
    bucket.store.script(Fault.LATE, on=renewal, times=10**6)
    with pytest.raises(LeadershipLost):
        term.save({"a": 1})
    if landing == "before resigning":
        bucket.store.deliver_late()
    term.resign()
    bucket.store.deliver_late()
    assert bucket.body(1)["outcome"] == "completed"


def test_unconfirmed_renewal_does_not_hide_a_takeover(bucket: OneBucket) -> None:
    bucket.prove_store()
    term = won(bucket.election().campaign())
    bucket.store.script(Fault.LATE, on=renewal, times=10**6)
    with pytest.raises(LeadershipLost):
        term.renew()
    bucket.pass_time(LAPSE)
    won(bucket.election().campaign())
    bucket.store.deliver_late()
    with pytest.raises(LeadershipLost, match="its lease had run out, and candidate c3 sealed"):
        term.resign()
    assert bucket.body(2)["outcome"] == "deposed"


@pytest.mark.parametrize("error", [REFUSED, KeyboardInterrupt()], ids=lambda e: type(e).__name__)
def test_term_whose_renewal_was_broken_off_can_still_complete(
    bucket: OneBucket, error: BaseException
) -> None:
    """The renewal was applied, its answer was lost, and the next try raised an exception."""
    tries: list[StoreRequest] = []

    def before(request: StoreRequest) -> None:
        if renewal(request):
            tries.append(request)
            if len(tries) == 2:
                raise error

    bucket.prove_store()
    term = won(bucket.election(store=InterferingStore(bucket, before)).campaign())
    bucket.store.script(Fault.ANSWER_LOST, on=renewal)
    with pytest.raises(type(error)):
        term.renew()
    term.resign()
    assert bucket.body(2)["outcome"] == "completed"


def test_refused_renewal_leaves_the_term_as_it_was(bucket: OneBucket, term: Term) -> None:
    bucket.store.script(Fault.REFUSED, on=Replace)
    with pytest.raises(BucketUnusable):
        term.renew()
    term.renew()
    assert term.held


def test_nonce_of_a_settled_renewal_is_no_longer_ones_own(bucket: OneBucket, term: Term) -> None:
    """An earlier body that an operator puts back is not a late write: that one was settled."""
    term.renew()
    earlier = bucket.store.body(key(1))
    term.renew()
    found = bucket.store.perform(Read(key(1)))
    bucket.store.perform(Replace(key(1), earlier, found.etag))  # type: ignore[union-attr]
    bucket.store.script(Fault.CONFLICTED, on=Replace)  # so that the leader reads who wrote last
    with pytest.raises(LeadershipLost):
        term.resign()
    assert bucket.store.body(key(1)) == earlier


@pytest.mark.parametrize("crashed", [False, True], ids=["resigned", "crashed"])
def test_checkpoint_is_inherited_by_the_next_term(
    bucket: OneBucket, term: Term, *, crashed: bool
) -> None:
    term.save({"after": "x"})
    if crashed:
        bucket.pass_time(LAPSE)
    else:
        term.resign("failed")
    assert won(bucket.election().campaign()).state == {"after": "x"}


def test_renewing_keeps_the_checkpoint(bucket: OneBucket, term: Term) -> None:
    term.save({"a": 1})
    term.renew()
    assert (term.state, bucket.body(1)["state"]) == ({"a": 1}, {"a": 1})


def test_empty_checkpoint_replaces_a_full_one(term: Term) -> None:
    term.save({"a": 1})
    term.save({})
    assert term.state == {}


def test_state_is_copied_when_it_is_saved_and_when_it_is_read(term: Term) -> None:
    given: dict[str, Any] = {"a": [1]}
    term.save(given)
    given["a"].append(2)
    term.state["a"].append(2)
    assert term.state == {"a": [1]}


def looped() -> dict[str, Any]:
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    return loop


def nested() -> dict[str, Any]:
    deep: Any = 0
    for _ in range(100_000):
        deep = [deep]
    return {"deep": deep}


@pytest.mark.parametrize(
    "state",
    [
        lambda: {"a": object()},
        lambda: {"a": b"x"},
        lambda: {"a": math.nan},
        lambda: {"a": math.inf},
        lambda: {("a",): 1},
        lambda: {"a": "x" * 256 * 1024},
        lambda: {"a": "é" * 50_000},
        lambda: [1, 2],
        lambda: "text",
        lambda: None,
        looped,
        nested,
    ],
)
def test_state_that_cannot_be_kept_is_refused_and_nothing_written(
    bucket: OneBucket, term: Term, state: Callable[[], Any]
) -> None:
    bucket.forget_requests()
    with pytest.raises(InvalidArgument, match="state"):
        term.save(state())
    assert (bucket.asked(), term.held, term.state) == ([], True, {})


def test_largest_state_can_be_saved_sealed_and_inherited(bucket: OneBucket) -> None:
    state = {"a": "x" * (MAX_STATE - len('{"a": ""}'))}
    term = won(bucket.election(candidate="😀" * 200).campaign(TICK))
    term.save(state)
    term.resign("failed", reason="😀" * 1_000)
    assert won(bucket.election().campaign(TICK)).state == state


def real(store: MemoryStore) -> Term:
    """A term in real time; its lease outlasts the slowest machine."""
    return won(testing.election("e", store=store, lease=timedelta(minutes=5)).campaign())


def renewing_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "s3leader-renew"]


def test_thread_renews_until_the_block_is_left_and_is_joined() -> None:
    store = MemoryStore()
    term = real(store)
    third = threading.Event()

    def enough(request: StoreRequest) -> bool:
        if len(store.requests) >= 5:
            third.set()
        return False

    store.script(Fault.REQUEST_LOST, on=enough)
    with term.keep_renewing(every=SHORT):
        assert third.wait(60)
        assert renewing_threads()
    assert renewing_threads() == []
    asked = len(store.requests)
    term.resign()
    assert len(store.requests) == asked + 1


def test_thread_that_loses_leadership_stops_and_ensure_held_raises(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = MemoryStore()
    term = real(store)
    with term.keep_renewing(every=SHORT):
        testing.election("e", store=store).depose(reason="stuck", force=True)
        renewing_threads()[0].join(60)
        with pytest.raises(LeadershipLost, match=r"an operator deposed it \(reason: stuck\)"):
            term.ensure_held()
    assert "leadership of term 1 is lost" in caplog.text


def test_thread_stops_once_the_deadline_has_passed(bucket: OneBucket, term: Term) -> None:
    with term.keep_renewing(every=SHORT):
        bucket.pass_time(LEASE)
        renewing_threads()[0].join(60)
        assert renewing_threads() == []
    assert not term.held


@pytest.mark.parametrize("error", [REFUSED, RuntimeError("no")], ids=lambda e: type(e).__name__)
def test_thread_goes_on_after_an_error(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
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
        assert renewing_threads()
    assert term.held
    assert f"term 1 was not renewed: {type(error).__name__}" in caplog.text


@pytest.mark.parametrize("lease", [SECOND, LEASE, timedelta(hours=1)])
def test_thread_renews_each_third_of_the_lease_by_default(
    bucket: OneBucket, lease: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    every: list[int] = []

    def renewal(_: object, __: int, every_ms: int, *_more: object) -> AbstractContextManager[None]:
        every.append(every_ms)
        return nullcontext()

    monkeypatch.setattr("s3leader.term.renewal", renewal)
    with won(bucket.election(lease=lease).campaign()).keep_renewing():
        pass
    assert every == [int(lease.total_seconds() * 1000) // 3]


def test_error_in_the_renewing_block_is_passed_on_and_the_thread_joined() -> None:
    term = real(MemoryStore())
    with pytest.raises(ZeroDivisionError), term.keep_renewing():
        raise ZeroDivisionError
    assert renewing_threads() == []


@pytest.mark.parametrize("every", [timedelta(0), -SECOND, LEASE, 2 * LEASE])
def test_interval_that_is_not_within_the_lease_is_refused(term: Term, every: timedelta) -> None:
    with (
        pytest.raises(InvalidArgument, match="expected `every` to be"),
        term.keep_renewing(every=every),
    ):
        pass
    assert renewing_threads() == []
