"""Invariants of the store's contents, and of event logs compared with them. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias

from bird_strikes.checks import Check
from tests.verification.history import Event
from tests.verification.invariants import check

Body: TypeAlias = dict[str, Any]
_GRAIN_NS: Final = 1_000_000  # of the clock that deadlines are read from


def counter(events: Sequence[Event], value: int) -> Check:
    """Check the unprotected counter: each increment must have read what the one before it wrote.

    Only an increment that the machine held up until its lease had run out is excused, with those
    that it ran into: no lock can protect work that goes on after its lease.
    """
    made = [event for event in events if event["what"] == "increments"]
    made.sort(key=lambda event: int(event["written_at"]))
    late = [event for event in made if not event["led"]]
    lost = [
        f"term {after['term']} read {after['read']} after term {before['term']} had written"
        f" {before['read'] + 1}"
        for before, after in pairwise(made)
        if after["read"] != before["read"] + 1
        and not any(_touch(one, after) or _touch(one, before) for one in late)
    ]
    if not late and value != len(made):
        lost.append(f"it stands at {value}")
    besides = f" ({len(late)} outlived their lease)" if late else ""
    return check(f"none of {len(made)} unprotected increments is lost{besides}", lost)


def _touch(one: Event, other: Event) -> bool:
    return bool(one["read_at"] <= other["written_at"] and other["read_at"] <= one["written_at"])


def deadlines(events: Sequence[Event], writes: Sequence[Body], times: Sequence[int]) -> Check:
    """Check R4: each leader's deadline lies within a lease of its last write, by one clock.

    `times` are when S3 had applied the writes. A deadline counts from when the request was sent,
    which is earlier.
    """
    led = [event for event in events if event["what"] in {"won", "leads"}]
    late = []
    for event in led:
        renewed = max(
            (
                at + body["lease_ms"] * 1_000_000
                for at, body in zip(times, writes, strict=True)
                if body["term"] == event["term"] and not body["expired"] and at < event["at"]
            ),
            default=0,
        )
        if (over := event["until"] - renewed) > _GRAIN_NS:
            late.append(f"{event['who']} led term {event['term']} for {over / 1e6:.0f} ms too long")
    return check(f"none of {len(led)} deadlines is later than a lease after the write", late)


def ledger(events: Sequence[Event], writes: Sequence[Body]) -> Iterator[Check]:
    """Check the writes to locks, in the order in which S3 applied them.

    Where only the locks as they are in the end are known, each of them counts as one write.
    """
    locks: dict[int, Body] = {}
    early, changed = [], []
    for body in writes:
        term = body["term"]
        before = locks.get(term)
        if before is None and term > 1 and not locks.get(term - 1, {}).get("expired"):
            early.append(f"lock {term} was created before lock {term - 1} was sealed")
        if before is not None and before["expired"]:
            changed.append(f"lock {term} was changed after it was sealed")
        locks[term] = body
    yield check(f"each of {len(locks)} locks was created when the one before was sealed", early)
    yield check("no sealed lock was changed", changed)
    done = [lock["done"] or "" for lock in locks.values()]
    yield check(
        "`done` never goes back",
        [f"from {before} to {after}" for before, after in pairwise(done) if after < before],
    )
    sealed = Counter(lock["tick"] for lock in locks.values() if lock["outcome"] == "completed")
    yield check(
        f"none of {len(sealed)} completed ticks was completed by two locks",
        [f"tick {tick}: by {times} locks" for tick, times in sealed.items() if times > 1],
    )
    outcomes = {term: lock["outcome"] for term, lock in locks.items()}
    confirmed = [event["term"] for event in events if event["what"] == "completed"]
    yield check(
        f"each of {len(confirmed)} completions that leaders confirmed is in the ledger",
        [
            f"term {term} is {outcomes.get(term)} there"
            for term in confirmed
            if outcomes.get(term) != "completed"
        ],
    )


def fenced(events: Sequence[Event], writes: Sequence[Body]) -> Iterator[Check]:
    """Check the fenced object: its token never falls, and no increment is lost or made twice."""
    tokens = [body["fencing_token"] for body in writes]
    yield check(
        f"the token of the fenced object never fell in {len(writes)} writes",
        [f"from {before} to {after}" for before, after in pairwise(tokens) if after < before],
    )
    counts = [body.get("count", 0) for body in writes]
    wrong = [
        f"it went from {before} to {after}"
        for before, after in pairwise(counts)
        if after not in {before, before + 1}
    ]
    what = Counter(event["what"] for event in events)
    least, most = what["has written"], what["tries a fenced write"]
    value = counts[-1] if counts else 0
    if not least <= value <= most:
        wrong.append(f"it stands at {value}")
    yield check(
        f"the fenced counter has each of {least} confirmed increments, and of {most} tried no"
        " more than once each",
        wrong,
    )


def processes(events: Sequence[Event], failed: Sequence[str]) -> Check:
    """Check that no process met an error that it should not have met."""
    crashes = {event["who"]: event["why"] for event in events if event["what"] == "crashed"}
    others = [line for line in failed if line.split(" ")[0] not in crashes]
    reasons = [f"{who}:\n{why}" for who, why in crashes.items()]
    return check("no process met an error that it should not meet", [*reasons, *others])
