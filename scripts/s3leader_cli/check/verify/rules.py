"""What must hold for the locks of an election: one function for each rule.

Each rule is read from the locks alone, and not by the code that writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from s3leader import Lock

from .attempts import attempts_of
from .findings import Finding, Verdict
from .ledger import Ledger, end_of, is_done_stated, is_void, was_copied

_OUTCOMES = {"completed", "failed", "resigned", "deposed", "continued"}
_LIFECYCLE = timedelta(days=1)  # no lifecycle rule deletes a younger object


def verify(ledger: Ledger) -> list[Verdict]:
    """Apply all rules. Beside each is how many locks, or pairs of locks, it is applied to."""
    locks = len(list(ledger.every()))
    in_sequence, with_tick = len(ledger.sequence), sum(map(_has_tick, ledger.sequence))
    pairs, neighbours = len(list(ledger.in_order())), len(list(ledger.neighbours()))
    rules: list[tuple[str, str, int, Callable[[Ledger], Iterator[Finding]]]] = [
        ("readable", "every lock can be read", locks, readable),
        ("numbers", "numbers rise without gaps but those that the lifecycle rule leaves",
         locks, numbers),
        ("one at a time", "each term was sealed before the next began", pairs, one_at_a_time),
        ("once per tick", "no tick was completed twice, nor led after it was completed",
         with_tick, once_per_tick),
        ("done", "the latest completed tick never goes back, and moves with a completed term only",
         pairs, done),
        ("swept", "the number up to which locks are tagged never goes back", in_sequence, swept),
        ("attempts", "attempts and legs are counted on from the term before", neighbours,
         attempts_of),
        ("outcome", "each sealed lock has an outcome", in_sequence, outcome),
    ]  # fmt: skip
    return [
        Verdict(rule=name, claim=claim, checked=checked, findings=list(findings_of(ledger)))
        for name, claim, checked, findings_of in rules
    ]


def _has_tick(lock: Lock) -> bool:
    return lock.tick is not None


def readable(ledger: Ledger) -> Iterator[Finding]:
    """Every lock can be read."""
    for lock in ledger.corrupt:
        yield Finding(term=lock.term, what=f"it cannot be read: {lock.problem}")


def numbers(ledger: Ledger) -> Iterator[Finding]:
    """R6 and R7: no number is missing without a lifecycle rule, and none was led twice."""
    notes = {each.term for each in ledger.notes}  # a repair leaves out numbers after its note
    for lower, higher in pairwise(sorted(ledger.every(), key=lambda each: each.term)):
        if lower.term not in notes:
            yield from _missing_between(ledger, lower, higher)
    for lock, later in ledger.recreated:
        if is_void(lock):
            continue
        if lock.sealed:
            yield Finding(
                term=lock.term,
                what=f"its number was used again after term {later} had begun, and the win was not"
                " void: two terms have one fencing token",
            )
        else:
            yield Finding(
                term=lock.term,
                what=f"its number was created again after term {later} had begun, by a candidate"
                " that was suspended and crashed before it sealed the lock",
                certain=False,
            )


def _missing_between(ledger: Ledger, lower: Lock, higher: Lock) -> Iterator[Finding]:
    """Judge the numbers between two locks, of which there are none if one follows the other.

    Those up to `swept` are tagged, so that the lifecycle rule may have deleted their locks.
    """
    first, last = max(lower.term, ledger.swept) + 1, higher.term - 1
    if first > last:
        return
    which = f"lock {first} is" if first == last else f"locks {first} to {last} are"
    began, seen = higher.started_at, higher.seen_at
    too_young = began is not None and seen is not None and seen - began < _LIFECYCLE
    why = (
        "and the next one is less than a day old, so no lifecycle rule deleted it"
        if too_young
        else "deleted by hand, or by the lifecycle rule after a leader died while it was resigning"
    )
    yield Finding(
        term=first,
        what=f"{which} missing, though no lock says that it was tagged: {why}",
        certain=too_young,
    )


def one_at_a_time(ledger: Ledger) -> Iterator[Finding]:
    """R1 and R3: a term begins when the one before is sealed, by S3's clock."""
    for lock, follower in ledger.in_order():
        began = follower.started_at
        if not lock.sealed:
            what = f"it is not sealed, and term {follower.term} exists"
            yield Finding(term=lock.term, what=what)
            continue
        end = end_of(lock)
        if began is None or end is None:
            what = "its locks do not say when it ended or when the next term began"
            yield Finding(term=lock.term, what=what, certain=False)
            continue
        if end - began > ledger.skew:
            yield Finding(
                term=lock.term,
                what=f"it was sealed at {_utc(end)}, {_seconds(end - began)} after term"
                f" {follower.term} had begun at {_utc(began)}",
            )
        elif was_copied(lock):
            yield Finding(
                term=lock.term,
                what="S3 dates the object over a day after its end, so it was copied or restored;"
                " its end is that of its writer's clock",
                certain=False,
            )


