"""stormlock on DynamoDB: one lock object; it neither waits nor renews by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache

from stormlock import StormLock
from stormlock.backend import LockHeldException
from stormlock.backends.dynamodb import DynamoDB

TABLE = "stormlock"


@cache
def _backend() -> DynamoDB:
    return DynamoDB(table=TABLE)


class Candidate:
    """Acquires and releases."""

    def __init__(self, name: str, lease: float) -> None:
        self._lock = StormLock(_backend(), name, "bench", timedelta(seconds=lease))

    def lead(self, body: Callable[[], object]) -> bool:
        """Try once."""
        try:
            lease_id = self._lock.acquire()
        except LockHeldException:
            return False
        try:
            body()
        finally:
            self._lock.release(lease_id)
        return True
