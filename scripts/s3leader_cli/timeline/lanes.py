"""Which lane of the chart a holder belongs to.

An identity is never reused, so a lane for each would hold one bar. What a reader knows is the
function, the host or the name that the identity begins with.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

_MOST = 24
_OTHERS = "other contenders"
_UNNAMED = "unnamed"
# function/request id/random: s3leader.aws_lambda; host-process-random: s3leader.Election
_LAMBDA = re.compile(r"(.+)/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9a-f]{8}", re.DOTALL)
_PROCESS = re.compile(r"(.+)-\d+-[0-9a-f]{8}", re.DOTALL)
# What differs between tasks and pods of one job: numbers, hexadecimal names, pods' five characters.
_CHANGING = re.compile(r"(?<![a-z])(?:[0-9a-f]{8,}|\d+)(?![a-z])|(?<=-)[a-z0-9]{5}$")


def lanes(holders: Sequence[str | None]) -> tuple[list[str], list[int]]:
    """Return the lanes' names in order, and for each holder the number of its lane.

    More than 24 names are shortened to what they have in common, then the rarest share a lane.
    """
    names = [_name(holder) for holder in holders]
    if len(set(names)) > _MOST:
        names = [_CHANGING.sub("*", name) for name in names]
    counts = Counter(names)
    if len(counts) > _MOST:
        kept = {name for name, _ in counts.most_common(_MOST - 1)}
        names = [name if name in kept else _OTHERS for name in names]
    ordered = sorted(set(names), key=_order)
    number = {name: index for index, name in enumerate(ordered)}
    return ordered, [number[name] for name in names]


_order: Callable[[str], tuple[bool, str]] = lambda name: (name in {_OTHERS, _UNNAMED}, name)  # noqa: E731


def _name(holder: str | None) -> str:
    if not holder:
        return _UNNAMED
    found = _LAMBDA.fullmatch(holder) or _PROCESS.fullmatch(holder)
    return found[1] if found else holder
