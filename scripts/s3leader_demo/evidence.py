"""Collects the evidence when everything has stopped, and checks it."""

from collections import Counter
from pathlib import Path

from bird_strikes.checks import Check, Evidence, TermRecord, check_evidence
from bird_strikes.sent_log import expected_counts, read_sent_log
from s3leader_demo.deployment import Deployment
from s3leader_demo.rows import timestamp

_ALL = 10_000


def check(demo: Deployment, sent_log: Path) -> list[Check]:
    """Compare the buckets, the ledger and the decisions on permissions with what was sent."""
    terms = [
        TermRecord(
            number=lock.term,
            tick=timestamp(lock.tick) or None,
            outcome=lock.outcome if lock.sealed else None,
        )
        for lock in reversed(demo.election.history(_ALL))
    ]
    roles = (demo.function_role(), demo.schedules_role())
    decisions = [one for one in demo.cloud.decisions() if one.role in roles]
    asked = Counter(one.role for one in decisions)
    found = Evidence(
        events=demo.data.events(),
        rejections=demo.data.rejections(),
        inputs_left=demo.data.inputs(),
        terms=terms,
        fired_ticks=demo.fired_ticks(),
        wins=demo.all_wins(),
        killed=demo.killed,
        requests_by_role={role: asked[role] for role in roles},
        denied=[
            f"{one.role} was refused {one.action} on {one.resource}"
            for one in decisions
            if not one.allowed
        ],
    )
    return check_evidence(expected_counts(read_sent_log(sent_log)), found)
