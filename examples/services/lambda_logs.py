"""A Lambda job whose log lines carry election, term and tick, with Powertools' logger."""

from aws_lambda_powertools import Logger

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton

logger = Logger(service="billing")


@logger.inject_lambda_context(clear_state=True)  # the next invocation has another term
@singleton
def handler(event: dict[str, object], context: LambdaContext, term: Term) -> str:
    """Work for a tick, in the elected invocation."""
    logger.append_keys(**term.log_fields)  # election, term, tick, attempt, leg
    logger.info("sending invoices")
    return "sent"
