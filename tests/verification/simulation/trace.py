"""The last events of a run, as lines that a person can follow."""

from __future__ import annotations

import json
from collections import deque

from s3leader._core.requests import Create, Found, Listed, Replace, StoreAnswer, StoreRequest
from s3leader._core.times import from_ms

Exchange = tuple[StoreRequest, StoreAnswer]


class Trace:
    """Keeps the last events as they are, and words them only when they are asked for."""

    def __init__(self, most: int) -> None:
        self._events: deque[tuple[int, str, str | Exchange]] = deque(maxlen=most)

    def record(self, ms: int, who: str, what: str | Exchange) -> None:
        self._events.append((ms, who, what))

    def lines(self) -> list[str]:
        return [
            f"{from_ms(ms):%d %H:%M:%S}.{ms % 1000:03d}  {who:<9} {_worded(what)}"
            for ms, who, what in self._events
        ]


def describe(request: StoreRequest) -> str:
    """Name a request and what it is about."""
    where = getattr(request, "key", None) or getattr(request, "start_after", None) or "all"
    name = f"{type(request).__name__} {where.rpartition('/')[2]}"
    if isinstance(request, Create | Replace):
        name += f" ({_body(request.body)})"
    return name


def _worded(what: str | Exchange) -> str:
    if isinstance(what, str):
        return what
    request, answer = what
    output = type(answer).__name__
    if isinstance(answer, Found):
        output += f" ({_body(answer.body)}), {(answer.date_ms - answer.modified_ms) // 1000} s old"
    elif isinstance(answer, Listed):
        output += f" {len(answer.keys)}" + (", and more" if answer.truncated else "")
    return f"{describe(request)}: {output}"


def _body(body: bytes) -> str:
    lock = json.loads(body)
    if "expired" not in lock:
        return body.decode()
    state = f"sealed, {lock['outcome']}" if lock["expired"] else "held"
    return f"{state}, by {lock['holder']}, {lock['renewals']} renewals"
