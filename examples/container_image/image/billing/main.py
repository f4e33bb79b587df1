"""Bills each customer once a night, from a container image."""

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton

CUSTOMERS = ["ada", "grace", "mary"]


@singleton
def handler(event: object, context: LambdaContext, term: Term) -> str:
    """Runs in the elected invocation only."""
    for customer in CUSTOMERS:
        term.ensure_held()
        print(f"{customer} is charged by term {term.number}")
    return f"charged {len(CUSTOMERS)} in term {term.number}"
