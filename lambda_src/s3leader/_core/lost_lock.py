"""Says who changed the lock of a holder that has lost it. Sans-I/O."""

from __future__ import annotations

from s3leader.errors import CorruptLock

from .conditional_write import WriteConflict
from .lock import DEPOSED, Lock, decode_lock
from .requests import Found, Missing


def who_changed(lock: Lock, conflict: WriteConflict) -> str:
    """Return why leadership of the term is lost, by the answer that showed `conflict`.

    `lock` is what the holder last wrote.
    """
    answer = conflict.reply.answer
    if isinstance(answer, Missing):
        return "its lock was deleted"
    if not isinstance(answer, Found):
        return "another writer changed its lock"
    try:
        return _writer(decode_lock(answer.body, key="", term=lock.term))
    except CorruptLock as corrupt:
        return f"its lock was overwritten and cannot be read: {corrupt.problem}"


def _writer(found: Lock) -> str:
    if found.sealed_after_lapse_by is not None:
        return f"its lease had run out, and candidate {found.sealed_after_lapse_by} sealed its lock"
    if found.outcome == DEPOSED:
        return f"an operator deposed it (reason: {found.reason or 'none given'})"
    if found.sealed:
        return f"another process sealed its lock as {found.outcome or 'expired'}"
    return f"another process wrote its lock, which names {found.holder or 'nobody'} as its holder"
