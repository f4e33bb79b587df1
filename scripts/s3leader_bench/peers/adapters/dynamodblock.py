"""dynamodblock: a new object for each attempt, since one that was released cannot release again."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import boto3
from dynamodblock import DynamoDBLock
from dynamodblock.dynamodblock import DynamoDBLockTimeoutError

TABLE = "dynamodblock"


@cache
def _table() -> object:
    return boto3.resource("dynamodb").Table(TABLE)


class Candidate:
    """Acquires and releases."""

    def __init__(self, name: str, lease: float) -> None:
        self._name = name
        self._lease = lease

    def lead(self, body: Callable[[], object]) -> bool:
        """Try for as short as it allows: one attempt, and a pause of 0.1 s."""
        return self._led(body, timeout=0, interval=0.1)

    def wait(self, body: Callable[[], object], seconds: float) -> bool:
        """Retry each second, the default."""
        return self._led(body, timeout=seconds, interval=1.0)

    def _led(self, body: Callable[[], object], *, timeout: float, interval: float) -> bool:
        lock = DynamoDBLock(self._name, _table(), lock_ttl=int(self._lease))
        try:
            lock.acquire(retry_timeout=timeout, retry_interval=interval)
        except DynamoDBLockTimeoutError:
            return False
        try:
            body()
        finally:
            if not lock.release():
                raise RuntimeError("expected to release")
        return True
