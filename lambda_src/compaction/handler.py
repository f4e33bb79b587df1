"""The Lambda handler of compaction, configured by its environment.

`DATA_BUCKET` holds `events/`, `compacted/` and `rejected/`; `DATA_REGION` is its Region, by default
the function's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from aws_lambda_powertools import Logger

from compaction.clients import connections
from compaction.compactor import compact
from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton

_LEAST_RESERVE_MS: Final = 5_000
_MOST_RESERVE_MS: Final = 30_000

logger = Logger(service="compaction")  # the package's own loggers are its children


@singleton
def handler(event: object, context: LambdaContext, term: Term) -> dict[str, Any]:  # noqa: ARG001
    """Compact the inputs in `DATA_BUCKET` as the leader of `term`."""
    if not (bucket := os.environ.get("DATA_BUCKET")):
        raise ValueError("DATA_BUCKET is not set; set it to the name of the bucket to compact")
    client, manifest = connections(bucket, os.environ.get("DATA_REGION"))
    should_stop = stop_in_time(context)
    return compact(
        term, bucket, client=client, manifest=manifest, should_stop=should_stop
    ).as_dict()


def stop_in_time(context: LambdaContext) -> Callable[[], bool]:
    """Return a function that is true in the last quarter of the time, kept for the last commit."""
    share = context.get_remaining_time_in_millis() // 4
    reserve = min(max(share, _LEAST_RESERVE_MS), _MOST_RESERVE_MS)
    return lambda: context.get_remaining_time_in_millis() < reserve
