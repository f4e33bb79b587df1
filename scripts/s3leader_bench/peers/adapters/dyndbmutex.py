"""dyndbmutex: one object for a lock; it does not wait."""

from __future__ import annotations

import os
from collections.abc import Callable

from dyndbmutex.dyndbmutex import AcquireLockFailedError, DynamoDbMutex

TABLE = "Mutex"  # its default


class Candidate:
    """Acquires and releases."""

    def __init__(self, name: str, lease: float) -> None:
        region = os.environ["AWS_DEFAULT_REGION"]
        self._lock = DynamoDbMutex(name, timeoutms=int(lease * 1000), region_name=region)

    def lead(self, body: Callable[[], object]) -> bool:
        """Try once."""
        try:
            with self._lock:
                body()
        except AcquireLockFailedError:
            return False
        return True
