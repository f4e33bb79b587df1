"""What an invocation returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3leader._core.lock import Lock
from s3leader._core.times import format_time
from s3leader.election import NotElected
from s3leader.term import Term


def not_elected(result: NotElected, own: Mapping[str, object]) -> dict[str, Any]:
    """Return the result of a lost campaign; `own` are the invocation's own facts."""
    lock = result.lock
    tick = None if lock is None or lock.tick is None else format_time(lock.tick)
    return {"elected": False, "reason": result.reason, **_facts(lock), "term_tick": tick, **own}


def elected(term: Term, value: object, own: Mapping[str, object]) -> dict[str, Any]:
    """Return the result of a term whose handler returned `value`.

    Raises `LeadershipLost` in a fork, which has not sealed the lock and knows no outcome.
    """
    term._refuse_fork()  # noqa: SLF001 - it has left its block, so it is not asked to do more
    work: dict[str, Any] = {"attempt": term.attempt, "leg": term.leg}
    if term.lock.repeat:
        work |= {"repeat": True, "repeat_reason": term.lock.repeat_reason}
    ended = {"outcome": term.outcome, "result": value}
    return {"elected": True, **_facts(term.lock), **own, **work, **ended}


def _facts(lock: Lock | None) -> dict[str, Any]:
    """Return the number and the holder of a lock's term."""
    if lock is None:
        return {"term": None, "holder": None}
    return {"term": lock.term, "holder": lock.holder}
