"""What became of a run that an operator started: an exit code, and words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from s3leader import Lock
from s3leader_cli.exit_codes import DONE, NEEDS_YOU
from s3leader_cli.report import utc

from .follow import term_text


@dataclass(frozen=True)
class Outcome:
    """The exit code, a word for programs, and a sentence for people."""

    code: int
    word: str
    text: str
    answer: Any = None


def of_term(lock: Lock, answer: Any, *, done: bool) -> Outcome:  # noqa: ANN401 - JSON
    """Return what a run has come to by its last term; `done` if its tick is completed."""
    led = f"{term_text(lock)}, led by {lock.holder or 'an unnamed candidate'}"
    led = f"{led[0].upper()}{led[1:]}"
    if not lock.sealed:
        text = f"{led}, has ended without a result: it crashed, or its connection to S3 is gone."
        return Outcome(NEEDS_YOU, "crashed", text, answer)
    if lock.outcome == "continued":
        word = "done" if done else "not continued"
        text = f"{led}, was continued, and no next leg has led: see `s3leader logs`."
        return Outcome(DONE if done else NEEDS_YOU, word, text, answer)
    why = f" ({lock.reason.rstrip('.')})" if lock.reason else ""
    code = DONE if lock.outcome == "completed" else NEEDS_YOU
    outcome = lock.outcome or "sealed"
    return Outcome(code, outcome, f"{led}, is {outcome}{why}.", answer)


def not_elected(value: dict[str, Any]) -> Outcome:
    """Return why a function says that it was not elected."""
    reason = str(value.get("reason"))
    term = f"term {value.get('term')} (tick {value.get('term_tick')}, {value.get('holder')})"
    texts = {
        "done": f"Nothing to do: the tick is completed already; the latest is {term}.",
        "held": f"Not elected: {term} leads. Wait for its end, or see `s3leader status`.",
        "beaten": f"Not elected: another candidate was faster, {term}.",
        "exhausted": f"Not elected: the tick has had all its attempts, the last in {term}."
        " --repeat --reason … runs it all the same.",
    }
    code = DONE if reason == "done" else NEEDS_YOU
    return Outcome(code, reason, texts.get(reason, f"Not elected: {reason}."), value)


def overtaken(name: str, tick: str, answer: Any, *, task: bool) -> Outcome:  # noqa: ANN401 - JSON
    """Return what to say of a tick that only counts as done, and is not led any more."""
    command = f"s3leader trigger {name}" + ("" if task else f" --tick {tick} --repeat --reason …")
    text = (
        f"Tick {tick} was not completed: a later tick was completed meanwhile, so it counts as done"
        f" and is not led any more. If its own work is missing, run it with `{command}`."
    )
    return Outcome(NEEDS_YOU, "overtaken", text, answer)


def already_done(head: Lock) -> str:
    """Return why a tick is not run again."""
    return (
        f"Nothing to do: ticks up to {utc(head.done)} are completed, says {term_text(head)}. To run"
        " one again: --repeat --reason …"
    )
