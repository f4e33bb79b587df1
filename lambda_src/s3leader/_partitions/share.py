"""A worker's share of the partitions, as far as its last two reads of the slots agree on it.

So workers that start or come back together do not pass partitions back and forth.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from .assignment import assign

_log = logging.getLogger("s3leader")
_SHOWN = 5


class Share:
    """What one worker of `group` learns about the partitions with these names."""

    def __init__(self, group: str, names: Sequence[str]) -> None:
        self._group, self._names = group, names
        self._last_two: tuple[frozenset[str], frozenset[str]] | None = None
        self._left_over: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
        self.unassigned: frozenset[str] = frozenset()
        """The partitions that the limits of all workers leave to nobody."""

    def update(self, limits: Mapping[int, int | None], slot: int) -> None:
        """Compute the share of `slot` from a read of the slots, which has their `limits`."""
        shares = assign(self._names, limits)
        self._keep(frozenset(shares[slot]))
        left_over = frozenset(self._names).difference(*shares.values())
        self._left_over = (self._left_over[1], left_over)
        if self._left_over[0] == left_over != self.unassigned:
            self.unassigned = left_over
            self._log_unassigned(len(limits))

    def update_without_slot(self) -> None:
        """Note that this worker has no share, as all slots are taken by others."""
        self._keep(frozenset())

    def contains(self, name: str) -> bool | None:
        """Whether a partition is in the share; None if the last two reads do not agree on it."""
        if self._last_two is None:
            return None
        before, now = (name in share for share in self._last_two)
        return now if before == now else None

    def _keep(self, share: frozenset[str]) -> None:
        self._last_two = (frozenset() if self._last_two is None else self._last_two[1], share)

    def _log_unassigned(self, workers: int) -> None:
        names = sorted(self.unassigned)
        if not names:
            _log.info("group %s: each partition is in a share again", self._group)
            return
        more = ", …" if len(names) > _SHOWN else ""
        _log.warning(
            "group %s: nobody may lead %d of %d partitions (%s%s): the max_share of %d workers"
            " allows no more. Start more workers, or raise max_share",
            self._group, len(names), len(self._names), ", ".join(names[:_SHOWN]), more, workers,
        )  # fmt: skip