def once_per_tick(ledger: Ledger) -> Iterator[Finding]:
    """R8: once a tick is completed, no term is led for it, unless an operator repeats it."""
    completed_by: dict[datetime, int] = {}
    for lock in ledger.sequence:
        tick, done_now = lock.tick, lock.done
        if tick is None or lock.repeat or is_void(lock):
            continue
        completed = lock.outcome == "completed"  # then its own tick is done now, and not before
        if completed and tick in completed_by:
            yield Finding(
                term=lock.term,
                what=f"tick {_utc(tick)} was completed again, after term {completed_by[tick]}, and"
                " no operator asked to repeat it",
            )
        elif done_now is not None and (done_now > tick or (done_now == tick and not completed)):
            yield Finding(
                term=lock.term,
                what=f"it was led for tick {_utc(tick)}, though {_utc(done_now)} was completed"
                " before",
            )
        if completed:
            completed_by.setdefault(tick, lock.term)


def done(ledger: Ledger) -> Iterator[Finding]:
    """R8: `done` never falls, and only a completed term or an operator moves it."""
    for lock in ledger.sequence:
        if lock.outcome == "completed" and lock.tick is not None and not lock.is_done(lock.tick):
            recorded = _utc_or_none(lock.done)
            what = f"it completed tick {_utc(lock.tick)}, and records {recorded} as done"
            yield Finding(term=lock.term, what=what)
    for lock, follower in ledger.in_order():
        before, after = lock.done, follower.done
        if before is not None and (after is None or after < before):
            what = f"done fell from {_utc(before)} in term {lock.term} to {_utc_or_none(after)}"
            yield Finding(term=follower.term, what=what)
        elif (
            before != after
            and follower.term == lock.term + 1
            and follower.outcome != "completed"
            and not is_done_stated(follower)
        ):
            moved = f"from {_utc_or_none(before)} to {_utc_or_none(after)}"
            what = f"done moved {moved} without a completed term"
            yield Finding(term=follower.term, what=what)


def swept(ledger: Ledger) -> Iterator[Finding]:
    """R6: only locks below a leader's own are tagged, and `swept` never falls."""
    for lock in ledger.sequence:
        if lock.swept >= lock.term:
            what = f"it says that all locks up to {lock.swept} are tagged, itself included"
            yield Finding(term=lock.term, what=what)
    for lock, follower in ledger.in_order():
        if follower.swept < min(lock.swept, lock.term):
            what = f"swept fell from {lock.swept} in term {lock.term} to {follower.swept}"
            yield Finding(term=follower.term, what=what)


def outcome(ledger: Ledger) -> Iterator[Finding]:
    """Each sealed lock says how its term ended."""
    for lock in ledger.sequence:
        if not lock.sealed or lock.outcome in _OUTCOMES:
            continue
        if lock.outcome is None and lock.nonce is None:
            what = "a lock of the original scheme, which records no outcome"
            yield Finding(term=lock.term, what=what, certain=False)
        elif lock.outcome is None:
            yield Finding(term=lock.term, what="it is sealed and has no outcome")
        else:
            what = f"its outcome {lock.outcome!r} is unknown to this version"
            yield Finding(term=lock.term, what=what, certain=False)


def _utc(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _utc_or_none(time: datetime | None) -> str:
    return "none" if time is None else _utc(time)


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():g} s"
