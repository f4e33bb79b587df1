"""The driver performs requests, waits and counts; a store's errors reach the generator."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from s3leader._core.candidate import Steps
from s3leader._core.requests import (
    Create,
    List,
    Missing,
    Read,
    Reply,
    Request,
    StoreAnswer,
    StoreRequest,
    Tag,
    Unknown,
    Wait,
    Waited,
)
from s3leader._io.driver import Driver, monotonic_ms
from s3leader.errors import BucketUnusable
from s3leader.testing import FakeClock

REFUSAL = BucketUnusable("no", action="s3:GetObject", resource="arn", code="AccessDenied")


def ask(*requests: Request) -> Steps[list[Reply]]:
    replies: list[Reply] = []
    for request in requests:
        reply = yield request
        replies.append(reply)
    return replies


def driver(answer: Callable[[], StoreAnswer] = lambda: Missing(5)) -> Driver:
    """Return a driver whose store takes 70 ms for each answer, and which waits the longest time."""
    clock = FakeClock(datetime(1970, 1, 1, tzinfo=UTC))

    class SlowStore:
        def perform(self, request: StoreRequest) -> StoreAnswer:
            clock.ms += 70
            return answer()

    return Driver(
        store=SlowStore(), clock_ms=clock.read_ms, sleep=clock.sleep, uniform=lambda _, high: high
    )


def raises(error: BaseException) -> Callable[[], StoreAnswer]:
    def fail() -> StoreAnswer:
        raise error

    return fail


def test_clock_is_read_before_sending_and_after_the_answer() -> None:
    replies = driver().run(ask(Read("k"), Read("l")))
    assert replies == [Reply(Missing(5), 0, 70), Reply(Missing(5), 70, 140)]


def test_wait_sleeps_for_a_random_time_within_its_bounds() -> None:
    drawn: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return 120

    made = driver()
    made.uniform = uniform
    assert made.run(ask(Wait(50, 250))) == [Reply(Waited(), 0, 120)]
    assert drawn == [(50, 250)]


def test_requests_are_counted_and_waits_are_not() -> None:
    made = driver()
    made.run(ask(Read("k"), Wait(1, 2), Read("k")))
    made.run(ask(Read("k")))
    assert made.requests == 3


def test_refusal_is_thrown_into_the_generator_which_may_go_on() -> None:
    def steps() -> Steps[object]:
        try:
            yield Read("k")
        except BucketUnusable as error:
            reply = yield Wait(1, 1)
            return (error, reply.answer)
        return None

    assert driver(raises(REFUSAL)).run(steps()) == (REFUSAL, Waited())


@pytest.mark.parametrize("error", [REFUSAL, KeyboardInterrupt()], ids=lambda e: type(e).__name__)
def test_refusal_or_interruption_reaches_the_caller(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        driver(raises(error)).run(ask(Read("k")))
    assert caught.value is error


@pytest.mark.parametrize("error", [RuntimeError("any message"), OSError()])
def test_any_other_exception_of_a_store_means_unknown(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    (reply,) = driver(raises(error)).run(ask(Read("k")))
    assert isinstance(reply.answer, Unknown)
    assert type(error).__name__ in reply.answer.cause
    assert caplog.records[0].exc_info is not None


def test_the_same_problem_is_logged_once_until_an_answer_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lost, found = Unknown("no answer"), Missing(5)
    answers: list[StoreAnswer] = [lost, lost, lost, found, lost, Unknown("reset"), lost]
    driver(iter(answers).__next__).run(ask(*[Read("k")] * 7))
    causes = [record.getMessage().rpartition(": ")[2] for record in caplog.records]
    assert causes == ["no answer", "no answer", "reset", "no answer"]


def test_a_problem_of_another_request_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    requests = (Read("k"), Read("l"), Create("l", b"secret"), List("p/", "p/a", "t"), Tag("k"))
    driver(lambda: Unknown("no answer")).run(ask(*requests))
    assert [record.getMessage() for record in caplog.records] == [
        f"no usable answer to a {what}: no answer"
        for what in ("GET of k", "GET of l", "PUT of l", "LIST of p/", "PUT of the tags of k")
    ]


def test_monotonic_clock_runs_during_a_suspension(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is a clock that does: time.monotonic() stands still on Linux."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    monkeypatch.setattr(time, "clock_gettime_ns", {clock: 17_000_000}.__getitem__)
    assert monotonic_ms() == 17
