"""Bills in the elected Region."""

import os

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton


@singleton
def handler(event: object, context: LambdaContext, term: Term) -> str:
    """Return the Region of the leader."""
    return f"term {term.number} bills in {os.environ['AWS_REGION']}"
