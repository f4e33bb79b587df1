"""One bucket in memory, with many candidates and one fake clock for all of them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from s3leader import Election, NotElected, Term
from s3leader._core.requests import (
    Create,
    List,
    Read,
    Replace,
    Store,
    StoreAnswer,
    StoreRequest,
    Tag,
)
from s3leader._core.times import to_ms
from s3leader._io.memory_store import MemoryStore
from s3leader._io.seams import Seams
from s3leader.election import Memory

TICK = datetime(2026, 11, 23, 6, tzinfo=UTC)
LATER = TICK + timedelta(hours=1)
LEASE = timedelta(seconds=30)
LAPSE = LEASE + timedelta(seconds=5)  # the lease, the allowance, and S3's whole seconds
FOLDER = "elections/e/"
LIST = List(FOLDER + "lock_")


class OneBucket:
    """S3's clock and those of all candidates are one, which only a test or a sleep moves."""

    def __init__(self) -> None:
        self.ms = to_ms(TICK)
        self.store = MemoryStore(clock_ms=lambda: self.ms)
        self.slept: list[float] = []
        self._names = itertools.count(1)

    def election(
        self, *, store: Store | None = None, memory: Memory | None = None, **options: Any
    ) -> Election:
        name = f"c{next(self._names)}"
        nonces = itertools.count(1)
        seams = Seams(
            store=self.store if store is None else store,
            clock_ms=lambda: self.ms,
            sleep=self._sleep,
            uniform=lambda _, high: high,
            nonce=lambda: f"{name}.{next(nonces)}",
        )
        facts: dict[str, Any] = {"lease": LEASE, "candidate": name} | options
        return Election._with_seams("e", seams, memory=memory, **facts)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ms += round(seconds * 1000)

    def pass_time(self, time: timedelta) -> None:
        self.ms += time // timedelta(milliseconds=1)

    def body(self, term: int) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.store.body(key(term)))
        return body

    def write(self, term: int, body: bytes) -> None:
        """Write a body that no candidate wrote."""
        self.store.perform(Create(key(term), body))
        self.forget_requests()

    def prove_store(self) -> None:
        """Let a leader end a term, so that later ones need not prove the store (R0)."""
        won(self.election().campaign()).resign("failed")
        self.forget_requests()

    def forget_requests(self) -> None:
        self.store.requests.clear()

    def asked(self) -> list[StoreRequest | tuple[type, int]]:
        """Return the requests since then; writes of locks as (type, term)."""
        return [_short(request) for request in self.store.requests]


class Slow:
    """The same bucket, but requests of type `on` take `ms` to be answered."""

    def __init__(self, bucket: OneBucket, ms: int, on: type[StoreRequest]) -> None:
        self._bucket, self._ms, self._on = bucket, ms, on

    def perform(self, request: StoreRequest) -> StoreAnswer:
        answer = self._bucket.store.perform(request)
        if isinstance(request, self._on):
            self._bucket.ms += self._ms
        return answer


class InterferingStore:
    """The same bucket, but `before` is called before each request."""

    def __init__(self, bucket: OneBucket, before: Callable[[StoreRequest], None]) -> None:
        self._store, self._before = bucket.store, before

    def perform(self, request: StoreRequest) -> StoreAnswer:
        self._before(request)
        return self._store.perform(request)


def won(result: Term | NotElected) -> Term:
    assert isinstance(result, Term), result
    return result


def lost(result: Term | NotElected) -> NotElected:
    assert isinstance(result, NotElected)
    return result


def key(term: int) -> str:
    return f"{FOLDER}lock_{term:010d}.json"


def after(term: int) -> List:
    return List(FOLDER + "lock_", key(term))


def read(term: int) -> Read:
    return Read(key(term))


def tag(term: int) -> Tag:
    return Tag(key(term))


def _short(request: StoreRequest) -> StoreRequest | tuple[type, int]:
    if isinstance(request, Create | Replace):
        return (type(request), json.loads(request.body)["term"])
    return request
