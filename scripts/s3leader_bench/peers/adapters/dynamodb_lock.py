"""python-dynamodb-lock: a client for the process, with two threads that send heartbeats."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache

import boto3
from python_dynamodb_lock.python_dynamodb_lock import DynamoDBLockClient, DynamoDBLockError

_AT_ONCE = timedelta(microseconds=1)  # zero would mean the default


@cache
def _client(lease: float) -> DynamoDBLockClient:
    """Return a client whose heartbeats are four a lease, as its documentation advises at least.

    For the default lease of 30 s, with the default of 5 s.
    """
    heartbeat = 5.0 if lease == 30 else lease / 4
    return DynamoDBLockClient(
        boto3.resource("dynamodb"),
        lease_duration=timedelta(seconds=lease),
        heartbeat_period=timedelta(seconds=heartbeat),
        safe_period=timedelta(seconds=lease * 2 / 3),
    )


class Candidate:
    """Acquires and releases."""

    def __init__(self, name: str, lease: float) -> None:
        self._name = name
        self._client = _client(lease)

    def lead(self, body: Callable[[], object]) -> bool:
        """Try once."""
        return self._led(body, _AT_ONCE)

    def wait(self, body: Callable[[], object], seconds: float) -> bool:
        """Retry after each heartbeat period, the default."""
        return self._led(body, timedelta(seconds=seconds))

    def _led(self, body: Callable[[], object], timeout: timedelta) -> bool:
        try:
            lock = self._client.acquire_lock(self._name, retry_timeout=timeout)
        except DynamoDBLockError as error:
            if error.code != DynamoDBLockError.ACQUIRE_TIMEOUT:
                raise
            return False
        try:
            body()
        finally:
            lock.release(best_effort=False)
        return True
