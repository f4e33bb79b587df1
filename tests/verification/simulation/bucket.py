"""A bucket for long simulations: skewed clocks, small pages, and a lifecycle rule that is late."""

from __future__ import annotations

import hashlib
import json
import random
from bisect import bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from s3leader._core.requests import (
    Applied,
    Conflict,
    Create,
    Found,
    List,
    Listed,
    Missing,
    Read,
    Replace,
    StoreAnswer,
    StoreRequest,
    Tag,
)

DAY_MS = 24 * 3_600_000
FRONT_ENDS = 8


@dataclass(slots=True)
class Stored:
    """An object; `modified_ms` is what S3 tells, `written_ms` the true time."""

    body: bytes
    etag: str
    modified_ms: int
    written_ms: int
    writer: str
    tagged: bool = False

    def says(self) -> dict[str, Any]:
        values: dict[str, Any] = json.loads(self.body)
        return values


class Watching(Protocol):
    """Who is told of every change before it is made."""

    def put(self, key: str, before: Stored | None, after: Stored) -> None: ...
    def tag(self, key: str) -> None: ...
    def delete(self, key: str) -> None: ...


class Bucket:
    """`perform` applies a request at once; `now_ms` is the true time.

    Any two of its clocks are at most `apart_ms` apart: those of the front ends, which say `Date`,
    and those of the stores behind them, which say `Last-Modified`.
    """

    def __init__(
        self,
        *,
        now_ms: Callable[[], int],
        later: Callable[[int, Callable[[], None]], None],
        rng: random.Random,
        apart_ms: int,
        page_size: int,
        watching: Watching,
    ) -> None:
        self.objects: dict[str, Stored] = {}
        self._keys: list[str] = []
        self._now_ms, self._later, self._rng = now_ms, later, rng
        self._apart_ms, self._page_size, self._watching = apart_ms, page_size, watching
        self.shift_clocks()

    def shift_clocks(self) -> None:
        """Set all clocks anew, some of them as far apart as they may be."""
        half = self._apart_ms // 2
        self._ahead = [self._rng.randint(-half, half) for _ in range(FRONT_ENDS - 2)]
        self._ahead += [-half, half]

    def perform(self, request: StoreRequest, writer: str) -> StoreAnswer:
        date_ms = self._clock()
        if isinstance(request, List):
            return self._list(request, date_ms)
        there = self.objects.get(request.key)
        if isinstance(request, Create | Replace):
            wanted = request.etag if isinstance(request, Replace) else None
            if (None if there is None else there.etag) != wanted:
                return Conflict(date_ms)
            return self._put(request, there, writer, date_ms)
        if there is None:
            return Missing(date_ms)
        if isinstance(request, Read):
            return Found(there.body, there.etag, date_ms, there.modified_ms)
        return self._tag(request, there, date_ms)

    # ---------------------------------------------------------------------------- inside S3

    def _clock(self) -> int:
        return (self._now_ms() + self._rng.choice(self._ahead)) // 1000 * 1000

    def _list(self, request: List, date_ms: int) -> Listed:
        after = request.token or request.start_after or request.prefix
        first = bisect_right(self._keys, after)
        page = self._keys[first : first + self._page_size]
        more = first + len(page) < len(self._keys)
        return Listed(tuple(page), more, date_ms, page[-1] if more else None)

    def _put(
        self, request: Create | Replace, before: Stored | None, writer: str, date_ms: int
    ) -> Applied:
        etag = hashlib.md5(request.body, usedforsecurity=False).hexdigest()
        after = Stored(request.body, etag, self._clock(), self._now_ms(), writer)
        self._watching.put(request.key, before, after)
        self.objects[request.key] = after
        if before is None and "/lock_" in request.key:  # others are never asked for in a list
            insort(self._keys, request.key)
        return Applied(etag, date_ms)

    def _tag(self, request: Tag, there: Stored, date_ms: int) -> Applied:
        self._watching.tag(request.key)
        if not there.tagged:
            there.tagged = True
            # A rule counts days from when the object was written, not from when it was tagged, and
            # is carried out at some time on the day after.
            due_ms = max(self._now_ms(), there.written_ms + DAY_MS)
            self._later(due_ms + self._rng.randrange(DAY_MS), lambda: self._expire(request, there))
        return Applied("", date_ms)

    def _expire(self, request: Tag, tagged: Stored) -> None:
        if self.objects.get(request.key) is tagged:
            self._watching.delete(request.key)
            del self.objects[request.key]
            del self._keys[bisect_right(self._keys, request.key) - 1]
