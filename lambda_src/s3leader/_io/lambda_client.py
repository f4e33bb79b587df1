"""Starting an invocation of a Lambda function. The only module that talks to Lambda."""

from __future__ import annotations

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from s3leader.errors import ContinuationNotStarted

_CONFIG = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
)


def start_invocation(function: str, payload: bytes, *, term: int) -> None:
    """Start an asynchronous invocation of `function`, a name or an ARN.

    Raises `ContinuationNotStarted`. After a lost answer the invocation may have been started.
    """
    try:
        boto3.client("lambda", config=_CONFIG).invoke(
            FunctionName=function, InvocationType="Event", Payload=payload
        )
    except (BotoCoreError, ClientError) as error:
        raise ContinuationNotStarted(term=term, function=function, why=str(error)) from error
