"""The task that renews a term's lease, and cancels the block when leadership is lost."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import TracebackType
from typing import Final, Generic, TypeVar

from s3leader.errors import LeadershipLost, S3LeaderError, describe_error

_log = logging.getLogger("s3leader")

_Value = TypeVar("_Value")

_MARGIN: Final = timedelta(seconds=0.25)  # before the deadline, so that the block can end in time
_LOOK_S: Final = (
    1.0  # the loop's clock stands still while the machine is suspended, a lease does not
)


class AsyncRenewal(Generic[_Value]):
    """Renews every `every_ms` until the block is left or leadership is lost; then it cancels the
    block's task, and `LeadershipLost` leaves the block in place of the `CancelledError`.

    `left` returns the time until the deadline: zero when leadership is lost, None when the term has
    ended on purpose. `value` is what the block is given.
    """

    def __init__(
        self,
        value: _Value,
        *,
        renew: Callable[[], Awaitable[None]],
        term: int,
        every_ms: int,
        left: Callable[[], timedelta | None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._value = value
        self._renew, self._term, self._every_s = renew, term, every_ms / 1000
        self._left, self._on_lost = left, on_lost
        self._lost: LeadershipLost | None = None
        self._is_left = False

    async def __aenter__(self) -> _Value:
        self._pid = os.getpid()
        self._loop = asyncio.get_running_loop()
        body = asyncio.current_task()
        if body is None:
            raise RuntimeError("expected keep_renewing() to be used in a task")
        self._body, self._cancelling = body, body.cancelling()
        self._task = self._loop.create_task(self._run(), name="s3leader-renew")
        self._timer: asyncio.Handle = self._loop.call_soon(self._look)
        return self._value

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if os.getpid() != self._pid:  # a fork has no such loop
            return
        self._is_left = True
        self._timer.cancel()
        cancelled = await self._join()
        if self._lost is not None and self._body.uncancel() <= self._cancelling:
            if isinstance(error, asyncio.CancelledError):
                raise self._lost from error
            return  # the block ended although it was cancelled
        if cancelled is not None:
            raise cancelled

    async def _join(self) -> asyncio.CancelledError | None:
        """Wait for the task, which may have to wait for an answer; return a cancellation."""
        cancelled = None
        self._task.cancel()
        while not self._task.done():
            try:
                await asyncio.wait([self._task])
            except asyncio.CancelledError as error:
                cancelled = error
        return cancelled

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self._renew()
            except LeadershipLost as error:
                self._lose(error)
                return
            except Exception as error:  # noqa: BLE001
                # The next try may succeed; if none does, the deadline ends the term.
                unexpected = not isinstance(error, S3LeaderError)
                text = describe_error(error)
                _log.warning("term %d was not renewed: %s", self._term, text, exc_info=unexpected)

    def _look(self) -> None:
        """Look at the deadline: a timer, since a loop that is shut down cancels all tasks."""
        left = self._left()
        if left is not None and left <= _MARGIN:
            self._lose(LeadershipLost(term=self._term, why="its lease could not be renewed"))
            return
        seconds = _LOOK_S if left is None else min(_LOOK_S, (left - _MARGIN).total_seconds())
        self._timer = self._loop.call_later(seconds, self._look)

    def _lose(self, error: LeadershipLost) -> None:
        if self._lost is None and not self._is_left and self._left() is not None:
            self._lost = error
            _log.warning("%s", error)
            self._on_lost(error.why)
            self._body.cancel()
