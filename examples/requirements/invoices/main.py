"""Makes the invoices of a month, which are due at the end of the next one."""

from dateutil.relativedelta import relativedelta

from s3leader import Term
from s3leader.aws_lambda import LambdaContext


def bill(event: object, context: LambdaContext, term: Term) -> str:
    """Runs in the elected invocation only."""
    if term.tick is None:
        raise ValueError("expected an event with the tick of a schedule")
    due = term.tick + relativedelta(months=1, day=31)  # the last day of a shorter month
    return f"due on {due:%Y-%m-%d}"
