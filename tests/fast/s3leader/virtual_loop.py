"""An event loop in which time passes at once when nothing else can happen, by a `FakeClock`.

While a request is under way in a thread, no time passes.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import selectors
import threading
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from s3leader._core.requests import Store
from s3leader._io.seams import Seams
from s3leader.aio import AsyncElection
from s3leader.testing import FakeClock, MemoryStore

Value = TypeVar("Value")


class _VirtualSelector(selectors.DefaultSelector):
    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if events or timeout == 0:
            return events
        if timeout is None or threads():
            return super().select(0.001)  # of real time: a thread is about to answer
        self._clock.ms += math.ceil(timeout * 1000)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, clock: FakeClock) -> None:
        super().__init__(_VirtualSelector(clock))
        self._virtual = clock
        self._clock_resolution = 0.0005  # seconds since 1970 are large numbers

    def time(self) -> float:
        return self._virtual.ms / 1000


def threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.startswith("s3leader")]


class World:
    """One bucket in memory, candidates and event loops, all by one clock."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(clock_ms=self.clock.read_ms)
        self._names = itertools.count(1)

    def election(self, *, store: Store | None = None, **options: Any) -> AsyncElection:
        name = f"c{next(self._names)}"
        seams = Seams(
            store=self.store if store is None else store,
            clock_ms=self.clock.read_ms,
            uniform=lambda _, high: high,
        )
        return AsyncElection._with_seams("e", seams, **{"candidate": name, **options})

    def run(self, main: Coroutine[Any, Any, Value]) -> Value:
        """Run `main`, then fail if a task or a thread is left."""
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(self.clock)) as runner:
            return runner.run(_and_nothing_left(main))


async def _and_nothing_left(main: Coroutine[Any, Any, Value]) -> Value:
    try:
        return await main
    finally:
        assert asyncio.all_tasks() == {asyncio.current_task()}
        for thread in threads():  # it has answered, and is about to end
            thread.join(60)
        assert threads() == []


class CountedAwaits:
    """Runs a coroutine, counts its awaits, and calls `at` at each of them."""

    def __init__(self, main: Coroutine[Any, Any, Value], at: Callable[[int], None]) -> None:
        self.count = 0
        self._main, self._at = main, at

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._main.__await__()
        try:
            awaited = next(steps)
            while True:
                self.count += 1
                self._at(self.count)
                try:
                    sent = yield awaited
                except BaseException as error:  # noqa: BLE001 - cancellations, mostly
                    awaited = steps.throw(error)
                else:
                    awaited = steps.send(sent)
        except StopIteration as stop:
            return stop.value
