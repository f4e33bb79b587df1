"""Repairs of a ledger, for operators: `s3leader repair` on the command line.

What is *not* guaranteed: that no leader is at work. Pause the job first, and wait until its last
invocation is over. Every write is conditional, so a repair can be interrupted and run again at any
moment; until it is finished, no candidate leads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ._core import notes
from ._core.config import check_done
from ._core.lock import Lock
from ._core.repair import (
    LedgerEnd,
    Restart,
    check_over,
    close,
    copied,
    copy,
    find_end,
    note_of_move,
    prepare_restart,
    restart,
    sealed_end,
)
from .election import Election
from .errors import CorruptLock, InvalidArgument, RepairRefused

__all__ = ["Move", "MoveProgress", "RepairRefused", "restart_numbers", "state_before_restart"]

_MOVING = "sealed before the ledger was moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveProgress:
    """How far a move has come. `highest` is the last lock of the old ledger.

    `closed`: no candidate can lead in the old place. `copied`: the new place has that lock, or a
    later one, of term `term_there`.
    """

    highest: Lock
    closed: bool
    copied: bool
    term_there: int | None


class Move:
    """Moves a ledger: closes it at `old` and creates its highest lock at `new`.

    `place` names the new place for people, such as `s3://bucket/elections/nightly/`. It is in the
    note that closes the old ledger, and identifies the move if it is repeated.
    """

    def __init__(self, old: Election, new: Election, *, place: str) -> None:
        if not place.startswith("s3://") or len(place.split()) != 1:
            raise InvalidArgument(f"expected a place like s3://bucket/prefix/, got {place!r}")
        self.old, self.new, self.place = old, new, place

    def look(self) -> MoveProgress | None:
        """Return how far the move has come, None if the old place has no lock. Writes nothing.

        Raises:
            RepairRefused: the new place has a ledger of its own, or this one was moved elsewhere.
            StillHeld: somebody leads.
            CorruptLock: the highest lock cannot be read.
        """
        end = self._end()
        return None if end.head.lock is None else self._progress(end, end.head.lock)

    def run(self) -> MoveProgress | None:
        """Do what is left of the move. Raises as `look` does."""
        end = self._end()
        if end.head.lock is None:
            return None
        self._progress(end, end.head.lock)  # refuse before the first write
        driver, rules = self.old._seams.driver(), self.old._rules  # noqa: SLF001 - of this package
        if not end.closed:
            end = driver.run(sealed_end(rules, end, _MOVING))
            driver.run(close(rules, end.head, note_of_move(self.place)))
        highest = end.head.lock
        if highest is None:
            return None
        progress = self._progress(end, highest)
        if not progress.copied:
            self._copy(highest)
        there = progress.term_there or highest.term
        return MoveProgress(highest=highest, closed=True, copied=True, term_there=there)

    def _copy(self, highest: Lock) -> None:
        """Copy the lock, after a note in the place of lock 1, unless the lock is that one.

        A candidate that has seen the new place empty may create lock 1 for up to an hour (R7), and
        would lead beside the next term. The note keeps it from that.
        """
        driver, rules = self.new._seams.driver(), self.new._rules  # noqa: SLF001 - of this package
        end = driver.run(find_end(rules))
        if highest.term > 1 and not end.restarts:
            driver.run(close(rules, end.head, notes.RESTARTS))
        driver.run(copy(rules, highest))

    def _end(self) -> LedgerEnd:
        end = self.old._seams.driver().run(find_end(self.old._rules))  # noqa: SLF001
        if end.restarts:
            raise RepairRefused(
                "a restart of this ledger's numbers is not finished: finish it, then move"
            )
        if end.moved_to not in {None, self.place}:
            raise RepairRefused(f"this ledger was moved to {end.moved_to} already")
        check_over(self.old._rules, end.head.lock)  # noqa: SLF001 - of this package
        return end

    def _progress(self, end: LedgerEnd, highest: Lock) -> MoveProgress:
        there = self.new._seams.driver().run(find_end(self.new._rules)).head.lock  # noqa: SLF001
        same = there is not None and copied(there) == copied(highest)
        # Once the old ledger is closed in favour of the new place, what follows there is its own.
        follows = there is not None and end.closed and there.term > highest.term
        if there is not None and not same and not follows:
            raise RepairRefused(
                f"{self.place} has a ledger of its own, whose highest term is {there.term}: move to"
                f" another bucket, or under another prefix"
            )
        return MoveProgress(
            highest=highest,
            closed=end.closed,
            copied=there is not None,
            term_there=None if there is None else there.term,
        )


def is_note(problem: str) -> bool:
    """Whether a lock cannot be read because a repair has put its note there, which closes it."""
    return notes.is_note(problem)


def state_before_restart(
    election: Election, *, above: int, done: datetime | str
) -> Lock | CorruptLock | None:
    """Return the highest lock, a corrupt one as the error, None without any. Writes nothing.

    Raises as `restart_numbers` does. If the lock's term is higher than `above`, nothing is to do.
    """
    found = election._seams.driver().run(  # noqa: SLF001 - of this package
        prepare_restart(election._rules, _asked(above, done, "a look", keep_state=False))  # noqa: SLF001
    )
    return found if isinstance(found, CorruptLock) else found.head.lock


def restart_numbers(
    election: Election,
    *,
    above: int,
    done: datetime | str,
    reason: str,
    keep_state: bool = False,
) -> Lock:
    """Let the ledger go on above the number `above`, after locks were deleted or restored.

    The highest number that any term ever had is `above`; `done` is the latest tick that must not be
    led again, or `"none"`. If a readable lock is left that records a later tick, that tick is kept.
    The checkpoint is that lock's with `keep_state`, else empty. Returns the highest lock; if
    that is of a higher term than `above` already, nothing is written.

    Raises:
        StillHeld: somebody leads.
        RepairRefused: the ledger was moved, or a candidate has begun a term meanwhile.
        InvalidArgument: `above` or `done` cannot be; `done` lies in the future.
    """
    if not reason.strip():
        raise InvalidArgument("expected a reason, which the history shows, got an empty string")
    asked = _asked(above, done, reason, keep_state=keep_state)
    return election._seams.driver().run(restart(election._rules, asked))  # noqa: SLF001


def _asked(above: int, done: datetime | str, reason: str, *, keep_state: bool) -> Restart:
    stated = check_done(done)
    if stated is None:
        raise InvalidArgument("expected the latest completed tick, or 'none', got None")
    return Restart(above=above, done=stated, reason=reason, keep_state=keep_state)
