"""Collects the evidence when everything has stopped, and checks it."""

from pathlib import Path

from bird_strikes.checks import Check, Evidence, TermRecord, check_evidence
from bird_strikes.sent_log import expected_counts, read_sent_log
from s3leader_demo.deployment import Deployment
from s3leader_demo.rows import timestamp

_ALL = 10_000


def check(demo: Deployment, sent_log: Path) -> list[Check]:
    """Compare the buckets and the ledger with what was sent."""
    terms = [
        TermRecord(
            number=lock.term,
            tick=timestamp(lock.tick) or None,
            outcome=lock.outcome if lock.sealed else None,
        )
        for lock in reversed(demo.election.history(_ALL))
    ]
    found = Evidence(
        events=demo.data.events(),
        rejections=demo.data.rejections(),
        inputs_left=demo.data.inputs(),
        terms=terms,
        fired_ticks=demo.fired_ticks(),
        wins=demo.all_wins(),
        killed=demo.killed,
    )
    return check_evidence(expected_counts(read_sent_log(sent_log)), found)
