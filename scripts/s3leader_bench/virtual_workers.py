"""Workers of `s3leader.Partitions` over a bucket in memory, in virtual time and one thread.

Everything but the threads is what ships. A request of a worker takes effect at a random moment
after the worker has decided on it, so the workers' requests interleave; a seed decides how.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Final

from s3leader import Election, StoreUnavailable, Term
from s3leader._core.requests import Create, List, Read, Replace, StoreAnswer, StoreRequest, Tag
from s3leader._io.memory_store import MemoryStore
from s3leader._io.seams import Seams
from s3leader._partitions.worker import Worker
from s3leader.partitions import Partitions

_KINDS: Final = {List: "LIST", Read: "GET", Create: "PUT", Replace: "PUT", Tag: "tag"}
_DELAY_MS: Final = (15.0, 60.0)  # from a decision to the effect of its request


@dataclass(slots=True)
class VirtualWork:
    """Work that ends `takes_ms` after it was asked to, or when its worker is killed."""

    term: Term
    clock_ms: Callable[[], int]
    takes_ms: float
    ends_ms: float | None = None
    error: BaseException | None = None

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self.ends_ms is None or self.clock_ms() < self.ends_ms

    def ask_to_stop(self) -> None:
        """End soon."""
        if self.ends_ms is None:
            self.ends_ms = self.clock_ms() + self.takes_ms


@dataclass(eq=False)
class VirtualWorker:
    """One process. While it is `cut_off`, S3 does not answer it; `refused` names are denied."""

    name: str
    store: MemoryStore
    alive: bool = True
    cut_off: bool = False
    paused_until_ms: float = 0
    sent: Counter[str] = field(default_factory=Counter)
    errors: list[tuple[str, BaseException]] = field(default_factory=list)
    works: dict[str, VirtualWork] = field(default_factory=dict)
    worker: Worker = field(init=False)
    steps: int = 0
    threads_free_ms: list[float] = field(default_factory=list)

    def perform(self, request: StoreRequest) -> StoreAnswer:
        """Send a request, unless this worker is cut off."""
        if self.cut_off:
            raise StoreUnavailable("cut off")
        self.sent[_KINDS[type(request)]] += 1
        return self.store.perform(request)


class VirtualWorkers:
    """A group of workers, and the clock that they and S3 share."""

    def __init__(
        self,
        partitions: int,
        *,
        lease: timedelta = timedelta(seconds=15),
        clock_skew: timedelta = timedelta(seconds=3),
        seed: int = 0,
        work_takes_ms: float = 0,
        max_workers: int = 16,
        threads: int = 10,
        delay_ms: tuple[float, float] = _DELAY_MS,
    ) -> None:
        self.ms = 1_000_000_000
        self.random = random.Random(seed)  # noqa: S311 - moments, not secrets
        self.store = MemoryStore(clock_ms=lambda: self.ms)
        self.names = [f"p{number:02}" for number in range(partitions)]
        self.workers: list[VirtualWorker] = []
        self.wins = 0
        self.gaps_ms: list[float] = []
        self.overlaps: list[str] = []
        self._lease, self._skew = lease, clock_skew
        self._work_takes_ms, self._max_workers = work_takes_ms, max_workers
        self._threads, self._delay_ms = threads, delay_ms
        self._last_work: dict[str, VirtualWork] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    # ------------------------------------------------------------------------ what happens to it

    def start(self, *, max_share: int | None = None) -> VirtualWorker:
        """Start a worker."""
        one = VirtualWorker(f"worker-{len(self.workers)}", self.store)
        one.threads_free_ms = [self.ms] * self._threads
        seams = Seams(
            store=one, clock_ms=lambda: self.ms, sleep=self._sleep, uniform=self.random.uniform
        )
        elections = [
            Election._with_seams(  # noqa: SLF001 - the clock is virtual
                name, seams, lease=self._lease, clock_skew=self._skew, candidate=one.name
            )
            for name in self.names
        ]
        made = Partitions(
            elections,
            group="group",
            work=lambda *_: None,
            max_share=max_share,
            max_workers=self._max_workers,
            on_error=lambda name, error: one.errors.append((name, error)),
        )
        one.worker = made._make_worker(lambda act: self._submit(one, act), lambda: None)  # noqa: SLF001
        one.worker.start_work = lambda name, term: self._start_work(one, name, term)
        self.workers.append(one)
        self._step(one)
        return one

    def stop(self, one: VirtualWorker) -> None:
        """Ask a worker to end, as SIGTERM does."""
        one.worker.stop()
        self._step(one)

    def kill(self, one: VirtualWorker) -> None:
        """End a worker between two of its requests, as SIGKILL does."""
        one.alive = False
        for work in one.works.values():
            work.ends_ms = min(self.ms, self.ms if work.ends_ms is None else work.ends_ms)

    def pause(self, one: VirtualWorker, seconds: float) -> None:
        """Let a worker do nothing for a while, as a suspended machine."""
        one.paused_until_ms = self.ms + seconds * 1000

    def run_for(self, seconds: float, until: Callable[[], bool] = lambda: False) -> float | None:
        """Let time pass; return the seconds after which `until` was true, None if it never was."""
        began_ms, ends_ms = self.ms, self.ms + round(seconds * 1000)
        while self._due and self._due[0][0] <= ends_ms:
            at_ms, _, act = heapq.heappop(self._due)
            self.ms = max(self.ms, round(at_ms))
            act()
            if until():
                return (self.ms - began_ms) / 1000
        self.ms = max(self.ms, ends_ms)
        return None

    # ----------------------------------------------------------------------------- what is seen

    def shares(self) -> list[int]:
        """Return how many partitions each live worker leads that was not asked to stop."""
        return [
            len(one.worker.leading) for one in self.workers if one.alive and not one.worker.ended
        ]

    def all_led(self) -> bool:
        """Whether each partition is led."""
        return sum(self.shares()) == len(self.names)

    def is_fair(self) -> bool:
        """Whether each partition is led, by shares that differ by one at most."""
        shares = self.shares()
        return sum(shares) == len(self.names) and max(shares) - min(shares) <= 1

    # -------------------------------------------------------------------------------- machinery

    def _start_work(self, one: VirtualWorker, name: str, term: Term) -> VirtualWork:
        self.wins += 1
        self.overlaps += [
            f"{other.name} and {one.name} lead {name} at {self.ms}"
            for other in self.workers
            if other is not one and other.alive and name in other.worker.leading
        ]
        last = self._last_work.get(name)
        if last is not None and last.ends_ms is not None:
            self.gaps_ms.append(self.ms - last.ends_ms)
        work = VirtualWork(term, lambda: self.ms, self._work_takes_ms)
        self._last_work[name] = one.works[name] = work
        return work

    def _submit(self, one: VirtualWorker, action: Callable[[], None]) -> None:
        """Let a free thread act, after the delay of a request; others of the action come after."""
        delay_ms = self.random.uniform(*self._delay_ms)
        acts_ms = max(self.ms, heapq.heappop(one.threads_free_ms)) + delay_ms
        heapq.heappush(one.threads_free_ms, acts_ms)

        def act() -> None:
            before = one.sent.total()
            action()
            more_ms = max(0, one.sent.total() - before - 1) * delay_ms
            heapq.heapreplace(one.threads_free_ms, one.threads_free_ms[0] + more_ms)
            self._step(one)

        self._at(one, acts_ms, act)

    def _step(self, one: VirtualWorker) -> None:
        one.steps += 1
        number = one.steps
        pause_ms = one.worker.step()
        if one.worker.ended:
            return

        def again() -> None:
            if one.steps == number:  # no other step has come in between
                self._step(one)

        self._at(one, self.ms + max(1.0, pause_ms), again)

    def _at(self, one: VirtualWorker, at_ms: float, act: Callable[[], None]) -> None:
        def unless_dead_or_paused() -> None:
            if one.alive and self.ms < one.paused_until_ms:
                self._at(one, one.paused_until_ms + 1, act)
            elif one.alive:
                act()

        heapq.heappush(self._due, (at_ms, next(self._order), unless_dead_or_paused))

    def _sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)
