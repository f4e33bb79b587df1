"""Event logs: each process appends its events to a file of its own, to be checked afterwards.

Times are of the machine's one monotonic clock, in nanoseconds, so they compare between processes.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from s3leader._io.term_state import TermState
from tests.verification.history import Event

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now_ns() -> int:
    """Return the clock that `s3leader._io.driver.monotonic_ms` reads."""
    return time.clock_gettime_ns(_CLOCK)


class EventLog:
    """Appends events to a file, each with a single write, so that none is lost to a SIGKILL."""

    def __init__(self, path: Path, who: str) -> None:
        """Write as `who`."""
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.who = who

    def record(self, what: str, **facts: object) -> None:
        """Record an event."""
        line = {"what": what, "who": self.who, "at": now_ns(), **facts}
        os.write(self._file, json.dumps(line).encode() + b"\n")

    def leads(self, what: str, term: TermState, **facts: object) -> None:
        """Record until when a term is led by its own stopwatch, if it is not renewed."""
        before, left = now_ns(), term.remaining()
        until = before + int(left.total_seconds() * 1e9) if left else 0
        self.record(what, term=term.number, until=until, **facts)


class EventReader:
    """Reads the events that were added to the logs of a folder since the last call."""

    def __init__(self, folder: Path) -> None:
        """Read the files of `folder`."""
        self._folder = folder
        self._read: dict[Path, int] = {}

    def new_events(self) -> Iterator[Event]:
        """Yield what is new; a line that is only half written is left for the next time."""
        for path in sorted(self._folder.glob("*.jsonl")):
            begin = self._read.get(path, 0)
            if path.stat().st_size == begin:
                continue
            with path.open("rb") as file:
                file.seek(begin)
                whole = file.read().rpartition(b"\n")[0]
            self._read[path] = begin + len(whole) + (1 if whole else 0)
            for line in whole.splitlines():
                yield json.loads(line)


def read_events(folder: Path) -> list[Event]:
    """Return all events, in the order of the clock."""
    return sorted(EventReader(folder).new_events(), key=lambda event: int(event["at"]))
