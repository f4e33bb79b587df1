"""Elections whose leaders are killed: `python -m s3leader_bench.clients.takeover LEASE_S KILLS`.

Each election has two candidates, which are forks of this process. A leader renews its lease, and is
killed at a random moment. Prints the seconds from each kill to the win of the other candidate.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from contextlib import suppress
from datetime import timedelta

from s3leader import Election, Term
from s3leader._io import lock_store  # noqa: F401 - imported once, not by each fork

BUCKET = "locks"
_ELECTIONS = 10


class Killer:
    """The candidates of all elections, and the kills so far."""

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._read, self._write = os.pipe()
        self._alive: set[int] = set()
        self._kill_at: dict[str, tuple[float, int]] = {}
        self._killed_at: dict[str, float] = {}
        self.seconds: list[float] = []

    def run(self, kills: int) -> None:
        """Kill leaders until there were enough takeovers."""
        try:
            for number in range(min(_ELECTIONS, kills)):
                for _ in range(2):
                    self._start(f"takeover-{os.getpid()}-{number}")
            while len(self.seconds) < kills:
                if select.select([self._read], [], [], 0.01)[0]:
                    for line in os.read(self._read, 65536).decode().splitlines():
                        self._note(json.loads(line))
                self._kill_due()
        finally:
            for pid in self._alive:
                self._end(pid)

    def _note(self, event: list[str]) -> None:
        name, pid, won_at = event[0], int(event[1]), float(event[2])
        if won_at < 0:  # it lost its lease by itself: on an overloaded machine, a short one
            if self._kill_at.get(name, (0, 0))[1] == pid:
                del self._kill_at[name]
            if pid in self._alive:
                self._replace(pid, name)
            return
        if name in self._killed_at:
            self.seconds.append(won_at - self._killed_at.pop(name))
        delay = random.uniform(0.2, self._lease)  # noqa: S311 - not secret
        self._kill_at[name] = (time.monotonic() + delay, pid)

    def _kill_due(self) -> None:
        for name, (due, pid) in list(self._kill_at.items()):
            if time.monotonic() >= due:
                del self._kill_at[name]
                self._killed_at[name] = time.monotonic()
                self._replace(pid, name)

    def _replace(self, pid: int, name: str) -> None:
        self._alive.discard(pid)
        self._end(pid)
        self._start(name)

    def _start(self, name: str) -> None:
        pid = os.fork()
        if pid == 0:
            try:
                self._lead(name)
            finally:
                self._say(name, -1)
                os._exit(1)
        self._alive.add(pid)

    def _lead(self, name: str) -> None:
        election = Election(name, bucket=BUCKET, lease=timedelta(seconds=self._lease))
        while True:
            term = election.campaign(wait=timedelta(hours=1))
            if isinstance(term, Term):
                self._say(name, time.monotonic())
                with term, term.keep_renewing():
                    time.sleep(3600)

    def _say(self, name: str, won_at: float) -> None:
        event = [name, str(os.getpid()), str(won_at)]
        os.write(self._write, json.dumps(event).encode() + b"\n")

    @staticmethod
    def _end(pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    killer = Killer(float(sys.argv[1]))
    killer.run(int(sys.argv[2]))
    print(json.dumps(killer.seconds))
