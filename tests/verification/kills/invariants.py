"""Invariants of an election and its data bucket after leaders were killed and stopped."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bird_strikes.checks import Check, Evidence, TermRecord, check_evidence
from bird_strikes.data_bucket import MANIFEST, DataBucket
from bird_strikes.sent_log import expected_counts, read_sent_log
from tests.verification import invariants, store_invariants
from tests.verification.history import Event, history


def events_of(name: str, events: Sequence[Event]) -> list[Event]:
    """Return the events of an election's candidates, and those of the attacks on them."""
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
    found = history(events)
    everything = [
        *invariants.leadership(events),
        *invariants.numbers(found),
        *invariants.ticks(found),
        *store_invariants.ledger(events, locks),
        *_stale_leaders(events),
        *_fenced(events, data),
        *check_evidence(expected_counts(read_sent_log(sent)), _evidence(events, locks, data)),
    ]
    for one in everything:
        yield replace(one, claim=f"{name}: {one.claim}")


def _stale_leaders(events: Sequence[Event]) -> Iterator[Check]:
    """Check that no leader that was resumed after its successor's claim wrote anything."""
    resumed = [event for event in events if event["what"] == "resumes"]
    not_refused: list[str] = []
    for event in resumed:
        who, term = event["whom"], event["term"]
        same = [one for one in events if one["who"] == who and one.get("term") == term]
        later = {one["what"] for one in same if one["at"] > event["at"]}
        # On a slow machine a leader may end before the attack on it comes.
        had_ended = any(one["what"] == "ends" and one["at"] < event["at"] for one in same)
        if "refused" in later or (had_ended and "tries a stale write" not in later):
            continue
        if not any(one["what"] in {"completed", "resigned"} for one in same):
            not_refused.append(f"{who} continued term {term} and was not refused")
    yield invariants.check(
        f"each of {len(resumed)} resumed leaders was refused (StaleToken), or had ended its term"
        " before it was stopped",
        not_refused,
    )
    claims = [event for event in events if event["what"] == "claimed"]
    yield invariants.check(
        "no write of a stale leader went through after its successor's claim",
        [
            f"{late['who']} wrote with token {late['term']} after {claim['term']} was claimed"
            for late in events
            if late["what"] == "made a stale write"
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
    """Gather the evidence that is compared with the sent log."""
    won = [event["term"] for event in events if event["what"] == "won"]
    # A leader that was killed, or got no answer, before it could record its win.
    unrecorded = [lock["term"] for lock in locks if lock["term"] not in set(won)]
    return Evidence(
        events=data.events(),
        rejections=data.rejections(),
        inputs_left=data.inputs(),
        terms=[
            TermRecord(number=lock["term"], tick=lock["tick"], outcome=lock["outcome"])
            for lock in locks
        ],
        fired_ticks={lock["tick"] for lock in locks},
        wins=[*won, *unrecorded],
    )
