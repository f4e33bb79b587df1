"""What an operator is shown of dead letters: the event, its cause, and what the ledger says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from s3leader import Election, Lock
from s3leader_cli.report import utc
from s3leader_cli.streams import printable

if TYPE_CHECKING:
    from s3leader_cli.aws.queues import Letter

Standing: TypeAlias = Literal["done", "open", "no tick", "unusable"]
_RECENT = 50  # terms in which the last attempt at a tick is looked for


@dataclass(frozen=True, kw_only=True)
class Found:
    """One event, where its tick stands, and that in words."""

    letter: Letter
    standing: Standing
    ledger: str

    @property
    def usable(self) -> bool:
        """Whether it is worth to be given to the function again."""
        return self.standing in {"open", "no tick"}


def classify(election: Election, letters: Sequence[Letter]) -> list[Found]:
    """Return the events, oldest tick first; those without a tick come last."""
    recent = election.history(limit=_RECENT) if letters else []
    head = recent[0] if recent else None
    last = {each.tick: each for each in reversed(recent) if each.tick is not None}
    found = [_found(each, head, last) for each in letters]
    return sorted(found, key=lambda each: (each.letter.tick is None, _order(each.letter)))


def by_tick(found: Sequence[Found]) -> list[list[Letter]]:
    """Return the events of each tick together; each one without a tick is on its own."""
    groups = []
    for tick, each in groupby((one.letter for one in found), key=lambda one: one.tick):
        letters = list(each)
        groups += [[one] for one in letters] if tick is None else [letters]
    return groups


def line(found: Found) -> str:
    """Return an event as a line for people."""
    letter = found.letter
    sent = "" if letter.sent_at is None else f", there since {letter.sent_at:%Y-%m-%d %H:%M:%SZ}"
    where = f"{letter.job.region} {letter.queue}"
    tick = f"tick {utc(letter.tick)}" if letter.tick else "no tick"
    return printable(f"{where}, {tick}{sent}: {letter.cause.rstrip('.')}. {found.ledger}.")


def as_json(found: Found, actions: Mapping[str, str]) -> dict[str, Any]:
    """Return an event for programs."""
    letter = found.letter
    return {
        "region": letter.job.region,
        "queue": letter.queue,
        "message_id": letter.message_id,
        "sent_at": utc(letter.sent_at),
        "tick": utc(letter.tick),
        "cause": letter.cause,
        "payload": letter.payload,
        "standing": found.standing,
        "ledger": found.ledger,
        "action": actions.get(letter.message_id, "kept"),
    }


def _found(letter: Letter, head: Lock | None, last: Mapping[datetime, Lock]) -> Found:
    if letter.foreign:
        text = f"It stays, because {letter.problem}"
        return Found(letter=letter, standing="unusable", ledger=text)
    if letter.tick is not None and head is not None and head.is_done(letter.tick):
        by = last.get(letter.tick)
        how = f" in term {by.term}" if by is not None and by.outcome == "completed" else ""
        text = f"The tick is done{how}: it needs nothing"
        return Found(letter=letter, standing="done", ledger=text)
    if letter.problem is not None:
        text = f"It cannot be given to the function again, because {letter.problem}"
        return Found(letter=letter, standing="unusable", ledger=text)
    if letter.tick is None:
        text = "Whether its work is done is not known"
        return Found(letter=letter, standing="no tick", ledger=text)
    tried = last.get(letter.tick)
    text = "The tick is not done, and no recent term has led it"
    if tried is not None:
        why = f" ({tried.reason.rstrip('.')})" if tried.reason else ""
        text = f"The tick is not done; term {tried.term}: {tried.outcome or 'not over'}{why}"
    return Found(letter=letter, standing="open", ledger=text)


def _order(letter: Letter) -> tuple[str, str]:
    return utc(letter.tick) or "", utc(letter.sent_at) or ""
