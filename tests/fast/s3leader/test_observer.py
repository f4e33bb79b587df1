"""What an observer receives, and that it changes nothing."""

from __future__ import annotations

import copy
import pickle
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from s3leader import InvalidArgument, LeadershipLost, S3LeaderError, Term
from s3leader._core.requests import Create, Replace, StoreRequest, Tag
from s3leader.aws_lambda import singleton
from s3leader.observer import (
    CampaignLost,
    LeadershipEnded,
    Observer,
    Renewed,
    Resigned,
    Swept,
    Won,
)
from s3leader.testing import FakeClock, Fault, MemoryStore, election, invoke
from tests.fast.s3leader.forks import FORKS, in_child
from tests.fast.s3leader.recorder import METHODS, Recorder

LEASE = timedelta(seconds=30)
TICK = "2025-11-23T06:00:00Z"


class Scene:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(clock_ms=self.clock.read_ms)
        self.observer = Recorder()
        self.election = self.candidate(self.observer)

    @property
    def here(self) -> dict[str, str]:
        return {"election": "e", "address": self.election.address}

    def candidate(self, observer: Observer | None = None) -> Any:
        return election("e", store=self.store, clock=self.clock, observer=observer, lease=LEASE)

    def won(self, **how: Any) -> Term:
        term = self.election.campaign(**how)
        assert isinstance(term, Term)
        return term


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_term_from_its_win_to_its_end(scene: Scene) -> None:
    term, here = scene.won(tick=TICK), scene.here
    scene.clock.advance(timedelta(seconds=5))
    term.renew()
    term.resign(reason="enough")
    assert scene.observer.events == [
        (
            "won",
            Won(
                **here,
                term=1,
                holder=term.lock.holder,
                tick=term.tick,
                attempt=1,
                leg=1,
                repeat=False,
                repeat_reason=None,
                done=None,
                took_over=False,
                requests=4,
                duration=timedelta(0),
            ),
        ),
        ("renewed", Renewed(**here, term=1, left=timedelta(seconds=25), confirmed=True)),
        (
            "resigned",
            Resigned(
                **here,
                term=1,
                tick=term.tick,
                outcome="completed",
                reason="enough",
                requests=6,
                duration=timedelta(seconds=5),
            ),
        ),
    ]


def test_a_lost_campaign_says_why_and_to_whom(scene: Scene) -> None:
    leader = scene.candidate().campaign()
    scene.election.campaign(tick=TICK, wait=timedelta(seconds=4))
    [(name, event)] = scene.observer.events
    assert name == "campaign_lost"
    assert isinstance(event, CampaignLost)
    assert (event.reason, event.term, event.holder) == ("held", 1, leader.lock.holder)
    assert event.requests == len(scene.observer.answers)
    assert event.duration >= timedelta(seconds=4)


def test_a_tick_that_is_done_is_reported_with_what_is_completed(scene: Scene) -> None:
    scene.won(tick=TICK).resign()
    scene.election.campaign(tick=TICK)
    event = scene.observer.events[-1][1]
    assert (event.reason, event.requests, event.done) == ("done", 0, event.tick)


def test_a_takeover_is_reported_as_one(scene: Scene) -> None:
    scene.candidate().campaign()
    scene.clock.advance(2 * LEASE)
    assert scene.won().took_over
    assert scene.observer.events[0][1].took_over


def test_a_renewal_with_less_than_a_third_of_the_lease_left_is_late(scene: Scene) -> None:
    term = scene.won()
    scene.clock.advance(LEASE * 2 / 3)
    term.renew()
    scene.clock.advance(LEASE * 2 / 3 + timedelta(seconds=1))
    term.renew()
    assert scene.observer.names == ["won", "renewed", "renewed_late"]
    assert scene.observer.events[-1][1].left == LEASE / 3 - timedelta(seconds=1)


def test_a_renewal_whose_answer_never_comes_is_late_and_unconfirmed(scene: Scene) -> None:
    term = scene.won()
    scene.store.script(Fault.REQUEST_LOST, on=Replace, times=1000)
    with pytest.raises(LeadershipLost):
        term.renew()
    assert scene.observer.names == ["won", "renewed_late", "leadership_ended"]
    assert not scene.observer.events[1][1].confirmed


def test_leadership_that_another_took_is_reported_once(scene: Scene) -> None:
    term = scene.won()
    scene.candidate().depose(reason="an operator", force=True)
    for _ in range(2):
        with pytest.raises(LeadershipLost):
            term.renew()
    with pytest.raises(LeadershipLost):
        term.resign()
    assert scene.observer.names == ["won", "leadership_ended"]


def test_a_lease_that_ran_out_is_reported_once_and_may_be_followed_by_the_resignation(
    scene: Scene,
) -> None:
    term = scene.won()
    scene.clock.advance(LEASE)
    for _ in range(2):
        with pytest.raises(LeadershipLost):
            term.ensure_held()
    term.resign()
    assert scene.observer.names == ["won", "leadership_ended", "resigned"]
    assert scene.observer.events[1][1] == LeadershipEnded(
        **scene.here, term=1, cause="ran_out", why="its lease has run out"
    )


def test_leadership_that_is_found_lost_at_the_end_is_reported(scene: Scene) -> None:
    term = scene.won()
    scene.candidate().depose(reason="an operator", force=True)
    with pytest.raises(LeadershipLost):
        term.resign()
    assert scene.observer.names == ["won", "leadership_ended"]


