"""Observers that block, raise, or call back into the election change nothing of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock, Mock, create_autospec

import pytest

from s3leader import InvalidArgument, LeadershipLost, NotElected, S3LeaderError, Term
from s3leader._core.requests import Create, Replace
from s3leader.observer import Observer, StoreAnswered, Won
from s3leader.testing import FakeClock, Fault, MemoryStore, async_election, election
from tests.fast.s3leader.recorder import METHODS, Recorder

LEASE = timedelta(seconds=30)
TICK = "2025-11-23T06:00:00Z"


class Scene:
    """A store and its time; elections are of one name."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(clock_ms=self.clock.read_ms)

    def election(self, observer: Observer | None = None, **options: Any) -> Any:
        return election(
            "e", store=self.store, clock=self.clock, observer=observer, lease=LEASE, **options
        )


@pytest.fixture
def scene() -> Scene:
    return Scene()


class Slow(Recorder):
    """Takes `takes` for each answer to a kind of request."""

    def __init__(self, clock: FakeClock, request: str, takes: timedelta) -> None:
        super().__init__()
        self._clock, self._request, self._takes = clock, request, takes

    def store_answered(self, event: StoreAnswered) -> None:
        if event.request == self._request:
            self._clock.advance(self._takes)


def test_a_win_that_an_observer_keeps_beyond_the_lease_is_not_held(scene: Scene) -> None:
    scene.election().campaign().resign()
    term = scene.election(Slow(scene.clock, "create", LEASE)).campaign()
    assert not term.held
    scene.clock.advance(timedelta(seconds=5))
    assert isinstance(scene.election().campaign(), Term)
    with pytest.raises(LeadershipLost):
        term.resign()


def test_what_is_left_of_the_lease_does_not_depend_on_the_observers_time(scene: Scene) -> None:
    scene.election().campaign().resign()
    observer = Slow(scene.clock, "replace", timedelta(seconds=24))
    term = scene.election(observer).campaign()
    scene.clock.advance(timedelta(seconds=5))
    term.renew()
    name, event = observer.events[-1]
    assert (name, event.left) == ("renewed", timedelta(seconds=25))


class CallsBack(Observer):
    """Makes a call at the first event of a kind that comes once there is a `call`."""

    def __init__(self, method: str) -> None:
        setattr(self, method, self._react)
        self.call: Callable[[], object] | None = None
        self.result: object = None

    def _react(self, _: object) -> None:
        call, self.call = self.call, None
        if call is not None:
            self.result = call()


