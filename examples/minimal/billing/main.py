"""Bills each customer once a night, and goes on where a term that crashed left off."""

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton

CUSTOMERS = ["ada", "grace", "mary"]


@singleton
def handler(event: object, context: LambdaContext, term: Term) -> int:
    """Called in the invocation that was elected, and in no other."""
    billed: list[str] = term.state.get("billed", []) if term.attempt > 1 else []
    for customer in CUSTOMERS[len(billed) :]:
        term.ensure_held()  # raises LeadershipLost, if this leader was too slow
        charge(customer, token=term.number)
        billed = [*billed, customer]
        term.save({"billed": billed})  # a checkpoint, for whoever leads the next attempt
    return len(billed)


def charge(customer: str, *, token: int) -> None:
    """Stand in for a service that keeps the highest token it has seen and refuses lower ones."""
    print(f"{customer} is charged by term {token}")
