"""Deposing: what an operator may do to a lock. Sans-I/O, as `protocol.py`.

Not guaranteed: sealing the lock of a holder that is at work does not stop it. It notices at its
next renewal; until its lease has run out there may be two that think they lead, and only fenced
writes keep them apart. So a good lease is sealed only by force.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from .errors import CorruptLock, StillHeld
from .ledger import Rules, Seen, Steps, ask, look, look_at
from .lock import MAX_BODY, ROOM_TO_SEAL, Lock, decode_lock
from .settle import seal_other
from .store import Found, Missing, Read
from .times import from_ms


def depose(
    rules: Rules, *, reason: str, force: bool, term: int | None = None
) -> Steps[Seen | None]:
    """Seal the highest lock if it has lapsed, or, with `force`, whatever it is; with `term`, only
    if it is that term's.

    Returns None if there is nothing to depose. Raises `StillHeld` or `CorruptLock` without force.
    """
    seen: Seen | None
    try:
        seen = yield from look(rules)
    except CorruptLock as corrupt:
        if not force:
            raise
        seen = yield from _in_place_of(rules, corrupt)
    while seen is not None and seen.lock is not None and not seen.lock.sealed:
        if term is not None and seen.term != term:
            return None
        if not force and not rules.lapsed(seen.lock):
            raise StillHeld(key=rules.key(seen.term), holder=seen.lock.holder)
        sealed = yield from seal_other(rules, seen, reason)
        if isinstance(sealed, Seen):
            return sealed
        seen = yield from look_at(rules, seen.term, since_ms=None)
    return None


def _in_place_of(rules: Rules, corrupt: CorruptLock) -> Steps[Seen]:
    """Return a lock to seal where a corrupt one stands. What the ledger carries on comes from the
    lock before it, lest `done` go back; what cannot be read is kept as text.
    """
    lock = Lock(term=corrupt.term)
    key = rules.key(corrupt.term - 1)
    reply = yield from ask(Read(key))  # for term 1 it tells S3's time, and nothing else
    answer = reply.answer
    if isinstance(answer, Found):
        with suppress(CorruptLock):
            before = decode_lock(answer.body, key=key, term=corrupt.term - 1)
            lock = replace(lock, done=before.done, swept=before.swept, state=before.state)
    if isinstance(answer, Found | Missing):
        lock = replace(lock, seen_at=from_ms(answer.date_ms))
    room = MAX_BODY - ROOM_TO_SEAL - len(lock.encode())
    text = corrupt.body[: max(0, room // 6)].decode("utf-8", "replace")  # \uXXXX takes six
    lock = replace(lock, extra={"corrupt_body": text})
    return Seen(lock=lock, etag=corrupt.etag, top_at_ms=None, looked_ms=reply.sent_ms)
