"""Deposing: an operator seals another's lock. Sans-I/O, like `protocol.py`.

Not guaranteed: sealing the lock of a holder that is still working does not stop it. The holder
notices at its next renewal. Until its lease has run out two candidates may consider themselves
leaders, and only fencing protects against that. So a lock that has not lapsed is sealed only with
`force`.

A corrupt lock may have been sealed as completed, and its tick cannot be read. The lock before it
says only which tick was completed before. So the operator has to state the latest completed tick
(R8): without `done`, a corrupt lock is not sealed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Literal, TypeAlias

from s3leader.errors import CorruptLock, InvalidArgument, StillHeld

from .attempts import attempts_so_far
from .candidate import CandidateConfig, LedgerHead, Steps
from .conditional_write import seal_other
from .ledger import ask, find_head, head_in
from .lock import MAX_BODY, ROOM_TO_SEAL, Lock, decode_lock
from .notes import is_note
from .requests import Found, Missing, Read
from .times import MOST_AHEAD_MS, format_time, from_ms, to_ms

Done: TypeAlias = datetime | Literal["none"] | None
"""The latest completed tick; `none` if no tick was completed, None if it was not stated."""


def depose(
    config: CandidateConfig, *, reason: str, force: bool, term: int | None = None, done: Done = None
) -> Steps[LedgerHead | None]:
    """Seal the highest lock if it has lapsed, or in any case with `force`; with `term`, only if it
    is the lock of that term.

    `done` is only for a corrupt lock. Returns None if there is nothing to depose. Raises
    `StillHeld` or `CorruptLock` without force, `CorruptLock` also for the note of a repair, and
    `InvalidArgument` where `done` is missing, lies in the future, or is given for a lock that can
    be read.
    """
    head: LedgerHead | None
    try:
        head = yield from find_head(config)
    except CorruptLock as corrupt:
        if term is not None and corrupt.term != term:
            return None
        if not force or is_note(corrupt.body.decode("utf-8", "replace")):
            raise
        head = yield from _in_place_of(config, corrupt, reason, done)
        done = None
    while head is not None and head.lock is not None and not head.lock.sealed:
        if term is not None and head.term != term:
            return None
        if done is not None:
            raise _not_asked_for(config, head.lock)
        if not force and not config.lapsed(head.lock):
            raise StillHeld(key=config.key(head.term), holder=head.lock.holder)
        sealed = yield from seal_other(config, head, reason)
        if isinstance(sealed, LedgerHead):
            return sealed
        head = head_in(sealed.reply, config, head.term, no_higher_at_ms=None)
    return None


def _in_place_of(
    config: CandidateConfig, corrupt: CorruptLock, reason: str, done: Done
) -> Steps[LedgerHead]:
    """Return a lock to seal where a corrupt one stands. What cannot be read is kept as text.

    `done` never goes back behind `done` of the lock before it. Leaders tag locks in ascending
    order, so if that lock is gone, all below it are tagged (R6); if it is corrupt too, what may be
    untagged below it stays, which costs storage, while tagging from 1 would cost every later term.
    """
    before, date_ms = yield from _before(config, corrupt.term)
    if done is None:
        raise _unstated(corrupt, before) from None
    _refuse_future(done, date_ms)
    lock = Lock(term=corrupt.term, seen_at=from_ms(date_ms))
    known = (
        (yield from _seal_before(config, before, reason))
        if isinstance(before, LedgerHead)
        else before
    )
    if isinstance(known, Lock):
        attempts = attempts_so_far(known)
        lock = replace(
            lock,
            done=known.done,
            swept=known.swept,
            state=known.state,
            attempts=attempts.counts,
            attempts_dropped=attempts.dropped,
        )
    else:
        lock = replace(lock, swept=max(0, corrupt.term - (1 if known == "gone" else 2)))
    if done != "none":
        lock = replace(lock, done=done if lock.done is None else max(done, lock.done))
    room = MAX_BODY - ROOM_TO_SEAL - len(lock.encode())
    text = corrupt.body[: max(0, room // 6)].decode("utf-8", "replace")  # \uXXXX takes six
    lock = replace(lock, extra={"corrupt_body": text})
    return LedgerHead(lock=lock, etag=corrupt.etag, proved_highest_at_ms=None, observed_ms=0)


def _before(
    config: CandidateConfig, term: int
) -> Steps[tuple[LedgerHead | Literal["gone", "corrupt"], int]]:
    """Read the lock before `term`, and S3's clock. For term 1 there is none: only the clock."""
    key = config.key(term - 1)
    reply = yield from ask(Read(key))
    answer = reply.answer
    if isinstance(answer, Missing):
        return "gone", answer.date_ms
    if not isinstance(answer, Found):
        raise TypeError(f"a store answered {answer} to a Read")
    try:
        lock = decode_lock(answer.body, key=key, term=term - 1)
    except CorruptLock:
        return "corrupt", answer.date_ms
    lock = replace(lock, seen_at=from_ms(answer.date_ms))
    return (
        LedgerHead(
            lock=lock, etag=answer.etag, proved_highest_at_ms=None, observed_ms=reply.sent_ms
        ),
        answer.date_ms,
    )


