"""Polls once a minute, however often it is started."""

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton


@singleton
def handler(event: object, context: LambdaContext, term: Term) -> str:
    """Poll for the minute that the rule fired for."""
    return f"polled for {term.tick}"