def test_leadership_that_was_resigned_is_not_reported_as_ended(scene: Scene) -> None:
    term = scene.won()
    term.resign()
    with pytest.raises(LeadershipLost):
        term.ensure_held()
    assert scene.observer.names == ["won", "resigned"]


def test_swept_locks_are_counted(scene: Scene) -> None:
    scene.candidate().campaign().resign()
    scene.won().resign()
    assert ("swept", Swept(**scene.here, term=2, locks=1, error=None)) in scene.observer.events


def test_a_sweep_that_is_refused_is_reported_with_its_cause(scene: Scene) -> None:
    scene.candidate().campaign().resign()
    scene.store.script(Fault.REFUSED, on=Tag)
    scene.won().resign()
    event = dict(scene.observer.events)["swept"]
    assert event.locks == 0
    assert "AccessDenied" in event.error


def test_every_request_is_reported_with_its_answer(scene: Scene) -> None:
    scene.store.script(Fault.ANSWER_LOST, on=Create)
    scene.won()
    seen = [(event.request, event.answer) for event in scene.observer.answers]
    assert seen[:4] == [
        ("list", "listed"),
        ("create", "unknown"),
        ("create", "conflict"),
        ("read", "found"),
    ]
    assert scene.observer.answers[1].key == "elections/e/lock_0000000001.json"
    assert scene.observer.answers[1].cause


def test_a_refused_request_is_reported_before_it_is_raised(scene: Scene) -> None:
    scene.store.script(Fault.REFUSED, on=Create)
    with pytest.raises(S3LeaderError):
        scene.won()
    assert scene.observer.answers[-1].answer == "refused"


class Raises(Observer):
    def __init__(self, method: str) -> None:
        setattr(self, method, self._fail)

    def _fail(self, _: object) -> None:
        raise RuntimeError("a full disk")


def everything(scene: Scene, observer: Observer | None) -> list[object]:
    """Let a candidate meet every event; return what was sent."""
    candidate = scene.candidate(observer)
    scene.candidate().campaign().resign()
    with candidate.campaign(tick=TICK) as term:
        term.renew()
        scene.clock.advance(LEASE - timedelta(seconds=1))
        term.renew()
    candidate.campaign(tick=TICK)
    scene.store.script(Fault.REFUSED, on=Create)
    with pytest.raises(S3LeaderError):
        candidate.campaign()
    last = candidate.campaign()
    scene.clock.advance(LEASE)
    with pytest.raises(LeadershipLost):
        last.ensure_held()
    return [type(request) for request in scene.store.requests]


@pytest.mark.parametrize("method", METHODS)
def test_an_observer_that_raises_changes_nothing(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert everything(Scene(), Raises(method)) == everything(Scene(), None)
    assert "the observer raised RuntimeError: a full disk" in caplog.text


@FORKS
def test_a_fork_reports_nothing_of_its_parents_term(scene: Scene) -> None:
    term = scene.won()

    def child() -> bool:
        with pytest.raises(LeadershipLost):
            term.renew()
        return scene.observer.names == ["won"]

    assert in_child(child) == "True"


@pytest.mark.parametrize(
    ("observer", "remedy"),
    [
        (object(), "make a subclass, and pass an instance of it"),
        (Recorder, r"pass an instance, Recorder\(…\)"),
        (print, "make a subclass, and pass an instance of it"),
    ],
)
def test_what_is_no_observer_is_refused(observer: Any, remedy: str) -> None:
    with pytest.raises(InvalidArgument, match=f"expected observer to be .*: {remedy}$"):
        election(observer=observer)


def test_a_decorated_handlers_observer_receives_its_campaign_and_its_term() -> None:
    recorder = Recorder()

    @singleton(observer=recorder)
    def handler(_event: object, _context: object, term: Term) -> int:
        return term.number

    store = MemoryStore()
    for _ in range(2):
        invoke(handler, tick=TICK, store=store)
    assert recorder.names == ["won", "resigned", "campaign_lost"]
    assert len(recorder.answers) == len(store.requests)


def test_a_decorator_refuses_what_is_no_observer_when_it_is_applied() -> None:
    with pytest.raises(InvalidArgument, match="expected observer to be"):
        singleton(observer=Recorder)  # type: ignore[call-overload]


def test_an_event_is_a_frozen_record_that_can_be_copied_compared_and_sent(scene: Scene) -> None:
    scene.won(tick=TICK).resign()
    for name, event in scene.observer.events:
        assert copy.deepcopy(event) == event == pickle.loads(pickle.dumps(event))  # noqa: S301 - ours
        assert len({event, copy.copy(event)}) == 1
        assert type(event)(**vars(event)) == event != type(event)(**{**vars(event), "term": 9})
        assert f"{type(event).__name__}(election='e', " in repr(event)
        with pytest.raises(AttributeError, match="cannot set term: events do not change"):
            event.term = 9
        with pytest.raises(AttributeError, match="cannot delete term: events do not change"):
            del event.term
        with pytest.raises(TypeError, match=r"missing or unknown: holdr, term$"):
            type(event)(**{key: 1 for key in vars(event) if key != "term"}, holdr=1)
        assert name in METHODS


class Odd(MemoryStore):
    def perform(self, request: StoreRequest) -> Any:
        answer = super().perform(request)
        return type("Better", (type(answer),), {})(**asdict(answer))


def test_an_answer_of_an_unknown_type_does_not_break_an_observed_election() -> None:
    recorder = Recorder()
    election(store=Odd(), observer=recorder).campaign().resign()  # type: ignore[union-attr]
    assert recorder.names == ["won", "resigned"]
