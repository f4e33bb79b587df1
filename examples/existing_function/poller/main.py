"""Polls once a minute, even if it is started more often."""

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton


@singleton
def handler(event: object, context: LambdaContext, term: Term) -> str:
    """Poll for the minute that the rule fired for."""
    return f"polled for {term.tick}"
