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
    Listed,
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

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REFUSAL = BucketUnusable("no", action="s3:GetObject", resource="arn", code="AccessDenied")


class SlowStore:
    def __init__(self, clock: FakeClock, answer: Callable[[], StoreAnswer]) -> None:
        self.clock, self.answer = clock, answer
        self.requests: list[StoreRequest] = []

    def perform(self, request: StoreRequest) -> StoreAnswer:
        self.requests.append(request)
        self.clock.ms += 70
        return self.answer()


def ask(*requests: Request) -> Steps[list[Reply]]:
    replies: list[Reply] = []
    for request in requests:
        reply = yield request
        replies.append(reply)
    return replies


def driver(answer: Callable[[], StoreAnswer] = lambda: Missing(5)) -> tuple[Driver, SlowStore]:
    clock = FakeClock(EPOCH)
    store = SlowStore(clock, answer)
    made = Driver(
        store=store, clock_ms=clock.read_ms, sleep=clock.sleep, uniform=lambda low, high: high
    )
    return made, store


def test_clock_is_read_before_sending_and_after_the_answer() -> None:
    made, _ = driver()
    assert made.run(ask(Read("k"), Read("l"))) == [
        Reply(Missing(5), 0, 70),
        Reply(Missing(5), 70, 140),
    ]


def test_wait_sleeps_for_a_random_time_and_sends_nothing() -> None:
    made, store = driver()
    assert made.run(ask(Wait(50, 250))) == [Reply(Waited(), 0, 250)]
    assert store.requests == []


def test_bounds_of_a_wait_are_passed_to_the_random_source() -> None:
    drawn: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return low

    clock = FakeClock(EPOCH)
    made = Driver(
        store=SlowStore(clock, lambda: Missing(5)),
        clock_ms=clock.read_ms,
        sleep=clock.sleep,
        uniform=uniform,
    )
    made.run(ask(Wait(50, 250)))
    assert drawn == [(50, 250)]


def test_requests_are_counted_and_waits_are_not() -> None:
    made, _ = driver()
    made.run(ask(Read("k"), Wait(1, 2), Read("k")))
    made.run(ask(Read("k")))
    assert made.requests == 3


def test_generator_without_requests_sends_nothing() -> None:
    made, store = driver()
    assert made.run(ask()) == []
    assert store.requests == []


def refuse() -> StoreAnswer:
    raise REFUSAL


def test_refusal_is_thrown_into_the_generator_which_may_go_on() -> None:
    def steps() -> Steps[object]:
        try:
            yield Read("k")
        except BucketUnusable as error:
            reply = yield Wait(1, 1)
            return (error, reply.answer)
        return None

    made, _ = driver(refuse)
    assert made.run(steps()) == (REFUSAL, Waited())


def test_refusal_that_the_generator_lets_through_reaches_the_caller() -> None:
    made, _ = driver(refuse)
    with pytest.raises(BucketUnusable) as caught:
        made.run(ask(Read("k")))
    assert caught.value is REFUSAL
    assert made.requests == 1


@pytest.mark.parametrize(
    "error", [RuntimeError("any message"), TypeError(), KeyError("k"), OSError()]
)
def test_any_other_exception_of_a_store_means_unknown(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> StoreAnswer:
        raise error

    made, _ = driver(fail)
    (reply,) = made.run(ask(Read("k")))
    assert isinstance(reply.answer, Unknown)
    assert type(error).__name__ in reply.answer.cause
    assert caplog.records[0].exc_info is not None


def test_the_same_problem_is_logged_once_until_an_answer_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lost, found = Unknown("no answer"), Missing(5)
    answers: list[StoreAnswer] = [lost, lost, lost, found, lost, Unknown("reset"), lost]
    made, _ = driver(iter(answers).__next__)
    made.run(ask(*[Read("k")] * 7))
    causes = [record.getMessage().rpartition(": ")[2] for record in caplog.records]
    assert causes == ["no answer", "no answer", "reset", "no answer"]


def test_a_problem_of_another_request_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    made, _ = driver(lambda: Unknown("no answer"))
    made.run(ask(Read("k"), Read("l"), Create("l", b"secret"), List("p/", "p/a", "t"), Tag("k")))
    assert [record.getMessage() for record in caplog.records] == [
        f"no usable answer to a {what}: no answer"
        for what in ("GET of k", "GET of l", "PUT of l", "LIST of p/", "PUT of the tags of k")
    ]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_interruption_of_a_store_passes_through(kind: type[BaseException]) -> None:
    def fail() -> StoreAnswer:
        raise kind

    made, _ = driver(fail)
    with pytest.raises(kind):
        made.run(ask(Read("k")))


def test_generator_that_returns_on_a_refusal_has_its_result_returned() -> None:
    def steps() -> Steps[str]:
        try:
            yield Read("k")
        except BucketUnusable:
            return "caught"
        return "not caught"

    made, _ = driver(refuse)
    assert made.run(steps()) == "caught"


def test_monotonic_clock_never_goes_back() -> None:
    readings = [monotonic_ms() for _ in range(1_000)]
    assert readings == sorted(readings)


def test_answers_are_passed_on_unchanged() -> None:
    answer = Listed(("k",), truncated=False, date_ms=5)
    made, _ = driver(lambda: answer)
    assert made.run(ask(Read("k")))[0].answer is answer


def test_monotonic_clock_runs_during_a_suspension() -> None:
    """Where there is a clock that does: time.monotonic() stands still on Linux."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    before_ms = time.clock_gettime_ns(clock) // 1_000_000
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(time, "monotonic_ns", lambda: 0)
        patched.setattr(time, "clock_gettime_ns", {clock: 17_000_000}.__getitem__)
        assert monotonic_ms() == 17
    assert monotonic_ms() >= before_ms
