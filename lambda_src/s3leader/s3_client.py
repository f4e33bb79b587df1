"""How a boto3 client for S3 is made, and what one that is passed in must know.

Only this file and `s3_store` know boto3 and botocore: here a client is made, there it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from .errors import InvalidArgument

if TYPE_CHECKING:
    from datetime import timedelta

    from mypy_boto3_s3 import S3Client

_OLDEST_BOTO3: Final = "1.35.69"


def default_client(timeout: timedelta, region: str | None) -> S3Client:
    """Make a client that gives up early and never sends a request twice."""
    seconds = timeout.total_seconds()
    if seconds <= 0:
        raise InvalidArgument(f"timeout must be positive, not {timeout}")
    # Since 1.36 boto3 sends a CRC in a trailer unless told otherwise, which many S3-compatible
    # servers refuse or take for part of the body. TLS and the ETag guard bodies well enough.
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
        **checksums,  # type: ignore[arg-type]  # options that older boto3 does not know
    )
    # Not boto3.client: what that shares must not be used by two threads at once. Credentials,
    # AWS_ENDPOINT_URL(_S3), and the Region unless it is given, come from the environment as ever.
    try:
        return boto3.session.Session().client("s3", region_name=region, config=config)
    except (BotoCoreError, ValueError) as error:
        raise InvalidArgument(
            f"no S3 client can be made from this environment: {error}. Look at AWS_PROFILE,"
            f" AWS_REGION, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_S3"
        ) from error


def check_client(client: S3Client) -> None:
    """Raise `InvalidArgument` unless the client knows conditional writes."""
    put = client.meta.service_model.operation_model("PutObject").input_shape
    if put is None or not {"IfMatch", "IfNoneMatch"} <= put.members.keys():
        raise InvalidArgument(
            f"boto3 {boto3.__version__} knows too little of conditional writes: install boto3"
            f" {_OLDEST_BOTO3} or newer"
        )
