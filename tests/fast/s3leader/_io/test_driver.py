"""The driver performs requests, waits and counts; a store's errors reach the generator."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
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


def test_clock_is_read_again_for_a_request_after_a_wait() -> None:
    replies = driver().run(ask(Wait(50, 50), Read("k"), Wait(1, 1), Wait(2, 2)))
    assert [(reply.sent_ms, reply.received_ms) for reply in replies] == [
        (0, 50), (50, 120), (120, 121), (121, 123),
    ]  # fmt: skip


def test_wait_sleeps_for_a_random_time_within_its_bounds() -> None:
    drawn: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return 12_345

    made = driver()
    made.uniform = uniform
    assert made.run(ask(Wait(50, 25_000))) == [Reply(Waited(), 0, 12_345)]
    assert drawn == [(50, 25_000)]


class RecordingStop:
    """Is set or not, and remembers for how many seconds it was waited for."""

    def __init__(self, *, is_set: bool) -> None:
        self.waits: list[float] = []
        self._is_set = is_set

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, timeout: float) -> bool:
        self.waits.append(timeout)
        return self._is_set


@pytest.mark.parametrize("is_set", [True, False])
def test_wait_that_may_be_cut_short_waits_for_the_stop_alone(*, is_set: bool) -> None:
    made = Driver(store=driver().store, uniform=lambda _, high: high)
    made.stop = stop = RecordingStop(is_set=is_set)
    (reply,) = made.run(ask(Wait(50, 60_000, may_stop=True)))
    assert (reply.answer, stop.waits) == (Waited(stopped=is_set), [60])


def test_wait_while_a_write_is_pending_is_not_cut_short() -> None:
    made = driver()
    made.stop = stop = RecordingStop(is_set=True)
    assert made.run(ask(Wait(50, 60_000))) == [Reply(Waited(), 0, 60_000)]
    assert not stop.waits


@pytest.mark.parametrize(("is_set", "took_ms", "wait"), [(True, 0, 60), (False, 60_000, 0)])
def test_time_of_a_wait_passes_by_the_clock_of_a_test(
    *, is_set: bool, took_ms: int, wait: int
) -> None:
    made = driver()
    made.stop = stop = RecordingStop(is_set=is_set)
    replies = made.run(ask(Wait(50, 60_000, may_stop=True)))
    assert (replies, stop.waits) == ([Reply(Waited(stopped=is_set), 0, took_ms)], [wait])


@pytest.mark.parametrize("error", [None, REFUSAL])
def test_each_answer_and_each_refusal_is_observed_with_its_time(
    error: BucketUnusable | None,
) -> None:
    seen: list[tuple[StoreRequest, object, int]] = []
    made = driver() if error is None else driver(raises(error))
    made.on_answer = lambda *what: seen.append(what)
    made.sleep(1)
    with nullcontext() if error is None else pytest.raises(BucketUnusable):
        made.run(ask(Read("k")))
    assert seen == [(Read("k"), error or Missing(5), 70)]


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


def test_steps_that_are_interrupted_end_at_once_although_they_are_still_referred_to() -> None:
    ended: list[bool] = []

    def steps() -> Steps[None]:
        try:
            yield Read("k")
        finally:
            ended.append(True)

    kept = steps()
    with pytest.raises(KeyboardInterrupt):
        driver(raises(KeyboardInterrupt())).run(kept)
    assert ended == [True]


@pytest.mark.parametrize("error", [RuntimeError("any message"), OSError()])
def test_any_other_exception_of_a_store_means_unknown(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    (reply,) = driver(raises(error)).run(ask(Read("k")))
    assert isinstance(reply.answer, Unknown)
    assert type(error).__name__ in reply.answer.cause
    assert caplog.records[0].exc_info


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


@pytest.mark.parametrize("ns", [17_000_000, 17_999_999])
def test_monotonic_clock_runs_during_a_suspension(ns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is a clock that does: time.monotonic() stands still on Linux."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    monkeypatch.setattr(time, "clock_gettime_ns", {clock: ns}.__getitem__)
    assert monotonic_ms() == 17
