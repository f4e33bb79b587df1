"""The blocking driver: it runs the generators of `_core` over a store, in real time."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from s3leader._core.candidate import Result, Steps
from s3leader._core.requests import (
    Reply,
    Store,
    StoreAnswer,
    StoreRequest,
    Unknown,
    Wait,
    Waited,
    describe_request,
)
from s3leader.errors import S3LeaderError, describe_error

_log = logging.getLogger("s3leader")


def monotonic_ms() -> int:
    """Return the milliseconds of a monotonic clock that also runs while the machine is suspended.

    Python's `time.monotonic` stops on Linux during a suspension, and a lease does not. Hence
    CLOCK_BOOTTIME, where the system has it.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(clock) // 1_000_000


class Stop(Protocol):
    """Asks a process to stop, as `threading.Event` does. `wait` takes seconds."""

    def is_set(self) -> bool:
        """Whether it is to stop."""

    def wait(self, timeout: float) -> bool:
        """Wait until it is to stop, or for `timeout` seconds; return whether it is to stop."""


OnAnswer: TypeAlias = Callable[[StoreRequest, StoreAnswer | S3LeaderError, int], None]


@dataclass(kw_only=True)
class Driver:
    """Runs generators to their end, and counts the requests that it sends for them.

    `sleep` takes seconds; `uniform(a, b)` draws a number between the two. `stop` cuts short the
    waits in which nothing is pending. `on_answer` is called after each request, with the answer or
    the error, and the milliseconds that it took.
    """

    store: Store
    clock_ms: Callable[[], int] = monotonic_ms
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = field(default=random.uniform)
    stop: Stop | None = None
    on_answer: OnAnswer | None = None
    requests: int = 0
    _warned: str | None = field(default=None, init=False)

    def run(self, steps: Steps[Result]) -> Result:
        """Perform the requests of `steps` until it returns; throw the store's errors into it."""
        try:
            request = next(steps)
            while True:
                sent_ms = self.clock_ms()
                if isinstance(request, Wait):
                    request = steps.send(Reply(self._wait(request), sent_ms, self.clock_ms()))
                    continue
                self.requests += 1
                try:
                    answer = perform(self.store, request)
                except S3LeaderError as error:
                    request = steps.throw(self.refused(request, error, sent_ms))
                else:
                    request = steps.send(self.answered(request, answer, sent_ms))
        except StopIteration as stop:
            result: Result = stop.value
            return result
        finally:
            steps.close()  # after Ctrl-C, say, `steps` must not wait for the garbage collector

    def answered(self, request: StoreRequest, answer: StoreAnswer, sent_ms: int) -> Reply:
        """Tell the observer of an answer that has just come, and return it with its times."""
        received_ms = self.clock_ms()
        if self.on_answer is not None:
            self.on_answer(request, answer, received_ms - sent_ms)
        self._warn_once(request, answer)
        return Reply(answer, sent_ms, received_ms)

    def refused(self, request: StoreRequest, error: S3LeaderError, sent_ms: int) -> S3LeaderError:
        """Tell the observer of the error that a request has just ended with, and return it."""
        received_ms = self.clock_ms()
        if self.on_answer is not None:
            self.on_answer(request, error, received_ms - sent_ms)
        return error

    def _wait(self, request: Wait) -> Waited:
        seconds = self.uniform(request.low_ms, request.high_ms) / 1000
        if self.stop is None or not request.may_stop:
            self.sleep(seconds)
            return Waited()
        if self.sleep is not time.sleep and not self.stop.is_set():  # a test's clock
            self.sleep(seconds)
            seconds = 0
        return Waited(stopped=self.stop.wait(seconds))

    def _warn_once(self, request: StoreRequest, answer: StoreAnswer) -> None:
        """Log a missing answer at once, because a process may be killed before it gives up.

        The same warning is not repeated until a request has been answered.
        """
        if not isinstance(answer, Unknown):
            self._warned = None
            return
        warning = f"no usable answer to a {describe_request(request)}: {answer.cause}"
        if warning != self._warned:
            _log.warning("%s", warning)
        self._warned = warning


def perform(store: Store, request: StoreRequest) -> StoreAnswer:
    """Perform `request`. An exception that is not an `S3LeaderError` is logged and means `Unknown`.

    The store may have sent the request before it raised.
    """
    try:
        return store.perform(request)
    except S3LeaderError:
        raise
    except Exception as error:  # noqa: BLE001
        cause = describe_error(error)
        what = describe_request(request)
        _log.warning("the store raised during a %s: %s", what, cause, exc_info=True)
        return Unknown(cause)
