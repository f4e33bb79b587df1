"""Concurrent writers: threads of this process, or of several processes with clients of their own.

A piece of work is a function of a module, which all writers call at once as
`work(store, wait_for_all, writer, *arguments)`. `writer` is the writer's number, from 0 on;
`wait_for_all()` returns when all writers have called it.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeAlias

from s3leader.errors import BucketUnusable, describe_error

from .check import CheckFailed, NotChecked, describe_refusal

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from s3leader._core.requests import Store

WaitForAll: TypeAlias = Callable[[], object]
Work: TypeAlias = Callable[..., Any]
_SPAWN: Final = multiprocessing.get_context("spawn")
_PATIENCE_S: Final = 120.0


class Open(Protocol):
    """Makes a store in another process; it is sent there, so it must be picklable."""

    def __call__(self) -> Store:
        """Return a store with a client of its own."""
        ...


@dataclass(frozen=True)
class _Failed:
    """A writer raised an error: `why`.

    `of_the_store`: the store did not do what it must. `by_another`: only because another writer
    had failed, for which this one waited.
    """

    why: str
    of_the_store: bool
    by_another: bool


class Racers(Protocol):
    """Writers that work at the same time; `processes` is how many processes they are in."""

    number: int
    processes: int

    def run(self, work: Work, *arguments: Any) -> list[Any]:  # noqa: ANN401 - those of the work
        """Return the writers' results, in the order of their numbers."""
        ...


def _guarded(
    work: Work,
    store: Store,
    barrier: Any,  # noqa: ANN401 - of threads or of processes
    writer: int,
    arguments: tuple[Any, ...],
) -> Any:  # noqa: ANN401 - of the work
    """Return the result, or `_Failed`; then no other writer waits for this one."""
    try:
        return work(store, lambda: barrier.wait(_PATIENCE_S), writer, *arguments)
    except Exception as error:  # noqa: BLE001 - a writer must report any error
        barrier.abort()
        broken = isinstance(error, threading.BrokenBarrierError)
        if isinstance(error, BucketUnusable):
            return _Failed(describe_refusal(error), of_the_store=True, by_another=False)
        return _Failed(describe_error(error), of_the_store=False, by_another=broken)


def _results(results: list[Any]) -> list[Any]:
    failed = [result for result in results if isinstance(result, _Failed)]
    if failed:
        failed.sort(key=lambda one: one.by_another)
        raise (CheckFailed if failed[0].of_the_store else NotChecked)(failed[0].why)
    return results


class ThreadRacers:
    """Threads that share one store."""

    processes = 1

    def __init__(self, store: Store, number: int) -> None:
        self.number = number
        self._store = store

    def run(self, work: Work, *arguments: Any) -> list[Any]:  # noqa: ANN401 - those of the work
        """Run the work in as many threads as there are writers."""
        if self.number == 0:
            raise NotChecked("this store takes no concurrent requests")
        barrier = threading.Barrier(self.number)
        with ThreadPoolExecutor(self.number) as pool:
            started = [
                pool.submit(_guarded, work, self._store, barrier, writer, arguments)
                for writer in range(self.number)
            ]
            return _results([one.result() for one in started])


class ProcessRacers:
    """Threads in processes, each process with a store of its own. Writer n is in process n modulo
    their number. A context: the processes end with it.
    """

    def __init__(self, open_store: Open, *, processes: int, threads: int) -> None:
        self.processes = processes
        self.number = processes * threads
        self._barrier = _SPAWN.Barrier(self.number)
        self._pipes: list[Connection] = []
        self._started = []
        for first in range(processes):
            ours, theirs = _SPAWN.Pipe()
            numbers = range(first, self.number, processes)
            process = _SPAWN.Process(
                target=_serve, args=(open_store, self._barrier, theirs, numbers), daemon=True
            )
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._started.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._started:
            process.terminate()
            process.join()

    def run(self, work: Work, *arguments: Any) -> list[Any]:  # noqa: ANN401 - those of the work
        """Run the work in all processes."""
        self._barrier.reset()
        results: dict[int, Any] = {}
        try:
            for pipe in self._pipes:
                pipe.send((work, arguments))
            for pipe in self._pipes:
                results |= pipe.recv()
        except (EOFError, OSError) as error:
            raise NotChecked(f"a process of writers has ended: {describe_error(error)}") from error
        return _results([results[writer] for writer in range(self.number)])


def _serve(open_store: Open, barrier: Any, pipe: Connection, numbers: range) -> None:  # noqa: ANN401
    """Be a process of writers, until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one ends it
    logging.getLogger("s3leader").disabled = True  # answers are lost on purpose
    store = open_store()
    with ThreadPoolExecutor(len(numbers)) as pool:
        while True:
            try:
                work, arguments = pipe.recv()
            except (EOFError, OSError):
                return
            started = {
                writer: pool.submit(_guarded, work, store, barrier, writer, arguments)
                for writer in numbers
            }
            pipe.send({writer: one.result() for writer, one in started.items()})
