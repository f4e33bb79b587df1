"""The table of terms: what the ledger, the invocations and the manifest say of each term."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from local_cloud import Invocation
from s3leader import Lock


@dataclass(frozen=True, kw_only=True)
class Row:
    """One term of the table; `finished` if its lock is sealed and its invocations have ended.

    `lines` and `parts` are None for a job that writes none.
    """

    term: int
    tick: str
    contended: str
    won_by: str
    outcome: str
    lines: int | None
    parts: int | None
    remark: str
    finished: bool


@dataclass(frozen=True, kw_only=True)
class TermNote:
    """What the demo notes of a term whose candidates it started itself."""

    contended: str
    won_by: str
    remark: str = ""


def timestamp(moment: datetime | None) -> str:
    """Return a time as schedules write it; an empty text if there is none."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rows(
    locks: Iterable[Lock],
    invocations: Sequence[Invocation],
    parts: Sequence[Mapping[str, int]] | None,
    notes: Mapping[int, TermNote],
) -> list[Row]:
    """Return a row for each lock, the oldest first."""
    lines: Counter[int] = Counter()
    counts: Counter[int] = Counter()
    for part in parts or ():
        lines[part["term"]] += part["lines"]
        counts[part["term"]] += 1
    found = []
    for lock in sorted(locks, key=lambda lock: lock.term):
        tick = timestamp(lock.tick)
        tried = [one for one in invocations if one.tick == tick]
        note = notes.get(lock.term) or _scheduled(lock, tried)
        found.append(
            Row(
                term=lock.term,
                tick=tick[11:19],
                contended=note.contended,
                won_by=note.won_by,
                outcome=lock.outcome or "leads",
                lines=None if parts is None else lines[lock.term],
                parts=None if parts is None else counts[lock.term],
                remark=note.remark,
                finished=lock.sealed and all(one.ended is not None for one in tried),
            )
        )
    return found


def _scheduled(lock: Lock, tried: Sequence[Invocation]) -> TermNote:
    by = sorted(tried, key=_name)
    lost = [f"{_name(one)} {_fate(one)}" for one in by if one.ended and won(one) != lock.term]
    return TermNote(
        contended=" ".join(_name(one) for one in by),
        won_by=next((_name(one) for one in by if won(one) == lock.term), "…"),
        remark=", ".join(lost),
    )


def _fate(invocation: Invocation) -> str:
    if invocation.failed:
        return "failed"
    term = won(invocation)
    reason = str(invocation.answer.get("reason", "?"))
    return reason if term is None else f"led term {term}"


def won(invocation: Invocation) -> int | None:
    """Return the term that an invocation led; None if it led none."""
    answer = invocation.answer
    return int(answer["term"]) if answer.get("elected") else None


def _name(invocation: Invocation) -> str:
    return str(invocation.event.get("contender", "?"))
