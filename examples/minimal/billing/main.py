"""Bills each customer once a night, and resumes where a crashed term stopped."""

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton

CUSTOMERS = ["ada", "grace", "mary"]


@singleton
def handler(event: object, context: LambdaContext, term: Term) -> int:
    """Runs in the elected invocation only."""
    night = str(term.tick)
    billed: list[str] = []
    if term.state.get("night") == night:  # of an earlier attempt, not of another night
        billed = term.state["billed"]
    for customer in CUSTOMERS[len(billed) :]:
        term.ensure_held()  # raises LeadershipLost if the lease has run out
        charge(customer, token=term.number)
        billed = [*billed, customer]
        term.save({"night": night, "billed": billed})  # a checkpoint for the next attempt
    return len(billed)


def charge(customer: str, *, token: int) -> None:
    """Placeholder for a service that rejects tokens lower than the highest it has seen."""
    print(f"{customer} is charged by term {token}")
