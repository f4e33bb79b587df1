"""The Lambda handler of compaction, configured by its environment.

`DATA_BUCKET` holds `events/`, `compacted/` and `rejected/`; `DATA_REGION` is its Region, by default
the function's. `COMPACTION_BATCH_BYTES` and `COMPACTION_BATCH_OBJECTS` limit a batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger

from compaction.clients import data_client
from compaction.compactor import compact
from compaction.layout import Layout
from compaction.limits import Limits
from s3leader import Term
from s3leader._io.s3_options import BucketOptions
from s3leader.aws_lambda import LambdaContext, singleton
from s3leader.fencing import FencedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LEAST_RESERVE_MS: Final = 5_000
_MOST_RESERVE_MS: Final = 30_000

logger = Logger(service="compaction")  # the package's own loggers are its children


@singleton
def handler(event: object, context: LambdaContext, term: Term) -> dict[str, Any]:  # noqa: ARG001
    """Compact the inputs in `DATA_BUCKET` as the leader of `term`."""
    bucket = _required(os.environ, "DATA_BUCKET")
    client, manifest = _connections(bucket, os.environ.get("DATA_REGION"))
    summary = compact(
        term,
        bucket,
        client=client,
        manifest=manifest,
        limits=limits_from(os.environ),
        should_stop=stop_in_time(context),
    )
    return summary.as_dict()


def stop_in_time(context: LambdaContext) -> Callable[[], bool]:
    """Return a function that is true in the last quarter of the time, kept for the last commit."""
    share = context.get_remaining_time_in_millis() // 4
    reserve = min(max(share, _LEAST_RESERVE_MS), _MOST_RESERVE_MS)
    return lambda: context.get_remaining_time_in_millis() < reserve


def limits_from(environment: Mapping[str, str]) -> Limits:
    """Return the limits, as changed by the environment."""
    names = {
        "batch_bytes": "COMPACTION_BATCH_BYTES",
        "batch_objects": "COMPACTION_BATCH_OBJECTS",
    }
    given: dict[str, int] = {}
    for field, name in names.items():
        if (text := environment.get(name)) is not None:
            if not (text.isascii() and text.isdigit() and int(text) > 0):
                raise ValueError(f"{name} must be a whole number above 0, got {text!r}")
            given[field] = int(text)
    return Limits(**given)


@cache
def _connections(bucket: str, region: str | None) -> tuple[S3Client, FencedObject]:
    """Return the clients, which all invocations of one execution environment share."""
    manifest = FencedObject(
        Layout(bucket=bucket).manifest, bucket=bucket, bucket_options=BucketOptions(region=region)
    )
    return data_client(region=region), manifest


def _required(environment: Mapping[str, str], name: str) -> str:
    if not (value := environment.get(name)):
        raise ValueError(f"{name} is not set; set it to the name of the bucket to compact")
    return value
