"""The workers of a group: each leads the election of one slot while it lives."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from s3leader._core.candidate import LedgerHead
from s3leader._core.lock import RESIGNED, Lock
from s3leader.election import Election
from s3leader.errors import CorruptLock, S3LeaderError
from s3leader.term import Term

from .watch import watch

_log = logging.getLogger("s3leader")

_LIMIT: Final = "max_share"
_READS_OF_ALL: Final = 20  # one read of the slots in so many covers those that were never taken


class Members:
    """This worker's slot, and the slots of the others.

    A worker takes the lowest slot that is vacant, so slots above the highest that was ever seen
    taken need no request, apart from the next one. Its lock's checkpoint has its `limit`, the most
    partitions that it leads. Used by two threads at most: one for `join`, `renew` and `leave`, and
    one for `read`.
    """

    def __init__(self, slots: Sequence[Election], limit: int | None) -> None:
        self.slots = slots
        self._limit = limit
        self._membership: tuple[int, Term] | None = None
        self._last_slot: int | None = None
        self._heads: dict[int, LedgerHead] = {}
        self._highest_taken = -1
        self._reads = 0
        self.next_lapse_ms: int | None = None  # from the last read until a slot can have lapsed

    @property
    def slot(self) -> int | None:
        """The slot that this worker holds, None while it holds none."""
        membership = self._membership
        return membership[0] if membership is not None and membership[1].held else None

    @property
    def joined(self) -> bool:
        """Whether there is a slot to leave, held or lost."""
        return self._membership is not None

    def join(self) -> bool:
        """Take a slot: the one that this worker had before, or the lowest vacant one."""
        self.leave("its lease could not be renewed")
        order = [*range(len(self.slots))]
        if self._last_slot is not None:
            order.insert(0, self._last_slot)
        for slot in order:
            try:
                term = self.slots[slot].campaign()
            except CorruptLock as corrupt:  # the other slots can be used
                _log.warning("%s", corrupt)
                continue
            if isinstance(term, Term):
                self._enter(slot, term)
                return True
        return False

    def _enter(self, slot: int, term: Term) -> None:
        self._membership, self._last_slot = (slot, term), slot
        if term.state != self._state:
            term.save(self._state)

    @property
    def _state(self) -> dict[str, Any]:
        """The checkpoint of this worker's slot."""
        return {} if self._limit is None else {_LIMIT: self._limit}

    def renew(self) -> None:
        """Renew the lease of the slot. Raises `LeadershipLost` if it is lost.

        A limit that could not be written before, in place of another worker's, is written again.
        """
        if self._membership is not None:
            term = self._membership[1]
            if term.state == self._state:
                term.renew()
            else:
                term.save(self._state)

    def leave(self, reason: str) -> None:
        """Vacate the slot, if there is one; if S3 does not answer, it lapses by itself."""
        if self._membership is None:
            return
        _, term = self._membership
        self._membership = None
        try:
            term.resign(RESIGNED, reason)
        except S3LeaderError as error:
            _log.warning("%s", error)

    def read(self) -> dict[int, int | None]:
        """Return the slots that are taken, with the limit of each. One GET for each slot."""
        limits: dict[int, int | None] = {}
        lapses_ms: list[int] = []
        read_all = self._reads % _READS_OF_ALL == 0
        for slot, election in enumerate(self.slots):
            if slot > self._highest_taken + 1 and not read_all:
                break
            if slot == self.slot:
                limits[slot] = self._limit
            else:
                head = self._read_slot(slot, election)
                left_ms = None if head is None else election._rules.left_ms(head)  # noqa: SLF001
                if head is None or head.allows_next or left_ms is None or left_ms < 0:
                    continue
                limits[slot] = _limit_in(head.lock)
                lapses_ms.append(left_ms)
            self._highest_taken = max(self._highest_taken, slot)
        self._reads += 1
        self.next_lapse_ms = min(lapses_ms, default=None)
        return limits

    def _read_slot(self, slot: int, election: Election) -> LedgerHead | None:
        seams = election._seams  # noqa: SLF001 - reads what no campaign relies on
        steps = watch(election._rules, self._heads.get(slot), seams.clock_ms())  # noqa: SLF001
        try:
            head = self._heads[slot] = seams.driver().run(steps)
        except CorruptLock as corrupt:  # nobody can hold it
            _log.warning("%s", corrupt)
            return None
        return head


def _limit_in(lock: Lock | None) -> int | None:
    limit = None if lock is None else lock.state.get(_LIMIT)
    return limit if type(limit) is int and limit >= 1 else None
