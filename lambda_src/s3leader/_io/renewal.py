"""The thread that renews a term's lease."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from s3leader._core.config import check_duration, milliseconds
from s3leader.errors import InvalidArgument, LeadershipLost, S3LeaderError, describe_error

_log = logging.getLogger("s3leader")


def renewal_interval_ms(lease_ms: int, every: timedelta | None) -> int:
    """Return how often to renew, in milliseconds: `every`, or a third of the lease."""
    if every is not None:
        check_duration("every", every)
    every_ms = lease_ms // 3 if every is None else milliseconds(every)
    if not 0 < every_ms < lease_ms:
        raise InvalidArgument(
            f"expected `every` to be positive and shorter than the lease of {lease_ms} ms, got"
            f" {every}; a third of the lease is a good choice"
        )
    return every_ms


@contextmanager
def renewal(
    renew: Callable[[], None], term: int, every_ms: int, is_over: Callable[[], bool]
) -> Iterator[None]:
    """Call `renew` every `every_ms` from a thread, until the block is left or leadership is lost.

    `is_over` tells whether the term has ended on purpose, so that nothing is lost.
    """
    stop, pid = threading.Event(), os.getpid()

    def run() -> None:
        while not stop.wait(every_ms / 1000):
            try:
                renew()
            except LeadershipLost as error:
                if not is_over():
                    _log.warning("%s", error)
                return
            except Exception as error:  # noqa: BLE001
                # The next try may succeed; if none does, the deadline ends the term.
                unexpected = not isinstance(error, S3LeaderError)
                text = describe_error(error)
                _log.warning("term %d was not renewed: %s", term, text, exc_info=unexpected)

    thread = threading.Thread(target=run, name="s3leader-renew", daemon=True)
    thread.start()
    try:
        yield
    finally:
        if os.getpid() == pid:  # a fork has no such thread, but its locks may be taken
            stop.set()
            thread.join()
