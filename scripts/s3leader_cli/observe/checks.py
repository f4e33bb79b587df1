"""Whether an election is fine, and what an operator can type if it is not. Nothing here prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from s3leader import Election, Lock
from s3leader_cli.check.verify.ledger import is_void
from s3leader_cli.report import Report, utc

_MANY_ATTEMPTS = 3
_BY_DEFAULT = timedelta(minutes=50)  # `logs` reads an hour, and somebody has to type it first


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that is off, and the commands that show why and act; `{}` is where they go on.

    If `needs_you`, the election is not fine until somebody acts. Otherwise it may pass.
    """

    what: str
    commands: tuple[str, ...] = ()
    needs_you: bool = True


def next_steps(
    election: Election, report: Report, recent: Sequence[Lock], max_age: timedelta | None
) -> Iterator[Step]:
    """Yield what is off. `recent` are the terms before the one in the report, newest first."""
    lock = report.lock
    if report.closed is not None:
        yield Step(what=report.closed)
    elif report.standing == "corrupt":
        yield Step(
            what=f"the lock of term {report.term} is corrupt, so nobody can lead",
            commands=("history --limit 3", 'depose --force --done TICK --reason "…"'),
        )
    if lock is None:
        return
    if report.standing == "lapsed" and report.lapses_in is not None:
        since = round(-report.lapses_in.total_seconds())
        yield Step(
            what=f"the leader died: its lock has lapsed {since} s ago, and no candidate has taken"
            " over; the next one that campaigns does",
            commands=(f"logs --term {lock.term}{_since(lock)}", f"trigger{_tick(lock)}"),
        )
    if lock.outcome == "continued":
        yield from _waiting(election, lock)
    yield from _failures(lock, recent)
    if not lock.sealed and lock.attempt >= _MANY_ATTEMPTS:
        yield Step(
            what=f"this is attempt {lock.attempt} at tick {utc(lock.tick)}",
            commands=(f"logs{_tick(lock)}{_since(lock)}",),
            needs_you=False,
        )
    if max_age is not None:
        yield from _age(lock, recent, max_age)


def _waiting(election: Election, lock: Lock) -> Iterator[Step]:
    """A continued tick waits for its next leg, which should begin at once."""
    lease = timedelta(milliseconds=lock.lease_ms) if lock.lease_ms else election.config.lease
    waited = timedelta(milliseconds=lock.age_ms())
    lost = waited > lease + election.config.clock_skew
    seconds = round(waited.total_seconds())
    since = f"tick {utc(lock.tick)} waits for leg {lock.leg + 1} since {seconds} s"
    yield Step(
        what=f"{since}: its invocation seems to be lost" if lost else since,
        commands=(f"logs{_tick(lock)}{_since(lock)}", f"trigger{_tick(lock)}") if lost else (),
        needs_you=lost,
    )


def _failures(lock: Lock, recent: Sequence[Lock]) -> Iterator[Step]:
    """The latest terms that have ended were no success."""
    led = [each for each in (lock, *recent) if not is_void(each)]
    ended = [each for each in led if each.sealed and each.problem is None]
    bad = list(takewhile(_went_wrong, ended))
    if not bad:
        return
    last = bad[0]
    how = "died" if last.outcome == "deposed" else "failed"
    why = f": {last.reason}" if last.reason else ""
    what = f"term {last.term} {how}{why}"
    if len(bad) > 1:
        many = f"{len(bad)} or more" if len(bad) == len(ended) else str(len(bad))
        what = f"the last {many} terms failed; {what}"
    commands: tuple[str, ...] = (f"logs --term {last.term}{_since(last)}",)
    if lock.sealed and not lock.is_done(last.tick):
        commands += (f"trigger{_tick(last)}",)
    # While another term is led, the tick may still be completed.
    yield Step(what=what, commands=commands, needs_you=lock.sealed)


def _went_wrong(lock: Lock) -> bool:
    crashed = lock.sealed_after_lapse_by is not None
    return lock.outcome == "failed" or crashed


def last_completion(locks: Sequence[Lock]) -> datetime | None:
    """Return when the newest completed term among the locks ended."""
    return next((each.ended_at for each in locks if each.outcome == "completed"), None)


def _age(lock: Lock, recent: Sequence[Lock], max_age: timedelta) -> Iterator[Step]:
    completed = last_completion((lock, *recent))
    if completed is not None and lock.seen_at is not None and lock.seen_at - completed <= max_age:
        return
    when = "no completed term was found" if completed is None else f"the last was {utc(completed)}"
    yield Step(what=f"no term was completed within {max_age}; {when}", commands=("missed", "logs"))


def _tick(lock: Lock) -> str:
    return "" if lock.tick is None else f" --tick {utc(lock.tick)}"


def _since(lock: Lock) -> str:
    """Return how far back the logs of a term are, if that is further than is read by default."""
    if lock.started_at is None or lock.seen_at is None:
        return ""
    age = lock.seen_at - lock.started_at
    return "" if age < _BY_DEFAULT else f" --since {age // timedelta(hours=1) + 2}h"


def outcomes_in_words(locks: Sequence[Lock]) -> str:
    """Return `completed (9 times), failed`: the outcomes in a row, newest first."""
    runs: list[tuple[str, int]] = []
    for lock in locks:
        word = "corrupt" if lock.problem is not None else lock.outcome or "sealed"
        count = runs.pop()[1] + 1 if runs and runs[-1][0] == word else 1
        runs.append((word, count))
    return ", ".join(word if count == 1 else f"{word} ({count} times)" for word, count in runs)
