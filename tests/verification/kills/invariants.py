"""What must be true of an election and its data bucket once its leaders were killed and stopped."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bird_strikes.checks import Check, Evidence, TermRecord, check_evidence
from bird_strikes.data_bucket import MANIFEST, DataBucket
from bird_strikes.sent_log import expected_counts, read_sent_log
from tests.verification import invariants, store_invariants
from tests.verification.event_log import Event

processes = store_invariants.processes


def chance(seed: int) -> random.Random:
    """Return a source of chance that can be repeated."""
    return random.Random(seed)  # noqa: S311 - repeatable is what it must be


def events_of(name: str, events: Sequence[Event]) -> list[Event]:
    """Return what the candidates of an election noted, and what befell them."""
    return [event for event in events if (event.get("whom") or event["who"]).startswith(f"{name}-")]


def locks(client: Any, bucket: str, election: str) -> list[dict[str, Any]]:
    """Read every lock of an election as it is on the server, the first term first."""
    prefix = f"elections/{election}/lock_"
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
    return [
        json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in sorted(keys)
    ]


def checks(
    name: str,
    events: Sequence[Event],
    locks: Sequence[dict[str, Any]],
    data: DataBucket,
    sent: Path,
) -> Iterator[Check]:
    """Check everything, each claim under the election's name."""
    everything = [
        *invariants.leadership(events),
        *store_invariants.ticks(events, locks),
        *store_invariants.ledger(locks),
        *_zombies(events),
        *_fenced(events, data),
        *check_evidence(expected_counts(read_sent_log(sent)), _evidence(events, locks, data)),
    ]
    for one in everything:
        yield replace(one, claim=f"{name}: {one.claim}")


def _zombies(events: Sequence[Event]) -> Iterator[Check]:
    """Check that whoever went on after its successor's claim wrote nothing any more."""
    resumed = [event for event in events if event["what"] == "lets go on"]
    told: list[str] = []
    for event in resumed:
        same = [
            one
            for one in events
            if one["who"] == event["whom"] and one.get("term") == event["term"]
        ]
        refused = any(one["what"] == "refused" and one["at"] > event["at"] for one in same)
        if not refused and not any(one["what"] in {"completed", "resigned"} for one in same):
            told.append(f"{event['whom']} went on in term {event['term']}, and was not refused")
    yield invariants.check(
        f"each of {len(resumed)} leaders that went on was refused (StaleToken), or had resigned"
        " before it was stopped",
        told,
    )
    claims = [event for event in events if event["what"] == "claimed"]
    yield invariants.check(
        "no write of a stale leader went through after its successor's claim",
        [
            f"{late['who']} wrote with token {late['term']} after {claim['term']} was claimed"
            for late in events
            if late["what"] == "wrote late"
            for claim in claims
            if claim["term"] > late["term"] and claim["at"] < late["since"]
        ],
    )


def _fenced(events: Sequence[Event], data: DataBucket) -> Iterator[Check]:
    highest = max((event["term"] for event in events if event["what"] == "claimed"), default=0)
    token = data.manifest().get("fencing_token", 0)
    yield invariants.check(
        f"{MANIFEST} carries the highest token that claimed it",
        [] if token >= highest else [f"it carries {token}, and {highest} claimed it"],
    )


def _evidence(
    events: Sequence[Event], locks: Sequence[dict[str, Any]], data: DataBucket
) -> Evidence:
    """Gather what the demo's proof compares with the journal of what was sent."""
    won = [event["term"] for event in events if event["what"] == "won"]
    # A leader that was killed, or got no answer, before it could note its win.
    unnoted = [lock["term"] for lock in locks if lock["term"] not in set(won)]
    return Evidence(
        events=data.events(),
        rejections=data.rejections(),
        inputs_left=data.inputs(),
        terms=[
            TermRecord(number=lock["term"], tick=lock["tick"], outcome=lock["outcome"])
            for lock in locks
        ],
        fired_ticks={lock["tick"] for lock in locks},
        wins=[*won, *unnoted],
    )
