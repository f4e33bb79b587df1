"""Lets a test run several generators over one store, one request at a time, in any order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from s3leader._core.candidate import Result, Steps
from s3leader._core.requests import Reply, Request, Store, Wait, Waited


class Stepper(Generic[Result]):
    """One candidate with a stopwatch of its own, which only its own steps move on."""

    def __init__(self, steps: Steps[Result], store: Store, *, step_ms: int = 10) -> None:
        self._steps, self._store, self._step_ms = steps, store, step_ms
        self._now_ms = 0
        self.request: Request | None = next(steps)
        self.result: Result | None = None

    def step(self) -> None:
        """Perform the next request, or sit out the next wait."""
        assert self.request is not None, "it has ended"
        sent_ms = self._now_ms
        if isinstance(self.request, Wait):
            self._now_ms += self.request.high_ms
            reply = Reply(Waited(), sent_ms, self._now_ms)
        else:
            self._now_ms += self._step_ms
            reply = Reply(self._store.perform(self.request), sent_ms, self._now_ms)
        try:
            self.request = self._steps.send(reply)
        except StopIteration as stop:
            self.request, self.result = None, stop.value

    def run(self, *, before_wait: Callable[[], None] = lambda: None) -> Result:
        """Step to the end; before each wait others may do something."""
        for _ in range(1_000):
            if self.request is None:
                assert self.result is not None
                return self.result
            if isinstance(self.request, Wait):
                before_wait()
            self.step()
        raise AssertionError("it does not end")
