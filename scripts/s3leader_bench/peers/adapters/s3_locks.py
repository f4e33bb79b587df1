"""s3-locks: one client for the process; waiting takes an interval, here a second."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

import boto3
from s3_locks.main import MaxAttemptsReachedError, S3Lock


@cache
def _client() -> object:
    return boto3.client("s3")


class Candidate:
    """Acquires and releases."""

    def __init__(self, name: str, lease: float) -> None:
        bucket = os.environ["BENCH_BUCKET"]
        self._lock = S3Lock(bucket, f"s3-locks/{name}", lease, s3_client=_client())

    def lead(self, body: Callable[[], object]) -> bool:
        """Try once."""
        try:
            with self._lock:
                body()
        except MaxAttemptsReachedError:
            return False
        return True
