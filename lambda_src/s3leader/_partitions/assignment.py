"""Which worker leads which partition: a pure function of the slots that are taken.

Workers that see the same slots compute the same shares, so they need no coordinator and do not
contend with each other. Shares differ by one at most, apart from limits. A worker that joins only
takes partitions, and one that leaves only gives its own away, so few partitions move.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def assign(partitions: Iterable[str], limits: Mapping[int, int | None]) -> dict[int, list[str]]:
    """Return the partitions of each slot in `limits`, which has the most that each may lead.

    Every slot up to the highest joins in turn, and then the vacant ones leave. So a worker that
    comes back to its slot gets what it had before, and the others keep the rest of theirs.
    Partitions beyond all limits are in no share.
    """
    unassigned = sorted(partitions, reverse=True)
    shares: dict[int, list[str]] = {}
    slots = range(max(limits, default=-1) + 1)
    for slot in slots:
        shares[slot] = []
        _join(shares, slot, unassigned, limits.get(slot))
    for slot in slots:
        if slot not in limits:
            _leave(shares, slot, unassigned, limits)
    return shares


def _join(
    shares: dict[int, list[str]], slot: int, unassigned: list[str], limit: int | None
) -> None:
    mine = shares[slot]
    while limit is None or len(mine) < limit:
        if unassigned:
            mine.append(unassigned.pop())
            continue
        largest = max(shares.values(), key=len)
        if len(largest) <= len(mine) + 1:
            return
        mine.append(largest.pop())


def _leave(
    shares: dict[int, list[str]],
    slot: int,
    unassigned: list[str],
    limits: Mapping[int, int | None],
) -> None:
    for partition in shares.pop(slot):
        with_room = [
            share
            for other, share in shares.items()
            if (limit := limits.get(other)) is None or len(share) < limit
        ]
        min(with_room, key=len, default=unassigned).append(partition)
