"""`MemoryStore` as the simulation needs it: skewed clocks, a late lifecycle rule, known writers."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from s3leader._core.requests import (
    Applied,
    Create,
    Replace,
    StoreAnswer,
    StoreRequest,
    Tag,
)
from s3leader._io.memory_store import MemoryStore

DAY_MS = 24 * 3_600_000
FRONT_ENDS = 8


class Stored(NamedTuple):
    """The last write to a key; `written_ms` is the true time."""

    body: bytes
    written_ms: int
    writer: str

    def fields(self) -> dict[str, Any]:
        values: dict[str, Any] = json.loads(self.body)
        return values


class Observer(Protocol):
    """Checks each change of the bucket."""

    def put(self, key: str, before: Stored | None, after: Stored) -> None: ...
    def tag(self, key: str) -> None: ...
    def delete(self, key: str) -> None: ...


class Bucket:
    """`perform` applies a request at once; `now_ms` is the true time.

    Any two of its clocks are at most `apart_ms` apart: those of the front ends, which give `Date`,
    and those of the stores behind them, which give `Last-Modified`.
    """

    def __init__(
        self,
        *,
        now_ms: Callable[[], int],
        later: Callable[[int, Callable[[], None]], None],
        rng: random.Random,
        apart_ms: int,
        page_size: int,
        observer: Observer,
    ) -> None:
        self.objects: dict[str, Stored] = {}
        self._now_ms, self._later, self._rng = now_ms, later, rng
        self._apart_ms, self._observer = apart_ms, observer
        self._tagged: set[tuple[str, Stored]] = set()
        self._writer = ""
        self._store = MemoryStore(
            clock_ms=self._clock, page_size=page_size, observer=self._performed
        )
        self.shift_clocks()

    def shift_clocks(self) -> None:
        """Set all clocks anew, some of them as far apart as they may be."""
        half = self._apart_ms // 2
        self._ahead = [self._rng.randint(-half, half) for _ in range(FRONT_ENDS - 2)]
        self._ahead += [-half, half]

    def perform(self, request: StoreRequest, writer: str) -> StoreAnswer:
        self._writer = writer
        self._store.requests.clear()  # a run has millions
        return self._store.perform(request)

    def _clock(self) -> int:
        return self._now_ms() + self._rng.choice(self._ahead)

    def _performed(self, request: StoreRequest, answer: StoreAnswer) -> None:
        if not isinstance(answer, Applied):
            return
        if isinstance(request, Create | Replace):
            after = Stored(request.body, self._now_ms(), self._writer)
            self._observer.put(request.key, self.objects.get(request.key), after)
            self.objects[request.key] = after
        elif isinstance(request, Tag):
            self._observer.tag(request.key)
            self._expire_later(request.key, self.objects[request.key])

    def _expire_later(self, key: str, tagged: Stored) -> None:
        """The rule counts days from when the object was written, not from when it was tagged, and
        acts at some time on the day after.
        """
        if (key, tagged) in self._tagged:
            return
        self._tagged.add((key, tagged))
        due_ms = max(self._now_ms(), tagged.written_ms + DAY_MS)
        self._later(due_ms + self._rng.randrange(DAY_MS), lambda: self._expire(key, tagged))

    def _expire(self, key: str, tagged: Stored) -> None:
        self._tagged.discard((key, tagged))
        if self.objects.get(key) is tagged:
            self._observer.delete(key)
            del self.objects[key]
            self._store.delete(key)
