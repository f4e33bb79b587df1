"""Continued terms of a decorated handler: the event of the next leg, and what starts it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from s3leader import ContinuationNotStarted, InvalidArgument, Term, TooManyContinuations
from s3leader._io import lambda_client
from s3leader._io.memory_store import MemoryStore
from s3leader.aws_lambda import LambdaHandler
from tests.fast.s3leader._lambda.invocations import FIRST, TICK, Context, World, singleton_on

Started = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """The invocations that were started: function and event."""
    calls: Started = []

    def start(function: str, payload: bytes, *, term: int) -> None:
        calls.append((function, json.loads(payload)))

    monkeypatch.setattr(lambda_client, "start_invocation", start)
    return calls


def job(store: MemoryStore, legs: int = 2, limit: int = 5) -> LambdaHandler:
    """Return a job of so many legs."""

    @singleton_on(store, max_continuations=limit)
    def handler(event: object, context: object, term: Term) -> str:
        if term.leg < legs:
            term.continue_later({"leg": term.leg})
        return f"leg {term.leg}"

    return handler


def test_continued_term_starts_the_next_leg_with_the_events_own_keys(started: Started) -> None:
    answer = job(MemoryStore())({"tick": TICK, "contender": 1, "tariff": "b"}, Context())
    assert (answer["outcome"], answer["leg"], answer["result"]) == ("continued", 1, "leg 1")
    event = {"tick": TICK, "contender": 1, "tariff": "b", "leg": 2}
    assert started == [("arn:aws:lambda:us-east-1:000000000000:function:nightly:live", event)]


def test_job_goes_on_by_its_own_events_until_it_is_done(started: Started) -> None:
    handler, event = job(MemoryStore(), legs=4), {"tick": TICK}
    answers = [handler(event, Context())]
    while started:
        answers.append(handler(started.pop()[1], Context()))
    assert [answer["outcome"] for answer in answers] == ["continued"] * 3 + ["completed"]
    assert answers[-1]["leg"] == 4


def test_tick_of_an_eventbridge_rule_is_named_in_the_next_event(started: Started) -> None:
    event = {"detail-type": "Scheduled Event", "time": TICK}
    job(MemoryStore())(event, Context())
    assert started[0][1] == {**event, "tick": TICK, "leg": 2}


def test_repeat_is_carried_on_with_its_reason(started: Started) -> None:
    store = MemoryStore()
    job(store, legs=1)({"tick": TICK}, Context())
    job(store)({"tick": TICK, "repeat": "ops: again"}, Context())
    (_, event) = started[0]
    assert event == {"tick": TICK, "leg": 2, "repeat": "ops: again"}
    assert job(store)(event, Context())["outcome"] == "completed"


def test_repeated_delivery_of_a_continuation_does_nothing(started: Started) -> None:
    store = MemoryStore()
    job(store, legs=1)({"tick": TICK}, Context())
    job(store)({"tick": TICK, "repeat": True}, Context())
    (_, event) = started[0]
    answers = [job(store)(event, Context()) for _ in range(2)]
    assert [answer.get("reason") for answer in answers] == [None, "done"]


def test_handler_fails_if_the_next_leg_is_not_started_and_the_retry_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(function: str, payload: bytes, *, term: int) -> None:
        raise ContinuationNotStarted(term=term, function=function, why="throttled")

    monkeypatch.setattr(lambda_client, "start_invocation", fail)
    handler = job(MemoryStore())
    with pytest.raises(ContinuationNotStarted, match="throttled"):
        handler({"tick": TICK}, Context())
    answer = handler({"tick": TICK}, Context())
    assert (answer["outcome"], answer["leg"]) == ("completed", 2)


def test_what_starts_the_next_leg_is_imported_before_the_lock_is_sealed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "s3leader._io.lambda_client", None)
    world = World()
    with pytest.raises(ModuleNotFoundError):
        world.invoke(world.job(lambda term: term.continue_later(), max_continuations=1))
    assert json.loads(world.store.body(FIRST))["outcome"] == "failed"


@pytest.mark.usefixtures("started")
def test_no_continuation_is_allowed_by_default() -> None:
    @singleton_on(MemoryStore())
    def handler(event: object, context: object, term: Term) -> None:
        term.continue_later()

    with pytest.raises(TooManyContinuations, match="at most 0 continuations"):
        handler({"tick": TICK}, Context())


@pytest.mark.parametrize("event", [{"leg": 0}, {"leg": "2"}, {"leg": True}, {"repeat": 1}])
def test_leg_or_repeat_that_cannot_be_is_refused(event: Mapping[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=r"expected (leg|repeat)"):
        job(MemoryStore())({"tick": TICK, **event}, Context())


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize(
    ("legs", "limit", "expected"),
    [
        pytest.param(2, 5, {"Won": 1, "Leg": 1, "Continued": 1}, id="continued"),
        pytest.param(2, 0, {"Won": 1, "Failed": 1, "TooManyContinuations": 1}, id="not allowed"),
    ],
)
def test_metrics_show_legs(legs: int, limit: int, expected: Mapping[str, float]) -> None:
    world = World()

    def work(term: Term) -> None:
        if term.leg < legs:
            term.continue_later()

    world.invoke(world.job(work, max_continuations=limit))
    (only,) = world.blobs()
    shown = {
        name: only.values[name] for name in only.values if name not in {"Duration", "Requests"}
    }
    assert shown == expected


def test_time_left_is_that_of_the_invocation() -> None:
    found = []

    @singleton_on(MemoryStore())
    def handler(event: object, context: object, term: Term) -> None:
        found.append(term.time_left().total_seconds())

    handler({"tick": TICK}, Context(remaining_ms=61_500))
    assert found == [61.5]


def test_handler_that_ignores_the_failed_start_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(function: str, payload: bytes, *, term: int) -> None:
        raise ContinuationNotStarted(term=term, function=function, why="throttled")

    monkeypatch.setattr(lambda_client, "start_invocation", fail)

    @singleton_on(MemoryStore(), max_continuations=5)
    def handler(event: object, context: object, term: Term) -> None:
        with suppress(Exception):
            term.continue_later()

    with pytest.raises(ContinuationNotStarted):
        handler({"tick": TICK}, Context())


def test_start_in_another_thread_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, finishing, ended = threading.Event(), threading.Event(), threading.Event()
    finish = Term.finish_continuing

    def start(function: str, payload: bytes, *, term: int) -> None:
        begun.set()
        assert finishing.wait(60)
        ended.set()

    def finish_after_notice(term: Term) -> None:
        finishing.set()
        finish(term)

    monkeypatch.setattr(lambda_client, "start_invocation", start)
    monkeypatch.setattr(Term, "finish_continuing", finish_after_notice)

    @singleton_on(MemoryStore(), max_continuations=5)
    def handler(event: object, context: object, term: Term) -> None:
        threading.Thread(target=term.continue_later).start()
        assert begun.wait(60)

    handler({"tick": TICK}, Context())
    assert ended.is_set()


def test_next_event_is_that_before_the_handler_changed_it(started: Started) -> None:
    @singleton_on(MemoryStore(), max_continuations=5)
    def handler(event: dict[str, Any], context: object, term: Term) -> None:
        event["now"] = datetime.now(UTC)
        term.continue_later()

    handler({"tick": TICK}, Context())
    assert started[0][1] == {"tick": TICK, "leg": 2}


@pytest.mark.parametrize("event", [{"x": "y" * 300_000}, {"x": object()}])
def test_event_that_no_invocation_takes_is_refused_before_the_lock_is_sealed(
    event: dict[str, Any],
) -> None:
    held = []

    @singleton_on(MemoryStore(), max_continuations=5)
    def handler(event: dict[str, Any], context: object, term: Term) -> None:
        try:
            term.continue_later()
        finally:
            held.append(term.held)

    with pytest.raises(InvalidArgument, match=r"event"):
        handler({"tick": TICK, **event}, Context())
    assert held == [True]


@pytest.mark.usefixtures("started")
def test_other_ticks_keep_out_until_lambdas_retries_are_over() -> None:
    store = MemoryStore()
    job(store)({"tick": TICK}, Context(remaining_ms=3_000))
    lock = json.loads(store.body(FIRST))
    assert lock["lease_ms"] == 240_000
