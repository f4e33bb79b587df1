"""Names that the stack and the checks of it share."""

FENCED = "fenced/probe.json"
PROBED = "Probed"  # the election of the roles that are tried
COMMAND = "Command"  # the election whose metrics are made by metric filters


def election_of(stack: str, job: str) -> str:
    """Return the name of a job's election, which no other stack has."""
    return f"{stack}/{job.lower()}"