CALLS: dict[str, Callable[[Term], object]] = {
    "renew": Term.renew,
    "save": lambda term: term.save({"by": "the observer"}),
    "resign": lambda term: term.resign("failed", "by the observer"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("method", ["store_answered", "renewed", "swept", "resigned"])
def test_an_observer_that_calls_the_term_during_a_write_is_refused(
    method: str, call: str, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.election().campaign().resign()
    observer = CallsBack(method)
    term = scene.election(observer).campaign(TICK)
    observer.call = lambda: CALLS[call](term)
    term.renew()
    term.save({"by": "the job"})
    term.resign()
    assert "expected no call of term 2 during a write of its lock" in caplog.text
    lock = scene.election().observe()
    assert (lock.outcome, lock.state) == ("completed", {"by": "the job"})


def test_an_observer_that_hears_of_the_end_may_still_ask_whether_the_term_is_held(
    scene: Scene,
) -> None:
    observer = CallsBack("leadership_ended")
    term = scene.election(observer).campaign()
    observer.call = lambda: (term.held, term.remaining())
    scene.clock.advance(LEASE)
    with pytest.raises(LeadershipLost):
        term.ensure_held()
    assert observer.result == (False, timedelta(0))


@pytest.mark.parametrize("method", ["won", "campaign_lost", "store_answered"])
def test_an_observer_that_campaigns_itself_makes_no_second_leader(
    method: str, scene: Scene
) -> None:
    observer = CallsBack(method)
    made = scene.election(observer)
    if method == "campaign_lost":
        scene.election().campaign()
    observer.call = made.campaign
    results = [made.campaign(), observer.result]
    assert observer.call is None
    assert sum(isinstance(each, Term) for each in results) == (method != "campaign_lost")
    assert sum(isinstance(each, NotElected) for each in results) == 2 - (method != "campaign_lost")


def test_an_observer_that_looks_at_the_election_changes_nothing(scene: Scene) -> None:
    observer = CallsBack("renewed")
    made = scene.election(observer)
    term = made.campaign()
    observer.call = made.observe
    term.renew()
    assert observer.result == term.lock or observer.result.nonce == term.lock.nonce  # type: ignore[attr-defined]
    term.resign()


class Broken(Observer):
    """Has no usable method of that name."""

    def __init__(self, method: str) -> None:
        setattr(self, method, None)


class BrokenProperty(Observer):
    @property
    def won(self) -> Any:
        raise RuntimeError("not ready")


@pytest.mark.parametrize(
    "made", [*map(Broken, METHODS), BrokenProperty()], ids=[*METHODS, "a property that raises"]
)
def test_an_observer_whose_method_cannot_be_called_changes_nothing(
    made: Observer, scene: Scene
) -> None:
    scene.election().campaign().resign()
    with scene.election(made).campaign(TICK) as term:
        term.renew()
    assert term.outcome == "completed"


@pytest.mark.parametrize("make", [election, async_election])
def test_an_async_method_is_refused_because_nobody_would_await_it(make: Any) -> None:
    class Awaited(Observer):
        async def won(self, event: Won) -> None:  # type: ignore[override]
            raise AssertionError(event)

    with pytest.raises(InvalidArgument, match=r"expected Awaited\.won to be a plain function"):
        make(observer=Awaited())


class AsyncCallable:
    async def __call__(self, event: Won) -> None:
        raise AssertionError(event)


@pytest.mark.parametrize("method", [AsyncMock(), AsyncCallable()])
def test_an_async_method_of_the_instance_alone_is_refused_too(method: Any) -> None:
    observer = Observer()
    observer.won = method  # type: ignore[method-assign]
    with pytest.raises(InvalidArgument, match=r"expected Observer\.won to be a plain function"):
        election(observer=observer)


@pytest.mark.parametrize(
    "observer", [Mock(spec=Observer), create_autospec(Observer, instance=True)]
)
def test_a_mock_of_an_observer_receives_events(observer: Any, scene: Scene) -> None:
    scene.election(observer).campaign()
    observer.won.assert_called_once()


def test_a_renewal_that_is_refused_is_late_and_not_confirmed(scene: Scene) -> None:
    recorder = Recorder()
    term = scene.election(recorder).campaign()
    scene.store.script(Fault.REFUSED, on=Replace)
    with pytest.raises(S3LeaderError):
        term.renew()
    assert recorder.names == ["won", "renewed_late"]
    assert not recorder.events[-1][1].confirmed


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.REQUEST_LOST])
def test_a_resignation_that_is_not_confirmed_ends_leadership(scene: Scene, fault: Fault) -> None:
    recorder = Recorder()
    term = scene.election(recorder).campaign()
    scene.store.script(fault, on=Replace, times=1000)
    for _ in range(2):
        with pytest.raises(S3LeaderError):
            term.resign()
    [(_, _), (name, event)] = recorder.events
    assert (name, event.cause) == ("leadership_ended", "unsealed")


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda scene: scene.store.script(Fault.REFUSED, on=Create), "BucketUnusable"),
        (lambda scene: scene.store.script(Fault.REQUEST_LOST, times=1000), "StoreUnavailable"),
        (
            lambda scene: scene.store.perform(Create("elections/e/lock_0000000001.json", b"[]")),
            "CorruptLock",
        ),
    ],
    ids=["refused", "no answer", "corrupt"],
)
def test_a_campaign_that_raises_says_why(
    spoil: Callable[[Scene], object], kind: str, scene: Scene
) -> None:
    recorder = Recorder()
    spoil(scene)
    with pytest.raises(S3LeaderError) as raised:
        scene.election(recorder).campaign(TICK)
    [(name, event)] = recorder.events
    assert (name, event.requests) == ("campaign_failed", len(recorder.answers))
    assert (event.kind, event.error) == (kind, f"{kind}: {raised.value}")
    assert (event.key, event.problem) == (
        getattr(raised.value, "key", None),
        getattr(raised.value, "problem", None),
    )


def test_requests_and_times_are_right_after_a_lost_answer(scene: Scene) -> None:
    recorder = Recorder()
    term = scene.election(recorder).campaign()
    scene.store.script(Fault.ANSWER_LOST, on=Replace)
    scene.clock.advance(timedelta(seconds=5))
    began_ms = scene.clock.ms
    term.renew()
    waited = timedelta(milliseconds=scene.clock.ms - began_ms)
    scene.store.script(Fault.ANSWER_LOST, on=Replace)
    term.resign()
    renewed, resigned = recorder.events[1][1], recorder.events[2][1]
    assert renewed.left == LEASE - timedelta(seconds=5) - waited
    assert resigned.requests == len(recorder.answers) == len(scene.store.requests)
    assert resigned.duration == timedelta(milliseconds=scene.clock.ms) - (
        timedelta(milliseconds=began_ms) - timedelta(seconds=5)
    )


def test_events_of_the_renewing_thread_come_from_it() -> None:
    renewed = threading.Event()
    seen: list[str] = []

    class Names(Observer):
        def renewed(self, event: object) -> None:
            seen.append(threading.current_thread().name)
            renewed.set()

    term = election(observer=Names()).campaign()
    assert isinstance(term, Term)
    with term, term.keep_renewing(timedelta(milliseconds=1)):
        assert renewed.wait(60)
    assert {*seen} == {"s3leader-renew"}
