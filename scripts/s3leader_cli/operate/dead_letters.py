"""What an operator is shown of dead letters: the event, its cause, and what the ledger says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from s3leader import Election, Lock
from s3leader_cli.report import utc
from s3leader_cli.streams import printable

if TYPE_CHECKING:
    from s3leader_cli.aws.dead_letter import DeadLetter

Standing: TypeAlias = Literal["done", "open", "no tick", "unusable"]
_RECENT = 50  # terms in which the last attempt at a tick is looked for


@dataclass(frozen=True, kw_only=True)
class AssessedLetter:
    """One event, whether its work is done by the ledger, and that in words."""

    letter: DeadLetter
    standing: Standing
    ledger: str

    @property
    def usable(self) -> bool:
        """Whether it is worth to be given to the function again."""
        return self.standing in {"open", "no tick"}


def assess(election: Election, letters: Sequence[DeadLetter]) -> list[AssessedLetter]:
    """Return the events, oldest tick first; those without a tick come last.

    Of one tick, a repeat comes first: once it has run, the tick is done.
    """
    recent = election.history(limit=_RECENT) if letters else []
    assessed = [_assessed(each, recent) for each in letters]
    return sorted(assessed, key=lambda each: _order(each.letter))


def runs_of(assessed: Sequence[AssessedLetter]) -> list[list[DeadLetter]]:
    """Return the events of each run together: those of one tick, or of one repeat of a tick.

    An event without a tick is a run of its own.
    """
    runs = []
    for (tick, *_), each in groupby((one.letter for one in assessed), key=_run):
        letters = list(each)
        runs += [[one] for one in letters] if tick is None else [letters]
    return runs


def is_done_by(letter: DeadLetter, terms: Sequence[Lock]) -> bool:
    """Whether the ledger, of which `terms` are the latest, newest first, shows its work as done."""
    if letter.repeats:
        return any(_completes_repeat(each, letter) for each in terms)
    return bool(terms) and terms[0].is_done(letter.tick)


def tick_text(letter: DeadLetter) -> str:
    """Return the tick of an event, and who asked to repeat it."""
    if letter.tick is None:
        return "no tick"
    repeat = f" repeated by {letter.repeat_reason or 'an operator'}" if letter.repeats else ""
    return f"tick {utc(letter.tick)}{repeat}"


def line(assessed: AssessedLetter) -> str:
    """Return an event as a line for people."""
    letter = assessed.letter
    sent = "" if letter.sent_at is None else f", there since {letter.sent_at:%Y-%m-%d %H:%M:%SZ}"
    where = f"{letter.job.region} {letter.queue}"
    cause = letter.cause.rstrip(".")
    return printable(f"{where}, {tick_text(letter)}{sent}: {cause}. {assessed.ledger}.")


def as_json(assessed: AssessedLetter, actions: Mapping[str, str]) -> dict[str, Any]:
    """Return an event for programs."""
    letter = assessed.letter
    return {
        "region": letter.job.region,
        "queue": letter.queue,
        "message_id": letter.message_id,
        "sent_at": utc(letter.sent_at),
        "tick": utc(letter.tick),
        "repeat": (letter.repeat_reason or True) if letter.repeats else False,
        "cause": letter.cause,
        "payload": letter.payload,
        "standing": assessed.standing,
        "ledger": assessed.ledger,
        "action": actions.get(letter.message_id, "kept"),
    }


def _assessed(letter: DeadLetter, recent: Sequence[Lock]) -> AssessedLetter:
    if letter.foreign:
        return _of(letter, "unusable", f"It stays, because {letter.problem}")
    if letter.tick is not None and is_done_by(letter, recent):
        return _of(letter, "done", _done(letter, recent))
    if letter.problem is not None:
        text = f"It cannot be given to the function again, because {letter.problem}"
        return _of(letter, "unusable", text)
    if letter.tick is None:
        return _of(letter, "no tick", "Whether its work is done is not known")
    if letter.repeats:
        return _assessed_repeat(letter, recent)
    tried = next((each for each in recent if each.tick == letter.tick), None)
    text = "The tick is not done, and no recent term has led it"
    if tried is not None:
        text = f"The tick is not done; {_attempt(tried)}"
    return _of(letter, "open", text)


def _assessed_repeat(letter: DeadLetter, recent: Sequence[Lock]) -> AssessedLetter:
    """Assess an unfinished repeat, of which a later leg may only go on where the last one ended."""
    tried = next((each for each in recent if _is_of_repeat(each, letter)), None)
    if letter.leg > 1 and (tried is None or tried is not recent[0] or tried.outcome == "completed"):
        text = (
            f"Leg {letter.leg} of a repeat cannot go on, because another term has led since: start"
            " the repeat again with `s3leader trigger --repeat`"
        )
        return _of(letter, "unusable", text)
    text = "The repeat is not done, and no recent term has led it"
    if tried is not None:
        text = f"The repeat is not done since then; {_attempt(tried)}"
    return _of(letter, "open", text)


def _done(letter: DeadLetter, recent: Sequence[Lock]) -> str:
    what = "repeat" if letter.repeats else "tick"
    for each in recent:
        mine = _completes_repeat(each, letter) if letter.repeats else each.tick == letter.tick
        if mine and each.outcome == "completed":
            return f"The {what} is done in term {each.term}: it needs nothing"
    if recent[0].done == letter.tick:
        return "The tick is done: it needs nothing"
    return (
        f"The tick counts as done, because tick {utc(recent[0].done)} is. If its own work is"
        " missing, run it with `s3leader trigger --repeat`"
    )


def _completes_repeat(lock: Lock, letter: DeadLetter) -> bool:
    """Whether a term completed a repeat after its event was given up.

    An earlier one may be why the repeat was asked for.
    """
    if letter.sent_at is None or lock.started_at is None or lock.started_at < letter.sent_at:
        return False
    return _is_of_repeat(lock, letter) and lock.outcome == "completed"


def _is_of_repeat(lock: Lock, letter: DeadLetter) -> bool:
    same = lock.repeat and lock.repeat_reason == letter.repeat_reason
    return same and lock.tick == letter.tick


def _attempt(lock: Lock) -> str:
    why = f" ({lock.reason.rstrip('.')})" if lock.reason else ""
    return f"term {lock.term}: {lock.outcome or 'not over'}{why}"


def _of(letter: DeadLetter, standing: Standing, ledger: str) -> AssessedLetter:
    return AssessedLetter(letter=letter, standing=standing, ledger=ledger)


def _run(letter: DeadLetter) -> tuple[str | None, bool, str]:
    return utc(letter.tick), letter.repeats, letter.repeat_reason or ""


def _order(letter: DeadLetter) -> tuple[bool, str, bool, str, str]:
    tick, repeats, reason = _run(letter)
    return tick is None, tick or "", not repeats, reason, utc(letter.sent_at) or ""
