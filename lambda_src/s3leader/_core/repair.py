"""Repairs of a ledger by an operator: moving it, and restarting its numbers. Sans-I/O.

Both repairs first *close* the ledger: they create a note in the place of the next lock. The note is
not a valid lock, so every candidate that meets it raises `CorruptLock`, and none leads. It is
created with `If-None-Match`, as a lock is, so either a candidate begins that term or the ledger is
closed, never both. Then the repair creates a sealed lock, from which candidates go on.

All writes are conditional. A repair that is interrupted leaves the ledger closed; the same repair
finds its note and goes on. A repair that is finished finds nothing to do.

Not guaranteed: that no leader is at work. A lock that was deleted has left nothing that says who
held it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from s3leader.errors import CorruptLock, InvalidArgument, RepairRefused, StillHeld, StoreUnavailable

from .attempts import attempts_so_far
from .candidate import PROOF_VALID_MS, CandidateConfig, LedgerHead, Steps
from .conditional_write import WriteConflict, seal_other, write_until_known
from .ledger import ask, find_head, read_lock
from .lock import DEPOSED, LAST_TERM, Lock
from .notes import NOTE_OF_MOVE, RESTARTS
from .requests import Create, Found, Listed, Missing, Read, Reply
from .times import MOST_AHEAD_MS, format_time, from_ms, to_ms

# The key of a lock that a restart created; an operator has said what its `done` is.
RESTARTED_ABOVE: Final = "restarted_above"
_MOVED: Final = re.compile(NOTE_OF_MOVE + r" (s3://\S+)")
_NO_LOCK: Final = LedgerHead(lock=None, etag="", proved_highest_at_ms=None, observed_ms=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEnd:
    """The end of a ledger: its highest lock, and the note after it if the ledger is closed.

    `moved_to` is the place that the note names, `restarts` whether it is that of a restart.
    """

    head: LedgerHead
    moved_to: str | None = None
    restarts: bool = False

    @property
    def closed(self) -> bool:
        """Whether a note stands in the place of the next lock."""
        return self.restarts or self.moved_to is not None


def find_end(config: CandidateConfig) -> Steps[LedgerEnd]:
    """Return the end of the ledger; raise `CorruptLock` for a highest lock that is not a note."""
    try:
        return LedgerEnd(head=(yield from find_head(config)))
    except CorruptLock as corrupt:
        text = corrupt.body.decode("utf-8", "replace")
        moved, restarts = _MOVED.search(text), RESTARTS in text
        if not moved and not restarts:
            raise
        head = yield from read_lock(config, corrupt.term - 1, no_higher_at_ms=None)
        if head is None and (moved or corrupt.term > 1):
            raise RepairRefused(
                f"the ledger is closed by the note {corrupt.key}, but the lock before it, of term"
                f" {corrupt.term - 1}, is gone: restart the numbers above all that were used"
            ) from None
        place = moved[1] if moved else None
        return LedgerEnd(head=head or _NO_LOCK, moved_to=place, restarts=restarts)


def check_over(config: CandidateConfig, lock: Lock | None) -> None:
    """Raise `StillHeld` if somebody leads."""
    if lock is not None and not lock.sealed and not config.lapsed(lock):
        raise StillHeld(key=config.key(lock.term), holder=lock.holder)


def sealed_end(config: CandidateConfig, end: LedgerEnd, reason: str) -> Steps[LedgerEnd]:
    """Seal the highest lock if it has lapsed; raise `StillHeld` if it has not."""
    lock = end.head.lock
    check_over(config, lock)
    if lock is None or lock.sealed:
        return end
    sealed = yield from seal_other(config, end.head, reason)
    if isinstance(sealed, WriteConflict):
        raise _changed(config.key(lock.term))
    return replace(end, head=sealed)


# ------------------------------------------------------------------------------------- moving


def note_of_move(place: str) -> str:
    """Return the text of the note that closes a ledger which goes on at `place`."""
    return f"this ledger was moved to {place} - never depose this lock"


def close(config: CandidateConfig, head: LedgerHead, note: str) -> Steps[None]:
    """Create the note in the place of the lock after `head`, which must be sealed or none (R1)."""
    key = config.key(head.term + 1)
    written = yield from _create(config, key, json.dumps(f"{note} ({config.nonce()})").encode())
    if isinstance(written, Reply):
        raise _changed(key)
    _check_proof(head, written, key)


def copied(lock: Lock) -> Lock:
    """Return `lock` as another bucket gets it: whose store no leader has verified yet (R0)."""
    return replace(lock, proved=False, modified_at=None, seen_at=None)


def copy(config: CandidateConfig, lock: Lock) -> Steps[None]:
    """Create the copy of a sealed lock under the same number."""
    key = config.key(lock.term)
    if isinstance((yield from _create(config, key, copied(lock).encode())), Reply):
        raise _changed(key)


# --------------------------------------------------------------------------- restarting numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """What a restart is asked for. `done` is the latest tick that must not be led again.

    `keep_state` carries on the checkpoint of the highest lock that is left.
    """

    above: int
    done: datetime | Literal["none"]
    reason: str
    keep_state: bool = False

    @property
    def term(self) -> int:
        """The number of the lock that is created, sealed."""
        return self.above + 1


def prepare_restart(config: CandidateConfig, asked: Restart) -> Steps[LedgerEnd | CorruptLock]:
    """Return the end of the ledger, or its corrupt highest lock; raise if no restart is possible.

    Nothing is to do if the term of the end is that of `asked`, or higher.
    """
    if not 1 <= asked.above <= LAST_TERM - 2:
        raise InvalidArgument(f"expected a number from 1 to {LAST_TERM - 2}, got {asked.above}")
    date_ms = _date_ms((yield from ask(Read(config.key(asked.term)))))
    if asked.done != "none" and to_ms(asked.done) - date_ms > MOST_AHEAD_MS:
        raise InvalidArgument(
            f"expected a latest completed tick that is not in the future, got"
            f" {format_time(asked.done)}; S3's clock shows {format_time(from_ms(date_ms))}. No tick"
            f" up to it would be led"
        )
    try:
        end = yield from find_end(config)
    except CorruptLock as corrupt:
        if corrupt.term >= asked.term:
            raise
        return corrupt
    if end.moved_to is not None:
        raise RepairRefused(f"this ledger was moved to {end.moved_to}: repair it there")
    if end.restarts and asked.term <= end.head.term + 1:
        raise InvalidArgument(
            f"expected a number above {end.head.term}, where an unfinished restart has closed the"
            f" ledger, got {asked.above}"
        )
    if end.head.term < asked.term:
        check_over(config, end.head.lock)
    return end


def restart(config: CandidateConfig, asked: Restart) -> Steps[Lock]:
    """Close the ledger and create a sealed lock above `asked.above`; return the highest lock.

    If that lock is the next one, it closes the ledger itself, as a note would.
    """
    found = yield from prepare_restart(config, asked)
    head, closed = _NO_LOCK, True  # a corrupt lock stops every candidate, as a note does
    if not isinstance(found, CorruptLock):
        if found.head.lock is not None and found.head.term >= asked.term:
            return found.head.lock
        found = yield from sealed_end(config, found, asked.reason)
        head = found.head
        closed = found.closed
        if not closed and head.term + 1 < asked.term:
            yield from close(config, head, RESTARTS)
            closed = True
    lock = _restarted(asked, head.lock, config.nonce())
    written = yield from _create(config, config.key(lock.term), lock.encode())
    if isinstance(written, Reply):
        raise _changed(config.key(lock.term))
    if not closed:  # the lock stands in the place of a note
        _check_proof(head, written, config.key(lock.term))
    return replace(lock, modified_at=from_ms(written), seen_at=from_ms(written))


def _restarted(asked: Restart, last: Lock | None, nonce: str) -> Lock:
    done = None if asked.done == "none" else asked.done
    lock = Lock(
        term=asked.term,
        expired=True,
        nonce=nonce,
        swept=asked.above,  # R6: the numbers between were used by nobody, or are gone
        outcome=DEPOSED,
        reason=asked.reason,
        extra={RESTARTED_ABOVE: asked.above},
    )
    if last is None:
        return replace(lock, done=done)
    lock = replace(lock, done=max(filter(None, (done, last.done)), default=None))
    attempts = attempts_so_far(replace(last, done=lock.done))
    return replace(
        lock,
        attempts=attempts.counts,
        attempts_dropped=attempts.dropped,
        state=last.state if asked.keep_state else {},
    )


# ------------------------------------------------------------------------------------- private


def _create(config: CandidateConfig, key: str, body: bytes) -> Steps[int | Reply]:
    """Create an object; return when, by S3's clock, or the reply that shows another in its place.

    The body is recognised as a whole, since a note or a lock of the original scheme has no nonce.
    """
    written = yield from write_until_known(
        Create(key, body),
        "own",
        patience_ms=config.lease_ms,
        nonce_of=lambda found: "own" if found.body == body else None,
    )
    return written.reply if isinstance(written, WriteConflict) else written.applied_ms


def _check_proof(head: LedgerHead, written_ms: int, key: str) -> None:
    """R7: raise if the number may be an old one, which others have used and deleted meanwhile."""
    proved_ms = head.proved_highest_at_ms
    if proved_ms is None or written_ms - proved_ms >= PROOF_VALID_MS:
        raise StoreUnavailable(
            f"more than an hour passed between two requests, so {key} may not close the ledger."
            f" Nothing else was changed; try again."
        )


def _date_ms(reply: Reply) -> int:
    if not isinstance(reply.answer, Found | Missing | Listed):
        raise TypeError(f"a store answered {reply.answer} to a Read")
    return reply.answer.date_ms


def _changed(key: str) -> RepairRefused:
    return RepairRefused(
        f"{key} was written by another candidate meanwhile, so nothing more was changed: pause the"
        f" job, wait until no leader is at work, and run the command again"
    )
