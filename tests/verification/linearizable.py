"""Whether what clients say of their fetch-and-adds can be true. Pure.

A history is linearizable if some order of its operations explains all that they returned, and
agrees with real time: what was over before another began comes first (Herlihy and Wing, 1990). In
general that takes a search (Wing and Gong, 1993; Knossos, Porcupine). Here each confirmed increment
returned the value that it made, so the order is given and needs only to agree with real time
(Gibbons and Korach, "Testing Shared Memories", 1997).
"""

from collections.abc import Iterator, Sequence

from tests.verification.history import Operation


def violations(increments: Sequence[Operation], read: Operation) -> Iterator[str]:
    """Say why no order of the increments explains what they returned and what `read` read last.

    A value that nobody confirmed is the work of an increment of unknown outcome. That has no end,
    so the one invoked first may as well have made the first such value.
    """
    last = int(read.facts["value"])
    made: dict[int, Operation] = {}
    for one in increments:
        if one.result == "has written":
            value = int(one.facts["count"])
            if value in made:
                yield f"{made[value].client} and {one.client} both made it {value}"
            if value > last:
                yield f"{one.client} made it {value}, and it stands at {last}"
            made[value] = one
    unknown = [one for one in increments if one.result == "unknown"]
    spare = iter(sorted(unknown, key=lambda one: one.invoked))
    for value, latest in enumerate(_latest(made, read, last), 1):
        maker = made.get(value) or next(spare, None)
        if maker is None:
            yield f"it stands at {last}, and nobody made it {value}"
            return
        if maker.invoked > latest:
            yield f"{maker.client} began to make it {value} when it had been higher already"


def _latest(made: dict[int, Operation], read: Operation, last: int) -> list[int]:
    """Return, for each value from 1, when the first of what shows a higher one had returned."""
    latest, by = [], read.returned or read.invoked
    for value in range(last, 0, -1):
        latest.append(by)
        if value in made:
            by = min(by, made[value].returned or by)
    return latest[::-1]
