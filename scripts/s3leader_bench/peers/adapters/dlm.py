"""dynamo-dlm: a new resource of boto3 for each lock, as it makes it."""

from __future__ import annotations

from collections.abc import Callable

from dynamo_dlm import DynamoDbLock, LockNotAcquiredError


class Candidate:
    """Acquires and releases. After a failed attempt, a lock cannot be used again."""

    def __init__(self, name: str, lease: float) -> None:
        self._name = name
        self._lease = int(lease)
        self._lock: DynamoDbLock | None = self._new(wait_forever=False)

    def lead(self, body: Callable[[], object]) -> bool:
        """Try once."""
        lock = self._lock or self._new(wait_forever=False)
        self._lock = None
        try:
            lock.acquire()
        except LockNotAcquiredError:
            return False
        try:
            body()
        finally:
            lock.release()
        self._lock = lock
        return True

    def wait(self, body: Callable[[], object], seconds: float) -> bool:  # noqa: ARG002 - no limit
        """Wait for ever, the default."""
        with self._new(wait_forever=True):
            body()
        return True

    def _new(self, *, wait_forever: bool) -> DynamoDbLock:
        return DynamoDbLock(self._name, duration=self._lease, wait_forever=wait_forever)
