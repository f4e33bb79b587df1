"""Exports each night page by page, and goes on in another invocation before its time is over."""

from datetime import timedelta

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton

PAGES = 3
RESERVE = timedelta(minutes=1)  # more than one page takes


@singleton
def handler(event: object, context: LambdaContext, term: Term) -> int:
    """Export the pages of the term's night; return how many are exported."""
    night = str(term.tick)
    exported = 0
    if term.state.get("night") == night:  # of an earlier leg or attempt, not of another night
        exported = term.state["exported"]
    while exported < PAGES:
        export(night, exported, token=term.number)
        exported += 1
        progress = {"night": night, "exported": exported}
        if exported < PAGES and term.time_left() < RESERVE:
            term.continue_later(progress)  # the next invocation goes on from here
            return exported
        term.save(progress)
    return exported


def export(night: str, page: int, *, token: int) -> None:
    """Placeholder for a store that rejects tokens lower than the highest it has seen."""
    print(f"page {page} of {night} is exported by term {token}")
