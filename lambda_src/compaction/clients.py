"""The connection to the data bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def data_client(*, region: str | None = None, connections: int = 16) -> S3Client:
    """Make a client for inputs and parts; credentials and endpoint are the environment's.

    So is the Region, unless the bucket's is given as `region`.

    Its retries do no harm: reads and deletes are repeatable, and a create that meets its own
    earlier try is recognised (`Writer.create`).
    """
    config = Config(
        connect_timeout=3,
        read_timeout=15,
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=connections,
        # As in the runtime: many S3-compatible servers do not take a CRC in a trailer.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.session.Session().client("s3", region_name=region, config=config)
