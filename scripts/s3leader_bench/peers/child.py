"""One library in a process of its own: `python -m s3leader_bench.peers.child ADAPTER`.

Reads commands from stdin, a JSON object a line, and answers each with one on stdout. It ends with
its stdin, however the parent ends. What a library prints goes to stderr.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from threading import Event, Thread
from typing import Any, Protocol

from s3leader_bench.rounds import Action

PATIENCE_S = 60.0
_POLL_S = 1.0  # between attempts of a library that does not wait


class Candidate(Protocol):
    """See `adapters`; `wait` and `hold` are optional."""

    def lead(self, body: Callable[[], object]) -> bool:
        """Acquire, run, release; False if another candidate holds."""
        ...


class Child:
    """Performs commands: the methods whose names do not begin with `_`."""

    def __init__(self, make: Callable[[str, float], Candidate]) -> None:
        self._make = make
        self._actions: list[Action] = []
        self._holders: list[Thread] = []
        self._over = Event()
        self._standby = Thread()

    def prepare_win(self, names: list[str], lease: float) -> None:
        """Have a term for each name; to perform is another one, uncontended."""
        self._actions = [self._expecting(self._experienced(name, lease), True) for name in names]

    def prepare_loss(self, names: list[str], lease: float) -> None:
        """Have a term for each name, then let another candidate hold."""
        self._release()
        self._actions = []
        for name in names:
            candidate = self._experienced(name, lease)
            self._hold(name, lease)
            self._actions.append(self._expecting(candidate, False))

    def perform(self) -> dict[str, float]:
        """Do what was prepared; return the means of wall and CPU time, in seconds."""
        wall, cpu = time.perf_counter(), time.process_time()
        for action in self._actions:
            action()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"wall": wall / len(self._actions), "cpu": cpu / len(self._actions)}

    def gain_experience(self, name: str, lease: float) -> None:
        """Have a term; the same candidate is meant by `take_over`."""
        candidate = self._experienced(name, lease)
        self._actions = [lambda: self._take_over(candidate)]

    def take_over(self) -> dict[str, object]:
        """Lead, as soon as the library can; return the seconds, or why it does not."""
        started = time.perf_counter()
        try:
            won = self._actions[0]()
        except Exception as error:  # noqa: BLE001 - a result, whatever it is
            traceback.print_exc()
            return {"failure": type(error).__name__}
        return {"seconds": time.perf_counter() - started} if won else {"failure": "refused"}

    def crash(self, name: str, lease: float) -> None:
        """Lead, and die by SIGKILL."""
        self._make(name, lease).lead(lambda: os.kill(os.getpid(), signal.SIGKILL))

    def hold(self, name: str, lease: float) -> None:
        """Lead until this process ends."""
        self._hold(name, lease)

    def stand_by(self, name: str, lease: float, seconds: float) -> None:
        """Wait while another candidate leads, in the background."""
        candidate = self._make(name, lease)
        self._standby = Thread(target=self._wait, args=(candidate, seconds), daemon=True)
        self._standby.start()

    def still_stands_by(self) -> bool:
        """Return whether it waits, and has neither won nor failed."""
        return self._standby.is_alive()

    def _experienced(self, name: str, lease: float) -> Candidate:
        candidate = self._make(name, lease)
        if not candidate.lead(lambda: None):
            raise RuntimeError("expected to win, uncontended")
        return candidate

    def _expecting(self, candidate: Candidate, wins: bool) -> Action:  # noqa: FBT001 - a result
        def attempt() -> None:
            if candidate.lead(lambda: None) is not wins:
                raise RuntimeError(f"expected to {'win' if wins else 'lose'}")

        return attempt

    def _hold(self, name: str, lease: float) -> None:
        candidate, leads = self._make(name, lease), Event()

        def body() -> None:
            leads.set()
            self._over.wait()

        lead = getattr(candidate, "hold", candidate.lead)
        holder = Thread(target=lead, args=(body,), daemon=True)
        self._holders.append(holder)
        holder.start()
        if not leads.wait(PATIENCE_S):
            raise RuntimeError("expected to hold")

    def _release(self) -> None:
        self._over.set()
        for holder in self._holders:
            holder.join()
        self._over, self._holders = Event(), []

    @staticmethod
    def _take_over(candidate: Candidate) -> bool:
        if (wait := getattr(candidate, "wait", None)) is not None:  # an observer looks twice
            return bool(wait(lambda: None, PATIENCE_S))
        return candidate.lead(lambda: None)

    @staticmethod
    def _wait(candidate: Candidate, seconds: float) -> None:
        if (wait := getattr(candidate, "wait", None)) is not None:
            wait(lambda: None, seconds)
            return
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            candidate.lead(lambda: None)
            time.sleep(_POLL_S)


def main(adapter: str) -> None:
    """Answer commands until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module: Any = importlib.import_module(f"s3leader_bench.peers.adapters.{adapter}")
    child = Child(module.Candidate)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = {"result": getattr(child, command.pop("do"))(**command)}
        except Exception:  # noqa: BLE001 - libraries raise what they like
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)  # holders do not end


if __name__ == "__main__":
    main(sys.argv[1])
