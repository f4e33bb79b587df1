"""The proof, gathered when everything has stopped."""

from collections import Counter
from pathlib import Path

from bird_strikes.checks import Check, Evidence, TermRecord, check_evidence
from bird_strikes.sent_log import expected_counts, read_sent_log
from s3leader_demo.deployment import Deployment
from s3leader_demo.rows import timestamp

_ALL = 10_000


def check(deployment: Deployment, journal: Path) -> list[Check]:
    """Compare what is in the buckets with what is in the journal."""
    terms = [
        TermRecord(
            number=lock.term,
            tick=timestamp(lock.tick) or None,
            outcome=lock.outcome if lock.sealed else None,
        )
        for lock in reversed(deployment.election.history(_ALL))
    ]
    roles = (deployment.function_role(), deployment.schedules_role())
    decisions = [one for one in deployment.cloud.decisions() if one.role in roles]
    asked = Counter(one.role for one in decisions)
    found = Evidence(
        events=deployment.data.events(),
        rejections=deployment.data.rejections(),
        inputs_left=deployment.data.inputs(),
        terms=terms,
        fired_ticks=deployment.fired_ticks(),
        wins=deployment.all_wins(),
        killed=deployment.killed,
        requests_by_role={role: asked[role] for role in roles},
        denied=[
            f"{one.role} was refused {one.action} on {one.resource}"
            for one in decisions
            if not one.allowed
        ],
    )
    return check_evidence(expected_counts(read_sent_log(journal)), found)
