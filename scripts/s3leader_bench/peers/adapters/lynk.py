"""lynk: a lock of a session, with a thread that refreshes it; it sleeps for whole leases."""

from __future__ import annotations

from collections.abc import Callable

from lynk.exceptions import LockNotGrantedError
from lynk.session import Session

TABLE = "lynk"


class Candidate:
    """Acquires and releases."""

    def __init__(self, name: str, lease: float) -> None:
        self._lock = Session(TABLE).create_lock(name)
        self._lease = int(lease)

    def lead(self, body: Callable[[], object]) -> bool:
        """Try once."""
        return self.wait(body, 0)

    def wait(self, body: Callable[[], object], seconds: float) -> bool:
        """Sleep for the lease of the other holder, as often as time permits."""
        try:
            self._lock.acquire(self._lease, max_wait_seconds=seconds)
        except LockNotGrantedError:
            return False
        try:
            body()
        finally:
            self._lock.release()
        return True
