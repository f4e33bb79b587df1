"""The S3 store that an election uses: its time-outs follow from the lease."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from s3leader._core.lock import MAX_BODY

from .s3_options import BucketOptions
from .s3_store import S3Store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def try_timeout(lease: timedelta) -> timedelta:
    """Return the time-out of one try, such that several tries fit into a lease."""
    return min(timedelta(seconds=5), max(timedelta(milliseconds=500), lease / 6))


def lock_store(
    bucket: str,
    lease: timedelta,
    *,
    client: S3Client | None = None,
    options: BucketOptions | None = None,
) -> S3Store:
    """Return the store of a lock bucket, with time-outs that suit a lease."""
    timeout, body_limit = try_timeout(lease), MAX_BODY + 1
    return S3Store(bucket, client=client, options=options, timeout=timeout, body_limit=body_limit)
