"""The signals that ask the wrapper to end."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

_NOTICED_WITHIN = 0.1  # seconds; after a signal, Python goes on sleeping
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopSignals:
    """Takes SIGTERM, SIGINT and SIGHUP while its block runs.

    `received` is the first of them. One that was ignored (nohup; SIGINT of a background job) stays
    ignored, except SIGTERM. A second signal raises KeyboardInterrupt while `on_stop` is not set.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self.on_stop: Callable[[], None] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def is_set(self) -> bool:
        """Return whether a signal has come."""
        return self.received is not None

    def wait(self, timeout: float) -> bool:
        """Wait for a signal, or for `timeout` seconds; return whether one has come.

        Not a `threading.Event`: a handler that sets one may interrupt the thread that waits for it
        while it holds the event's lock.
        """
        until = time.monotonic() + timeout
        while self.received is None and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _NOTICED_WITHIN))
        return self.received is not None

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            if number is signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        again = self.received is not None
        if self.received is None:
            self.received = signal.Signals(number)
        if self.on_stop is not None:
            self.on_stop()
        elif again:
            raise KeyboardInterrupt
