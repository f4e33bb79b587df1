"""The connection to the data bucket."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from compaction.layout import MANIFEST
from s3leader import BucketOptions
from s3leader.fencing import FencedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def data_client(*, region: str | None = None) -> S3Client:
    """Return a client for inputs and parts, with the environment's credentials and endpoint.

    `region` is the bucket's Region, by default the environment's. The client may retry: reads and
    deletes are idempotent, and `Writer.create` recognises its own earlier write.
    """
    config = Config(
        connect_timeout=3,
        read_timeout=15,
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=16,
        # Many S3-compatible servers refuse a CRC in a trailer; s3leader's own client sends none.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.session.Session().client("s3", region_name=region, config=config)


@cache
def connections(bucket: str, region: str | None = None) -> tuple[S3Client, FencedObject]:
    """Return the client and the manifest of a bucket, made once in a process."""
    options = BucketOptions(region=region)
    manifest = FencedObject(MANIFEST, bucket=bucket, bucket_options=options)
    return data_client(region=region), manifest
