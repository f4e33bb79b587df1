"""Writes a report once an hour; where a term failed, the next attempt says so."""

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton


@singleton
def handler(event: object, context: LambdaContext, term: Term) -> str:
    """Report, as the leader of this attempt at this hour."""
    return f"reported for {term.tick}, attempt {term.attempt}"
