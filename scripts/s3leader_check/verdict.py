"""What the notes of many processes must agree on. Pure comparison; every objection is in words."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from s3leader_check.witness import Note
from s3leader_demo.proof import Check

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Reign:
    """The time in which a process certainly led a term, by its own stopwatch, in nanoseconds."""

    term: int
    who: str
    since: int
    until: int


def check(claim: str, objections: Iterable[str]) -> Check:
    """Return a claim with what speaks against it, shortened."""
    found = list(objections)
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return Check(claim, (*found[:_SHOWN], *more))


def reigns(notes: Sequence[Note]) -> list[Reign]:
    """Return every reign, in the order in which they began.

    It begins when the campaign has returned, and ends with the lease as it was last known to the
    leader, or earlier if it began to resign or was killed. A leader that is stopped leads on. A
    win that was heard of too late is no reign.
    """
    won: dict[tuple[str, int], int] = {}
    until: dict[tuple[str, int], int] = {}
    for note in notes:
        reign = (note["who"], note.get("term", 0))
        match note["what"]:
            case "won":
                won[reign], until[reign] = note["at"], note["until"]
            case "leads":
                until[reign] = max(until[reign], note["until"])
            case "ends":
                until[reign] = min(until[reign], note["at"])
            case "kills":
                for mine in (key for key in until if key[0] == note["whom"]):
                    until[mine] = min(until[mine], note["at"])
    found = [Reign(term, who, at, until[who, term]) for (who, term), at in won.items()]
    led = [reign for reign in found if reign.since < reign.until]
    return sorted(led, key=lambda reign: reign.since)


def leadership(notes: Sequence[Note]) -> Iterator[Check]:
    """Check that there was at most one leader at any time, and that terms rose."""
    found = reigns(notes)
    overlaps: list[str] = []
    last: Reign | None = None
    for reign in found:
        if last is not None and reign.since < last.until:
            early = (last.until - reign.since) / 1e6
            overlaps.append(
                f"{reign.who} led term {reign.term} {early:.0f} ms before {last.who}'s term"
                f" {last.term} was over"
            )
        if last is None or reign.until > last.until:
            last = reign
    yield check(f"no two of {len(found)} reigns overlap", overlaps)
    yield check(
        "each reign's term is higher than all before it",
        [
            f"{after.who} won term {after.term} after {before.who} had won {before.term}"
            for before, after in pairwise(found)
            if after.term <= before.term
        ],
    )


def counter(notes: Sequence[Note], value: int) -> Iterator[Check]:
    """Check the unprotected counter: each increment must have read what the one before it wrote.

    Only an increment that the machine held up until its lease had run out is excused, with those
    that it ran into: no lock can protect work that goes on after its lease.
    """
    made = [note for note in notes if note["what"] == "increments"]
    made.sort(key=lambda note: int(note["written_at"]))
    late = [note for note in made if not note["led"]]
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
    yield check(f"none of {len(made)} unprotected increments is lost{besides}", lost)


def _touch(one: Note, other: Note) -> bool:
    return bool(one["read_at"] <= other["written_at"] and other["read_at"] <= one["written_at"])


def ticks(notes: Sequence[Note], locks: Sequence[dict[str, Any]]) -> Iterator[Check]:
    """Check that no tick was completed twice, by what leaders noted and by the ledger."""
    noted = Counter(note["tick"] for note in notes if note["what"] == "completed")
    sealed = Counter(lock["tick"] for lock in locks if lock["outcome"] == "completed")
    yield check(
        f"none of {len(sealed)} completed ticks was completed twice",
        [f"tick {tick}: {times} times" for tick, times in (noted + Counter()).items() if times > 1]
        + [f"tick {tick}: by {times} locks" for tick, times in sealed.items() if times > 1],
    )
    outcomes = {lock["term"]: lock["outcome"] for lock in locks}
    yield check(
        f"each of {noted.total()} completions that leaders were told of stands in the ledger",
        [
            f"term {note['term']} is {outcomes.get(note['term'])} there"
            for note in notes
            if note["what"] == "completed" and outcomes.get(note["term"]) != "completed"
        ],
    )


def ledger(locks: Sequence[dict[str, Any]]) -> Iterator[Check]:
    """Check the locks as they are in the end: an unbroken line, all sealed but the last."""
    numbers = [lock["term"] for lock in locks]
    gaps = [] if numbers == list(range(1, len(numbers) + 1)) else [f"they are {numbers[:20]} …"]
    yield check(f"the ledger runs from 1 to {len(locks)} without a gap", gaps)
    yield check(
        "every lock but the last is sealed",
        [f"lock {lock['term']} is not" for lock in locks[:-1] if not lock["expired"]],
    )
    done = [lock["done"] or "" for lock in locks]
    yield check(
        "`done` never goes back",
        [f"from {before} to {after}" for before, after in pairwise(done) if after < before],
    )


def lock_writes(writes: Sequence[dict[str, Any]]) -> Iterator[Check]:
    """Check every write to a lock, in the order in which S3 applied them."""
    locks: dict[int, dict[str, Any]] = {}
    early, changed = [], []
    for body in writes:
        term = body["term"]
        before = locks.get(term)
        if before is None and term > 1 and not locks.get(term - 1, {}).get("expired"):
            early.append(f"lock {term} was created before lock {term - 1} was sealed")
        if before is not None and before["expired"]:
            changed.append(f"lock {term} was changed after it was sealed")
        locks[term] = body
    yield check("a lock was created only once the one before it was sealed (R1)", early)
    yield check("no sealed lock was changed", changed)


def fenced(notes: Sequence[Note], writes: Sequence[dict[str, Any]]) -> Iterator[Check]:
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
    what = Counter(note["what"] for note in notes)
    least, most = what["has written"], what["tries a fenced write"]
    value = counts[-1] if counts else 0
    if not least <= value <= most:
        wrong.append(f"it stands at {value}")
    yield check(
        f"the fenced counter has each of {least} confirmed increments, and of {most} tried no"
        " more than once each",
        wrong,
    )


def processes(notes: Sequence[Note], failed: Sequence[str]) -> Iterator[Check]:
    """Check that no process met an error that it should not have met."""
    crashes = [f"{note['who']}:\n{note['why']}" for note in notes if note["what"] == "crashed"]
    told = {note["who"] for note in notes if note["what"] == "crashed"}
    others = [line for line in failed if line.split(" ")[0] not in told]
    yield check("no process met an error that it should not meet", [*crashes, *others])
