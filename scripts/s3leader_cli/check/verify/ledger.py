"""A ledger as the rules of `verify` see it: the locks in order, without numbers created anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from s3leader import Lock
from s3leader.repair import is_note

# A sealed lock never changes, and its seal is settled within a lease, which is a day at most. An
# object that S3 dates later than that was copied or restored.
_SETTLED = timedelta(hours=25)
_VOID = "void: "
_TOO_LATE = f"{_VOID}the proof that this number was next is too old"


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """`sequence` holds the locks that follow from one another, in order; see `Ledger.of`.

    `notes` are those that `s3leader repair` has put in the place of locks, `corrupt` the other
    locks that cannot be read, `recreated` those whose number was created anew (R7), each with the
    next higher term. `skew` is the allowance for the clocks of S3.
    """

    sequence: list[Lock]
    notes: list[Lock] = field(default_factory=list)
    corrupt: list[Lock] = field(default_factory=list)
    recreated: list[tuple[Lock, int]] = field(default_factory=list)
    skew: timedelta

    @classmethod
    def of(cls, locks: Iterable[Lock], skew: timedelta) -> Ledger:
        """Sort the locks.

        A suspended candidate may create an old number again, after its lock was deleted (R7). Such
        a lock began after a higher one had begun; or it says that its win came too late; or it is
        not sealed, since the candidate crashed, and the next number is missing.
        """
        line: list[Lock] = []
        notes: list[Lock] = []
        corrupt: list[Lock] = []
        recreated: list[tuple[Lock, int]] = []
        earliest: datetime | None = None
        for lock in sorted(locks, key=lambda each: each.term, reverse=True):
            began = lock.started_at
            if lock.problem is not None:
                (notes if is_note(lock.problem) else corrupt).append(lock)
                continue
            if line and (
                (earliest is not None and began is not None and began > earliest + skew)
                or (lock.reason or "").startswith(_TOO_LATE)
                or (not lock.sealed and line[-1].term > lock.term + 1)
            ):
                recreated.append((lock, line[-1].term))
                continue
            line.append(lock)
            if began is not None:
                earliest = began if earliest is None else min(began, earliest)
        return cls(
            sequence=line[::-1], notes=notes, corrupt=corrupt, recreated=recreated, skew=skew
        )

    @property
    def terms(self) -> set[int]:
        """The numbers of all locks that exist."""
        return {each.term for each in self.every()}

    @property
    def swept(self) -> int:
        """The number up to which some lock says that all locks are tagged for deletion."""
        return max((each.swept for each in self.sequence), default=0)

    def every(self) -> Iterator[Lock]:
        """Yield all locks."""
        yield from self.sequence
        yield from self.notes
        yield from self.corrupt
        yield from (lock for lock, _ in self.recreated)

    def in_order(self) -> Iterator[tuple[Lock, Lock]]:
        """Yield each lock with the next one that exists."""
        return pairwise(self.sequence)

    def neighbours(self) -> Iterator[tuple[Lock, Lock]]:
        """Yield the locks of each two terms that follow one another."""
        return (pair for pair in self.in_order() if pair[1].term == pair[0].term + 1)


def is_void(lock: Lock) -> bool:
    """Whether the win of this term was void, so that nobody led it (R0, R4, R7)."""
    reason = lock.reason or ""
    return lock.outcome in {"resigned", "continued"} and reason.startswith(_VOID)


def is_done_stated(lock: Lock) -> bool:
    """Whether an operator said which tick was done, and not a term that completed it.

    That is so in a corrupt lock that was deposed, and in one that restarted the numbers.
    """
    return bool({"corrupt_body", "restarted_above"} & lock.extra.keys())


def end_of(lock: Lock) -> datetime | None:
    """Return when a sealed lock was sealed, by S3's clock; None if that is not known."""
    if lock.modified_at is None or was_copied(lock):
        return lock.ended_at
    return lock.modified_at


def was_copied(lock: Lock) -> bool:
    """Whether the object is much younger than the seal in it, so that it is a copy."""
    written, ended = lock.modified_at, lock.ended_at
    return written is not None and ended is not None and written - ended > _SETTLED
