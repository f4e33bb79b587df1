"""Writes a report, in as many legs as its event asks for."""

from collections.abc import Mapping
from typing import Any

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton


@singleton
def handler(event: Mapping[str, Any], context: LambdaContext, term: Term) -> str:
    """Write one part of the report in each leg."""
    if term.leg < event.get("parts", 1):
        term.continue_later({"written": term.leg})  # the next invocation writes the next part
    return f"part {term.leg} by {context.invoked_function_arn.rpartition(':')[2]}"
