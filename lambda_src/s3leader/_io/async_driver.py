"""The asyncio driver: it runs the generators of `_core` over a blocking store.

Each request runs in a thread of its own. A pool would let requests that hang stall a renewal that
waits for a free thread, and its threads do not exist in a fork. A thread costs little: decision
0036 has the figure.

A request that was sent cannot be taken back, so a cancelled task first waits for its answer. Then
nothing new is begun: the driver goes on only to learn whether its last write was applied.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from s3leader._core.candidate import Result, Steps
from s3leader._core.requests import (
    Create,
    List,
    Replace,
    Reply,
    Request,
    StoreAnswer,
    Unknown,
    Wait,
    Waited,
)
from s3leader.errors import S3LeaderError

from .driver import Driver, perform

_log = logging.getLogger("s3leader")
_Value = TypeVar("_Value")

GRACE_MS: Final = 10_000
"""How long a cancelled call goes on, after the answer it waits for, to learn its outcome.

A renewal uses 0.
"""


@dataclass(kw_only=True)
class Cancellation:
    """The first cancellation that came during a call, which is raised once its outcome is known.

    The call then goes on for `grace_ms` at most, and with a request that is under way at its end.
    If it `must_finish`, as a resignation must, it also sends what it has not yet sent.
    """

    grace_ms: int = GRACE_MS
    must_finish: bool = False
    error: asyncio.CancelledError | None = None
    until_ms: int | None = None

    def record(self, error: asyncio.CancelledError) -> None:
        """Keep the first cancellation."""
        if self.error is None:
            self.error = error

    def start_grace(self, now_ms: int) -> None:
        """Count the time that is left from now, unless it is counted already."""
        if self.error is not None and self.until_ms is None:
            self.until_ms = now_ms + self.grace_ms

    def is_over(self, now_ms: int) -> bool:
        """Whether the call was cancelled, and its time is over."""
        return self.until_ms is not None and now_ms >= self.until_ms

    def capped(self, until_ms: int) -> int:
        """Return `until_ms`, or the end of the call's time if that is earlier."""
        return until_ms if self.until_ms is None else min(until_ms, self.until_ms)

    def raise_if_recorded(self) -> None:
        """Raise the cancellation, if one came."""
        if self.error is not None:
            raise self.error


@dataclass(kw_only=True)
class _Progress:
    """How far one run has come, which says where it may end if it is cancelled.

    `pending` is the key of the last write that may still be undecided. `waited` is true if the last
    request was a `Wait`.
    """

    pending: str | None = None
    waited: bool = False

    def track(self, request: Request) -> None:
        """Note that `request` is sent next."""
        self.waited = isinstance(request, Wait)
        if isinstance(request, Create | Replace):
            self.pending = request.key
        elif isinstance(request, List) or (isinstance(request, Wait) and request.may_stop):
            self.pending = None  # a listing starts something new: the last write is decided

    def is_new(self, request: Request) -> bool:
        """Whether `request` is not about the write that may be pending."""
        if isinstance(request, Wait):
            return request.may_stop or self.pending is None
        return isinstance(request, List) or request.key != self.pending

    def is_pause(self, request: Request) -> bool:
        """Whether `request` is a wait, or comes after one."""
        return self.waited or isinstance(request, Wait)


