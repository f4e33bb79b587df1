"""Says on standard error what happens, and what is waited for and for how long at most."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import TextIO, TypeVar

FoundT = TypeVar("FoundT")


def duration(seconds: float) -> str:
    """Return a duration as people say it."""
    whole = round(seconds)
    return f"{whole} s" if whole < 100 else f"{whole / 60:.0f} min"


class Progress:
    """Prints lines with the time of day."""

    def __init__(self, out: TextIO | None = None) -> None:
        """Print to `out`, by default standard error."""
        self._out = out or sys.stderr

    def say(self, text: str) -> None:
        """Print a line."""
        print(f"{datetime.now().astimezone():%H:%M:%S} {text}", file=self._out, flush=True)

    def wait(
        self, what: str, poll: Callable[[], FoundT | None], *, seconds: float, every: float
    ) -> FoundT | None:
        """Return what `poll` returns once that is true; None after `seconds`."""
        began = time.monotonic()
        announced = False
        while True:
            found = poll()
            waited = time.monotonic() - began
            if found:
                if announced:
                    self.say(f"  … after {duration(waited)}")
                return found
            if waited >= seconds:
                self.say(f"  … not within {duration(seconds)}: {what}")
                return None
            if not announced:
                self.say(f"waiting for {what}: at most {duration(seconds)}")
                announced = True
            time.sleep(every)
