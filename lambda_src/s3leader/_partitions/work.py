"""The thread in which the work of one partition runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, TypeAlias

from s3leader.term import Term

Run: TypeAlias = Callable[[str, Term, threading.Event], None]


class Work(Protocol):
    """The work of one partition, while this worker leads it."""

    error: BaseException | None
    """What the work raised."""

    def is_alive(self) -> bool:
        """Whether it runs."""

    def ask_to_stop(self) -> None:
        """Ask it to end; it is not waited for."""


class ThreadedWork:
    """Work in a thread of its own. `ended` is called in it after the work has returned."""

    def __init__(self, run: Run, name: str, term: Term, ended: Callable[[], None]) -> None:
        self.error: BaseException | None = None
        self._run, self._name, self._term, self._ended = run, name, term, ended
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._perform, name=f"s3leader-{name}")
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def ask_to_stop(self) -> None:
        """Set the `stop` that the work was given."""
        self._stop.set()

    def _perform(self) -> None:
        try:
            self._run(self._name, self._term, self._stop)
        except BaseException as error:  # noqa: BLE001 - it is reported, and the term has failed
            self.error = error
        finally:
            self._ended()
