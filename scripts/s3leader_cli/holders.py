"""Fits the table of terms into a width, by shortening the long identities of Lambda candidates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

Cells: TypeAlias = list[str]

_HOLDER, _WHY = 2, 7
_LEAST = 14
# function/request id/random: the identity that s3leader.aws_lambda gives a candidate
_LAMBDA = re.compile(r"([\w-]+)/([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9a-f]{8}")


def fitted(
    rows: Sequence[Cells], headings: Sequence[str], width: int
) -> tuple[list[Cells], int | None]:
    """Return the rows and the width of the column `why`; None if all fit into `width` as they are.

    If they do not, shorten the identities of Lambda candidates, and fold `why`.
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
    """Return a Lambda candidate's identity as `function/1a2b3c4d`, cut to `room` if need be."""
    found = _LAMBDA.fullmatch(holder)
    if found is None:
        return holder
    function, request = found[1], found[2]
    left = max(room, _LEAST) - len(request) - 1
    if len(function) > left:
        function = function[: left - 1] + "…"
    return f"{function}/{request}"
