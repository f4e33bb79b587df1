"""Writes a report once an hour, with the number of the attempt."""

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton


@singleton
def handler(event: object, context: LambdaContext, term: Term) -> str:
    """Report for this hour."""
    return f"reported for {term.tick}, attempt {term.attempt}"
