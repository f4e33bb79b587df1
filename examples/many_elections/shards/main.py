"""Works on one shard at a time in each election; the event says on which."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, LambdaHandler, singleton


def work(event: Mapping[str, Any], context: LambdaContext, term: Term) -> str:
    """Work on the shard of the event."""
    return f"worked on shard {event['shard']} in term {term.number}"


@cache  # a handler remembers the locks that it has seen, which saves requests
def candidate_of(shard: int) -> LambdaHandler:
    """Return the handler that campaigns for a shard."""
    return singleton(election=f"shard/{shard}")(work)


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Campaign for the shard of the event."""
    return candidate_of(event["shard"])(event, context)
