"""Real processes, forked after the slow imports: started, killed, stopped, continued, and ended."""

import logging
import multiprocessing
import os
import pkgutil
import random
import signal
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from tests.verification.event_log import EventLog

Program = Callable[[EventLog, random.Random], None]
_FORK: Final = multiprocessing.get_context("fork")
_terminated = threading.Event()


def stop_requested() -> bool:
    """Return whether this process was sent SIGTERM, or the one that started it has ended."""
    parent = multiprocessing.parent_process()
    return _terminated.is_set() or parent is None or not parent.is_alive()


class Processes:
    """Processes that write their event logs to `folder`.

    Each calls `first` (`module:function`) first; tests break processes with it.
    """

    def __init__(self, folder: Path, *, seed: int, first: str | None) -> None:
        """Start none yet."""
        self._folder = folder
        self._seed = seed
        self._first = first
        self._started = 0
        self.alive: dict[str, BaseProcess] = {}
        self.failed: list[str] = []
        self._log = EventLog(folder / "processes.jsonl", "processes")

    def start(self, program: Program, name: str = "candidate") -> None:
        """Fork a process that runs `program`."""
        self._started += 1
        who = f"{name}-{self._started}"
        arguments = (program, who, self._seed + self._started)
        process = _FORK.Process(target=self._run, args=arguments, daemon=True)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # until it is handled there
        process.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        self.alive[who] = process

    def _run(self, program: Program, who: str, seed: int) -> None:
        """Be the process."""
        signal.signal(signal.SIGTERM, lambda *_: _terminated.set())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        logging.getLogger("s3leader").setLevel(logging.CRITICAL)  # faults are the point here
        log = EventLog(self._folder / f"{who}.jsonl", who)
        try:
            if self._first is not None:
                pkgutil.resolve_name(self._first)()
            program(log, random.Random(seed))  # noqa: S311 - repeatable is what it must be
        except BaseException:  # noqa: BLE001 - any error must reach the event log
            log.record("crashed", why=traceback.format_exc())
            os._exit(1)

    def kill(self, who: str) -> None:
        """Send SIGKILL, and wait until the process is gone; noted before it happens."""
        self._log.record("kills", whom=who)
        process = self.alive.pop(who)
        process.kill()
        process.join()

    def pause(self, who: str) -> None:
        """Send SIGSTOP."""
        self._log.record("pauses", whom=who)
        self._signal(who, signal.SIGSTOP)

    def resume(self, who: str, term: int) -> None:
        """Send SIGCONT to what leads, or led, that term."""
        self._log.record("resumes", whom=who, term=term)
        self._signal(who, signal.SIGCONT)

    def _signal(self, who: str, number: signal.Signals) -> None:
        pid = self.alive[who].pid
        assert pid is not None
        os.kill(pid, number)

    def reap(self) -> None:
        """Take note of processes that have ended by themselves."""
        for who, process in list(self.alive.items()):
            if process.exitcode is not None:
                del self.alive[who]
                if process.exitcode:
                    self.failed.append(f"{who} ended with status {process.exitcode}")

    def end(self, seconds: float) -> None:
        """Ask all to end, and wait for it."""
        for process in self.alive.values():
            process.terminate()
        self.wait(seconds)

    def wait(self, seconds: float) -> None:
        """Wait until all have ended; a process that has not is a failure."""
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            time.sleep(0.02)
            self.reap()
        self.failed += [f"{who} did not end within {seconds:.0f} s" for who in self.alive]

    def close(self) -> None:
        """Kill the remaining processes."""
        for who in list(self.alive):
            self.kill(who)