@dataclass(kw_only=True)
class AsyncDriver:
    """Runs generators in the event loop, with the store, the clock and the counter of `driver`.

    `stop` cuts short the waits in which nothing is pending.
    """

    driver: Driver
    stop: asyncio.Event | None = None

    async def call(self, steps: Steps[Result], cancellation: Cancellation | None = None) -> Result:
        """Run `steps` to a known state; then return the result, or raise a cancellation."""
        cancellation = Cancellation() if cancellation is None else cancellation
        result = await self.run(steps, cancellation)
        cancellation.raise_if_recorded()
        return result

    async def run(self, steps: Steps[Result], cancellation: Cancellation) -> Result:
        """Run `steps` and return their result, which may have come after a cancellation.

        Raises the cancellation if it ended `steps` early. After a cancellation, raises it instead
        of an error of `steps`.
        """
        progress = _Progress()
        try:
            request = next(steps)
            while True:
                self._end_if_cancelled(request, progress, cancellation)
                progress.track(request)
                reply = await self._perform(request, cancellation)
                if isinstance(reply, S3LeaderError):
                    request = steps.throw(reply)
                else:
                    request = steps.send(reply)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        except Exception:
            cancellation.raise_if_recorded()
            raise
        finally:
            steps.close()

    async def _perform(self, request: Request, cancellation: Cancellation) -> Reply | S3LeaderError:
        """Perform `request`, and return the answer or the store's error."""
        driver, sent_ms = self.driver, self.driver.clock_ms()
        if isinstance(request, Wait):
            return Reply(await self._wait(request, cancellation), sent_ms, driver.clock_ms())
        driver.requests += 1
        try:
            answer = await _answer_despite_cancellation(
                lambda: perform(driver.store, request), cancellation
            )
        except S3LeaderError as error:
            return driver.refused(request, error, sent_ms)
        return driver.answered(request, answer, sent_ms)

    def _end_if_cancelled(
        self, request: Request, progress: _Progress, cancellation: Cancellation
    ) -> None:
        """Raise the cancellation if a cancelled call must end before `request`."""
        if cancellation.error is None:
            return
        now_ms = self.driver.clock_ms()
        cancellation.start_grace(now_ms)
        if not cancellation.must_finish and progress.is_new(request):
            raise cancellation.error
        # Give up only at a pause: after a conflict, the read that decides it is still sent.
        if cancellation.is_over(now_ms) and progress.is_pause(request):
            _log.warning(
                "cancelled before it was known whether %s was written; a lock that nobody holds"
                " lapses after its lease",
                progress.pending,
            )
            raise cancellation.error

    async def _wait(self, request: Wait, cancellation: Cancellation) -> Waited:
        driver = self.driver
        until_ms = driver.clock_ms() + round(driver.uniform(request.low_ms, request.high_ms))
        until_ms = cancellation.capped(until_ms)
        stop = self.stop if request.may_stop else None
        while (left_ms := until_ms - driver.clock_ms()) > 0:
            try:
                if await self._sleep(left_ms / 1000, stop):
                    return Waited(stopped=True)
            except asyncio.CancelledError as error:
                cancellation.record(error)
                if request.may_stop:  # as if `stop` were set: the steps end, with nothing pending
                    return Waited(stopped=True)
                cancellation.start_grace(driver.clock_ms())
                until_ms = cancellation.capped(until_ms)
        return Waited(stopped=stop is not None and stop.is_set())

    async def _sleep(self, seconds: float, stop: asyncio.Event | None) -> bool:
        """Sleep until `stop` is set, or for `seconds`; return whether it is set."""
        if self.driver.sleep is not time.sleep:  # a test's clock
            if stop is None or not stop.is_set():
                self.driver.sleep(seconds)
            await asyncio.sleep(0)
            return stop is not None and stop.is_set()
        if stop is None:
            await asyncio.sleep(seconds)
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()
        return stop.is_set()


async def _answer_despite_cancellation(
    request: Callable[[], StoreAnswer], cancellation: Cancellation
) -> StoreAnswer:
    """Return the answer to a request, which cannot be taken back once it is sent."""
    try:
        answer = in_thread(request)
    except RuntimeError as error:
        # No thread can be started, so nothing was sent. The steps know no such answer; after
        # `Unknown` they try again, as after a request that was lost.
        return Unknown(str(error))
    while not answer.done():
        try:
            await asyncio.wait([answer])
        except asyncio.CancelledError as error:
            cancellation.record(error)
    return answer.result()


def in_thread(call: Callable[[], _Value]) -> asyncio.Future[_Value]:
    """Start `call` in a thread of its own; return the future of its result."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Value] = loop.create_future()

    def set_outcome(method: Callable[[Any], None], value: object) -> None:
        if not future.done():
            method(value)

    def run() -> None:
        outcome: tuple[Callable[[Any], None], object]
        try:
            outcome = (future.set_result, call())
        except BaseException as error:  # noqa: BLE001 - it is raised in the loop
            outcome = (future.set_exception, error)
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(set_outcome, *outcome)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="s3leader-request", daemon=True).start()
    return future
