"""`MemoryStore` as the simulation needs it: skewed clocks and a late lifecycle rule."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from s3leader._core.requests import Applied, Create, Replace, StoreAnswer, StoreRequest, Tag
from s3leader._io.memory_store import MemoryStore

from .invariants import Invariants
from .plan import APART_MS, DAY_MS

FRONT_ENDS = 8


class Stored(NamedTuple):
    """The last write to a key, and its true time."""

    body: bytes
    written_ms: int


class Bucket:
    """Performs a request at once, and checks what it changes; `now_ms` is the true time.

    Any two of its clocks are at most `APART_MS` apart: those of the front ends, which give `Date`,
    and those of the stores behind them, which give `Last-Modified`.
    """

    def __init__(
        self,
        invariants: Invariants,
        rng: random.Random,
        *,
        now_ms: Callable[[], int],
        later: Callable[[int, Callable[[], None]], None],
        page_size: int,
    ) -> None:
        self._objects: dict[str, Stored] = {}
        self._now_ms, self._later, self._rng = now_ms, later, rng
        self._invariants = invariants
        self._tagged: set[tuple[str, Stored]] = set()
        self._store = MemoryStore(
            clock_ms=lambda: now_ms() + rng.choice(self._ahead),
            page_size=page_size,
            observer=self._performed,
        )
        self.shift_clocks()

    def shift_clocks(self) -> None:
        """Set all clocks anew, some of them as far apart as they may be."""
        half = APART_MS // 2
        self._ahead = [self._rng.randint(-half, half) for _ in range(FRONT_ENDS - 2)]
        self._ahead += [-half, half]

    def perform(self, request: StoreRequest) -> StoreAnswer:
        self._store.requests.clear()  # a run has millions
        return self._store.perform(request)

    def body(self, key: str) -> bytes | None:
        found = self._objects.get(key)
        return None if found is None else found.body

    def _performed(self, request: StoreRequest, answer: StoreAnswer) -> None:
        if not isinstance(answer, Applied):
            return
        if isinstance(request, Create | Replace):
            self._invariants.put(request.key, self.body(request.key), request.body)
            self._objects[request.key] = Stored(request.body, self._now_ms())
        elif isinstance(request, Tag):
            self._invariants.tag(request.key)
            self._expire_later(request.key, self._objects[request.key])

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
        if self._objects.get(key) is tagged:
            self._invariants.delete(key)
            del self._objects[key]
            self._store.delete(key)
