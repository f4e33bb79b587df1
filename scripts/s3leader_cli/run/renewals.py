"""The thread that renews a lease while a command runs, and saves what it writes as checkpoint."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Self

from s3leader import InvalidArgument, LeadershipLost, Term

from .checkpoint import CheckpointFile
from .processes import clock_ms

Warn = Callable[[str], None]


class Renewals:
    """Renews until the block is left or leadership is lost; then `lost` says why.

    `renewed` gets the new deadline, `stop` is called when leadership is lost.
    """

    def __init__(
        self,
        term: Term,
        file: CheckpointFile,
        *,
        every: timedelta,
        renewed: Callable[[int], None],
        stop: Callable[[], None],
        warn: Warn,
    ) -> None:
        self._term = term
        self._file = file
        self._every = every
        self._renewed = renewed
        self._stop = stop
        self._warn = warn
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, name="s3leader-renew", daemon=True)
        self.lost: LeadershipLost | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._left.wait(self._every.total_seconds()):
            try:
                self._renew()
            except LeadershipLost as lost:
                self.lost = lost
                self._stop()
                return
            except Exception as error:  # noqa: BLE001
                # The next try may succeed; if none does, the guard ends the command in time.
                self._warn(f"term {self._term.number} was not renewed: {error}")
                continue
            self._renewed(deadline_ms(self._term))

    def _renew(self) -> None:
        try:
            state = self._file.changed()
            if state is not None:
                self._term.save(state)
                self._file.note_saved(state)
                return
        except InvalidArgument as error:  # it may be half written
            self._warn(f"the checkpoint was not saved: {error}")
        self._term.renew()


def deadline_ms(term: Term) -> int:
    """Return the term's deadline by the clock that this machine's processes share."""
    now_ms = clock_ms()  # first: the result may be early, never late
    return now_ms + term.remaining() // timedelta(milliseconds=1)