def _seal_before(
    config: CandidateConfig, before: LedgerHead, reason: str
) -> Steps[Lock | Literal["gone"]]:
    """Return the lock before a corrupt one, sealed.

    R1 seals it before its successor is created. If it is not sealed, no candidate created the
    successor, or one created the number anew (R7). Its holder may still be at work, and could
    complete a tick that the successor does not know of.
    """
    head: LedgerHead | None = before
    while head is not None and head.lock is not None and not head.lock.sealed:
        sealed = yield from seal_other(config, head, reason)
        if isinstance(sealed, LedgerHead):
            return sealed.lock or "gone"
        head = head_in(sealed.reply, config, head.term, no_higher_at_ms=None)
    return "gone" if head is None or head.lock is None else head.lock


def _unstated(
    corrupt: CorruptLock, before: LedgerHead | Literal["gone", "corrupt"]
) -> InvalidArgument:
    number = corrupt.term - 1
    if isinstance(before, LedgerHead) and before.lock is not None:
        done = "no tick" if before.lock.done is None else f"tick {format_time(before.lock.done)}"
        known = (
            f"The lock before it, of term {number}, says that {done} was the latest completed until"
            f" then; the next term inherits the checkpoint of term {number}"
        )
    elif number == 0:
        known = "It is the first term, so no earlier lock says more; its checkpoint is lost"
    else:
        state = "no longer there" if before == "gone" else "corrupt too"
        known = f"The lock before it, of term {number}, is {state}, so the checkpoint is lost"
    return InvalidArgument(
        f"done is missing: {corrupt.key} cannot be read ({corrupt.problem}), so it does not say"
        f" whether its term completed a tick, and a tick that is not recorded as done would be led"
        f" again. {known}. Look into the job's logs and results; then give"
        f" done='2026-11-23T06:00:00Z', the latest tick that was completed, or done='none' if none"
        f" was (or the election has no ticks)"
    )


def _refuse_future(done: datetime | Literal["none"], date_ms: int) -> None:
    if done != "none" and to_ms(done) - date_ms > MOST_AHEAD_MS:
        raise InvalidArgument(
            f"done is {format_time(done)}, and S3's clock shows {format_time(from_ms(date_ms))}: a"
            f" tick that has not come cannot be completed, and no tick up to it would be led. Give"
            f" the latest tick that was completed"
        )


def _not_asked_for(config: CandidateConfig, lock: Lock) -> InvalidArgument:
    done = "none" if lock.done is None else format_time(lock.done)
    return InvalidArgument(
        f"done is only for a lock that cannot be read; {config.key(lock.term)} can, and says that"
        f" the latest completed tick is {done}. Leave done out"
    )
