"""The ledger's table in the width there is: the names that Lambda's candidates bear are long."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

Cells: TypeAlias = list[str]

_HOLDER, _WHY = 2, 7
_LEAST = 14
# function/request id/random: what s3leader.aws_lambda calls a candidate
_LAMBDA = re.compile(r"([\w-]+)/([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9a-f]{8}")


def fitted(
    rows: Sequence[Cells], headings: Sequence[str], width: int
) -> tuple[list[Cells], int | None]:
    """Return the rows, and how wide `why` may be; None if they fit into `width` as they are.

    If they do not, Lambda's candidates are shortened, and `why`, which is prose, is to be folded.
    """
    widest = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    frame = 3 * len(headings) + 1
    if sum(widest) + frame <= width:
        return [*rows], None
    whys = [_LAMBDA.sub(r"…/\2", row[_WHY]) for row in rows]
    room = width - frame - sum(widest) + widest[_HOLDER] + widest[_WHY]
    for_why = min(max(map(len, [headings[_WHY], *whys])), max(room // 3, _LEAST))
    short = [
        [*row[:_HOLDER], shortened(row[_HOLDER], room - for_why), *row[_HOLDER + 1 : _WHY], why]
        for row, why in zip(rows, whys, strict=True)
    ]
    return short, for_why


def shortened(holder: str, room: int) -> str:
    """Return a Lambda candidate as `function/1a2b3c4d`, the function cut if it must be."""
    found = _LAMBDA.fullmatch(holder)
    if found is None:
        return holder
    function, request = found[1], found[2]
    left = max(room, _LEAST) - len(request) - 1
    if len(function) > left:
        function = function[: left - 1] + "…"
    return f"{function}/{request}"
