"""The context of an invocation in a unit test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from s3leader._core.requests import Store


@dataclass(frozen=True, kw_only=True)
class LocalContext:
    """A context for tests: it carries the store and the environment to use instead of Lambda's.

    It also has the attributes of Lambda's context that handlers and their middleware read.
    """

    store: Store
    environment: Mapping[str, str]
    remaining: timedelta
    function_name: str = "local"
    function_version: str = "$LATEST"
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:local"
    memory_limit_in_mb: int = 128
    aws_request_id: str = "local"
    log_group_name: str = "/aws/lambda/local"
    log_stream_name: str = "local"

    def get_remaining_time_in_millis(self) -> int:
        """Return the given time; it does not pass."""
        return self.remaining // timedelta(milliseconds=1)
