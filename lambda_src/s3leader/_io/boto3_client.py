"""A boto3 client of S3: made where the HTTP client will not do, or passed in by the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.handlers import add_expect_header

from s3leader.errors import InvalidArgument

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def make_boto3_client(seconds: float, region: str | None) -> S3Client:
    """Return a client that gives up after `seconds` and never sends a request twice."""
    # boto3 from 1.36 on sends a CRC in a trailer by default, which many S3-compatible servers
    # refuse or store as part of the body. To Amazon S3, `S3Store` sends one in a header.
    checksums = {
        option: "when_required"
        for option in ("request_checksum_calculation", "response_checksum_validation")
        if option in Config.OPTION_DEFAULTS
    }
    config = Config(
        connect_timeout=seconds,
        read_timeout=seconds,
        retries={"total_max_attempts": 1},
        tcp_keepalive=True,
        max_pool_connections=50,  # as many threads may share the client
        **checksums,  # type: ignore[arg-type]  # options that older boto3 does not know
    )
    # Not boto3.client, which shares state between threads and is not thread-safe.
    client = boto3.session.Session().client("s3", region_name=region, config=config)
    # botocore sends `Expect: 100-continue` with each PUT and waits for the answer before it sends
    # the body. A lock is far smaller than what that saves, and the wait is a whole round trip.
    client.meta.events.unregister("before-call.s3", add_expect_header)
    return client


def check_boto3_client(client: S3Client) -> None:
    """Raise `InvalidArgument` unless it is an S3 client that supports conditional writes."""
    try:
        put = client.meta.service_model.operation_model("PutObject").input_shape
    except Exception as error:  # an object without `meta`, or the client of another service
        raise InvalidArgument(
            f"expected a boto3 S3 client, got {client!r}; make one with boto3.client('s3')"
        ) from error
    if put is None or not {"IfMatch", "IfNoneMatch"} <= put.members.keys():
        raise InvalidArgument(
            f"boto3 {boto3.__version__} does not support If-Match and If-None-Match on PutObject;"
            f" install boto3 1.35.69 or newer"
        )
