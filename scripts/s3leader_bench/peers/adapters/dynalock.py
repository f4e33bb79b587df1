"""dynalock: one object for a lock; it does not wait."""

from __future__ import annotations

import os
from collections.abc import Callable

from dynalock import DynaLock
from dynalock.exceptions import LockAlreadyAcquiredError

TABLE = "dynalock"


class Candidate:
    """Acquires and releases."""

    def __init__(self, name: str, lease: float) -> None:
        region = os.environ["AWS_DEFAULT_REGION"]
        self._lock = DynaLock(name, region_name=region, table_name=TABLE, ttl=int(lease))

    def lead(self, body: Callable[[], object]) -> bool:
        """Try once."""
        try:
            with self._lock.lock():
                body()
        except LockAlreadyAcquiredError:
            return False
        return True
