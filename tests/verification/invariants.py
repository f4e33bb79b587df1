"""What an election promises, checked against the clients' own event logs alone.

Pure: it knows no S3 and nothing of s3leader, so no fault of theirs can hide here.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bird_strikes.checks import Check
from tests.verification import linearizable
from tests.verification.history import Event, History, Operation, history

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Leadership:
    """The time in which a process certainly led a term, by its own stopwatch, in nanoseconds."""

    term: int
    who: str
    since: int
    until: int


def check(claim: str, violations: Iterable[str]) -> Check:
    """Return a claim with what speaks against it, shortened."""
    found = list(violations)
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return Check(claim, (*found[:_SHOWN], *more))


def checks(events: Sequence[Event], *, clocks_hold: bool = True) -> Iterator[Check]:
    """Check everything; `clocks_hold` if S3's clocks differ by no more than is allowed for."""
    if clocks_hold:
        yield from leadership(events)
    found = history(events)
    yield from numbers(found)
    yield from ticks(found)
    yield from answers(found)
    yield from effects(found)
    yield from cancellations(events)


def leaderships(events: Sequence[Event]) -> list[Leadership]:
    """Return every leadership, in the order in which they began.

    It begins when the campaign has returned, and ends with the lease as it was last known to the
    leader, or earlier if it began to resign or was killed. A leader that is stopped leads on. A
    win that was heard of too late is no leadership.
    """
    won: dict[tuple[str, int], int] = {}
    until: dict[tuple[str, int], int] = {}
    for event in sorted(events, key=lambda one: int(one["at"])):
        key = (event["who"], event.get("term", 0))
        match event["what"]:
            case "won":
                won[key], until[key] = event["at"], event["until"]
            case "leads":
                until[key] = max(until[key], event["until"])
            case "ends":
                until[key] = min(until[key], event["at"])
            case "kills":
                for mine in (key for key in until if key[0] == event["whom"]):
                    until[mine] = min(until[mine], event["at"])
    found = [Leadership(term, who, at, until[who, term]) for (who, term), at in won.items()]
    led = [one for one in found if one.since < one.until]
    return sorted(led, key=lambda one: one.since)


def leadership(events: Sequence[Event]) -> Iterator[Check]:
    """Check that there was at most one leader at any time, and that terms rose."""
    found = leaderships(events)
    overlaps: list[str] = []
    last: Leadership | None = None
    for one in found:
        if last is not None and one.since < last.until:
            early = (last.until - one.since) / 1e6
            overlaps.append(
                f"{one.who} led term {one.term} {early:.0f} ms before {last.who}'s term"
                f" {last.term} was over"
            )
        if last is None or one.until > last.until:
            last = one
    yield check(f"no two of {len(found)} leaderships overlap", overlaps)
    yield check(
        "each leadership's term is higher than all before it",
        [
            f"{after.who} won term {after.term} after {before.who} had won {before.term}"
            for before, after in pairwise(found)
            if after.term <= before.term
        ],
    )


def numbers(found: History) -> Iterator[Check]:
    """Check that no number is won twice, and that they rise in the order of real time."""
    times = Counter(win.facts["term"] for win in found.wins)
    yield check(
        f"none of {len(times)} term numbers is won twice",
        [f"term {term}: {number} times" for term, number in times.items() if number > 1],
    )
    yield check(
        "a campaign that begins after a win wins a higher number",
        [
            f"{after.client} won {after.facts['term']} after {before.facts['term']} had been won"
            for before, after in _out_of_order(found.wins)
        ],
    )


def ticks(found: History) -> Iterator[Check]:
    """Check that a tick is completed once, and that no leader's completion is contradicted."""
    times = Counter(end.facts["tick"] for end in found.completed)
    yield check(
        f"none of {len(times)} ticks is completed twice",
        [f"tick {tick}: {number} times" for tick, number in times.items() if number > 1],
    )
    yield check(
        "after a leader has completed a tick, no later term is led for it",
        [
            f"{win.client} won term {win.facts['term']} for tick {win.facts['tick']}, which"
            f" {end.client} had completed in term {end.facts['term']}"
            for end in found.completed
            for win in found.wins
            if win.facts["term"] > end.facts["term"] and win.facts["tick"] <= end.facts["tick"]
        ],
    )


def answers(found: History) -> Iterator[Check]:
    """Check that what took effect was not denied to its client."""
    completed = {
        end.facts["tick"]
        for end in found.ends
        if end.facts.get("outcome") == "completed" and end.result in {"completed", "unknown"}
    }
    yield check(
        "a tick reported as done was completed by a leader whose term did not report a loss",
        [
            f"{one.client} learned that tick {one.facts['done']} is done"
            for one in found.campaigns
            if one.result == "loses" and one.facts["done"] not in {None, *completed}
        ],
    )
    won = {(win.client, win.facts["term"]) for win in found.wins}
    yield check(
        "no candidate whose campaign reported a loss holds the lock",
        [
            f"{one.client} lost to its own lock {one.facts['term']}"
            for one in found.campaigns
            if one.facts.get("mine")
            and (one.client, one.facts["term"]) not in won
            and not any(_may_have_won(other, one) for other in found.campaigns)
        ],
    )


def _may_have_won(earlier: Operation, later: Operation) -> bool:
    return (
        earlier.client == later.client
        and earlier.result == "unknown"
        and earlier.invoked < later.invoked
    )


def effects(found: History) -> Iterator[Check]:
    """Check what was done under fencing tokens."""
    confirmed = [one for one in found.effects if one.result in {"has claimed", "has written"}]
    yield check(
        f"none of {len(confirmed)} confirmed effects began after one with a higher token was"
        " confirmed",
        [
            f"{after.client} under {after.facts['term']} after {before.client} under"
            f" {before.facts['term']}"
            for before, after in _out_of_order(confirmed, strictly=False)
        ],
    )
    increments = [one for one in found.effects if one.facts.get("adds")]
    done = [one for one in increments if one.result == "has written"]
    for read in found.reads:
        yield check(
            f"{len(done)} confirmed increments and the last value are linearizable",
            linearizable.violations(increments, read),
        )


def cancellations(events: Sequence[Event]) -> Iterator[Check]:
    """Check that an event loop cancels a leader whose lease is over, and that what was cancelled or
    left has ended.
    """
    yield check(
        "no asyncio leader went on after its event loop had a turn past its deadline",
        [
            f"{event['who']} went on in term {event['term']}"
            for event in events
            if event["what"] == "goes on"
        ],
    )
    yield check(
        "no asyncio call that was cancelled or left had a task or a request under way",
        [
            f"{event['who']}: {event['by']} left {event['tasks'] or event['requests']}"
            for event in events
            if event["what"] == "leaves behind"
        ],
    )


def _out_of_order(
    operations: Sequence[Operation], *, strictly: bool = True
) -> Iterator[tuple[Operation, Operation]]:
    """Yield each operation that began when one of a higher term (or as high) was over."""
    for after in operations:
        earlier = [one for one in operations if one.before(after)]
        before = max(earlier, key=lambda one: int(one.facts["term"]), default=None)
        least = int(after.facts["term"]) + (0 if strictly else 1)
        if before is not None and int(before.facts["term"]) >= least:
            yield before, after
