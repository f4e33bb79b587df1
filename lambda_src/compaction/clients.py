"""The connection to the data bucket."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config
from botocore.utils import parse_timestamp

from compaction.layout import MANIFEST
from compaction.limits import Limits
from s3leader import BucketOptions
from s3leader.fencing import FencedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def data_client(*, region: str | None = None) -> S3Client:
    """Return a client for inputs and parts, with the environment's credentials and endpoint.

    `region` is the bucket's Region, by default the environment's. The client may retry: reads and
    deletes are idempotent, and `Writer.create` recognises its own earlier write.

    Reading small objects is bound by the CPU, most of which botocore takes, so the client parses
    times by `parsed_time` and has a fixed User-Agent: a quarter less CPU for each request.
    """
    core = botocore.session.Session()
    session = boto3.session.Session(botocore_session=core)  # which adds to the User-Agent
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=parsed_time)
    config = Config(
        connect_timeout=3,
        read_timeout=15,
        retries={"mode": "standard", "total_max_attempts": 4},
        # Readers, and as many threads that ask for committed inputs. A connection beyond these
        # would be closed after one request.
        max_pool_connections=2 * Limits().readers,
        user_agent=f"{core.user_agent()} s3leader-compaction",  # else assembled for each request
        # Many S3-compatible servers refuse a CRC in a trailer; s3leader's own client sends none.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return session.client("s3", region_name=region, config=config)


def parsed_time(text: str) -> datetime:
    """Parse a time as S3 writes it in LIST or in a header, or else as botocore does.

    botocore guesses the format of each time, which takes as long as all else of a LIST.
    """
    try:
        return datetime.fromisoformat(text) if text[:1].isdigit() else parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return parse_timestamp(text)


@cache
def connections(bucket: str, region: str | None = None) -> tuple[S3Client, FencedObject]:
    """Return the client and the manifest of a bucket, made once in a process."""
    options = BucketOptions(region=region)
    manifest = FencedObject(MANIFEST, bucket=bucket, bucket_options=options)
    return data_client(region=region), manifest
