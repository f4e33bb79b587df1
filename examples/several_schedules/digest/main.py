"""Sends a digest of everything since the last one."""

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton


@singleton
def handler(event: object, context: LambdaContext, term: Term) -> dict[str, str | None]:
    """Send the messages between the last digest and this tick."""
    since: str | None = term.state.get("sent_until")
    until = str(term.tick)
    term.save({"sent_until": until})
    return {"since": since, "until": until}
