"""Real processes, forked after the slow imports: started, killed, stopped, continued, and ended."""

import ctypes
import importlib
import logging
import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn, Self

from tests.verification.event_log import EventLog

_PR_SET_PDEATHSIG: Final = 1
Program = Callable[[EventLog, random.Random], None]


class StopSignal:
    """Whether this process has been asked to come to an end."""

    received = False

    @classmethod
    def handle(cls, *_: object) -> None:
        """Handle SIGTERM."""
        cls.received = True


class Processes:
    """Processes that write their event logs to `folder`; none outlives this one."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        """Start none yet."""
        self._folder = folder
        self._seed = seed
        self._started = 0
        self.alive: dict[str, int] = {}
        self.failed: list[str] = []
        self._log = EventLog(folder / "processes.jsonl", "processes")

    def start(self, program: Program, name: str = "candidate") -> str:
        """Fork a process that runs `program`; return its name."""
        self._started += 1
        who = f"{name}-{self._started}"
        parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # until it is handled there
        pid = os.fork()
        if pid == 0:
            _run_program(program, self._folder, who, self._seed + self._started, parent)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        self.alive[who] = pid
        return who

    def kill(self, who: str) -> None:
        """Send SIGKILL, and wait until the process is gone; noted before it happens."""
        self._log.record("kills", whom=who)
        pid = self.alive.pop(who)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def pause(self, who: str) -> None:
        """Send SIGSTOP."""
        self._log.record("pauses", whom=who)
        os.kill(self.alive[who], signal.SIGSTOP)

    def resume(self, who: str, term: int) -> None:
        """Send SIGCONT to what leads, or led, that term."""
        self._log.record("resumes", whom=who, term=term)
        os.kill(self.alive[who], signal.SIGCONT)

    def reap(self) -> None:
        """Take note of processes that have ended by themselves."""
        for who, pid in list(self.alive.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self.alive[who]
                if status:
                    self.failed.append(f"{who} ended with status {status}")

    def ask_to_stop(self) -> None:
        """Send SIGTERM to all."""
        for pid in self.alive.values():
            os.kill(pid, signal.SIGTERM)

    def end(self, seconds: float) -> None:
        """Ask all to end, and wait for it."""
        self.ask_to_stop()
        self.wait(seconds)

    def wait(self, seconds: float) -> None:
        """Wait until all have ended; a process that has not is a failure."""
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            time.sleep(0.02)
            self.reap()
        self.failed += [f"{who} did not end within {seconds:.0f} s" for who in self.alive]

    def __enter__(self) -> Self:
        """Live for the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill the remaining processes."""
        for who in list(self.alive):
            self.kill(who)


def _run_program(program: Program, folder: Path, who: str, seed: int, parent: int) -> NoReturn:
    """Be the process, and never return into the starter's code."""
    status = 1
    try:
        die_with_parent(parent)
        signal.signal(signal.SIGTERM, StopSignal.handle)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        logging.getLogger("s3leader").setLevel(logging.CRITICAL)  # faults are the point here
        log = EventLog(folder / f"{who}.jsonl", who)
        try:
            program(log, random.Random(seed))  # noqa: S311 - repeatable is what it must be
            status = 0
        except BaseException:  # noqa: BLE001 - any error must reach the event log
            log.record("crashed", why=traceback.format_exc())
    finally:
        os._exit(status)


def die_with_parent(parent: int) -> None:
    """Let the kernel (Linux) kill this process as soon as its starter ends, however it ends."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def load_function(name: str | None) -> Callable[[], None]:
    """Return the function that `module:function` names; tests break processes with it."""
    if name is None:
        return lambda: None
    module, _, function = name.partition(":")
    found: Callable[[], None] = getattr(importlib.import_module(module), function)
    return found
