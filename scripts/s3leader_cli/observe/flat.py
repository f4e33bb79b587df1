"""A term as one flat JSON object, a line of NDJSON."""

from __future__ import annotations

import json
from typing import Any

from s3leader import Election, Lock
from s3leader_cli.report import utc

from .filters import outcome_of

KEYS = (
    "election", "term", "outcome", "holder", "tick", "attempt", "leg", "repeat", "repeat_reason",
    "started_at", "ended_at", "seconds", "lease_seconds", "renewals", "done", "reason", "problem",
    "state",
)  # fmt: skip
"""The keys of each line, in this order. New ones may be added at the end."""


def flat(election: Election, lock: Lock) -> dict[str, Any]:
    """Return a term; what a corrupt lock does not say is null, and `state` is JSON in a text."""
    values: dict[str, Any] = dict.fromkeys(KEYS)
    values |= {"election": election.name, "term": lock.term, "outcome": outcome_of(election, lock)}
    if lock.problem is not None:
        return values | {"problem": lock.problem}
    ended = lock.ended_at if lock.sealed else None
    timed = ended is not None and lock.started_at is not None
    return values | {
        "holder": lock.holder,
        "tick": utc(lock.tick),
        "attempt": lock.attempt,
        "leg": lock.leg,
        "repeat": lock.repeat,
        "repeat_reason": lock.repeat_reason,
        "started_at": utc(lock.started_at),
        "ended_at": utc(ended),
        "seconds": (ended - lock.started_at).total_seconds() if timed else None,  # type: ignore[operator]  # see `timed`
        "lease_seconds": None if lock.lease_ms is None else lock.lease_ms / 1000,
        "renewals": lock.renewals,
        "done": utc(lock.done),
        "reason": lock.reason,
        "state": json.dumps(dict(lock.state)),
    }
