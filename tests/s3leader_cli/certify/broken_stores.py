"""Stores with one fault each, by which every check of `certify` can fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from s3leader._core.lock import MAX_BODY
from s3leader._core.requests import (
    Applied,
    Conflict,
    Create,
    Found,
    List,
    Listed,
    Read,
    Replace,
    StoreAnswer,
    StoreRequest,
    Tag,
    Unknown,
)
from s3leader.testing import MemoryStore


@dataclass
class Extras:
    """What a server is asked beyond elections; by default it answers as S3 does."""

    kept: dict[str, str] = field(default_factory=lambda: {"superseded": "true"})
    codes: list[str] = field(default_factory=lambda: ["412 PreconditionFailed"] * 3)

    def tags(self, key: str) -> Mapping[str, str]:
        return self.kept

    def refusal(self, key: str, **condition: str) -> str:
        return self.codes.pop(0)


class Broken:
    """A memory store whose requests and answers are changed on their way."""

    def __init__(
        self,
        answers: Callable[[StoreRequest, StoreAnswer], StoreAnswer] = lambda _, answer: answer,
        requests: Callable[[StoreRequest], StoreRequest] = lambda request: request,
        store: MemoryStore | None = None,
    ) -> None:
        self.store = store or MemoryStore()
        self._answers = answers
        self._requests = requests

    def perform(self, request: StoreRequest) -> StoreAnswer:
        return self._answers(request, self.store.perform(self._requests(request)))


class Racy:
    """Checks a condition, waits until another write has done so too, and then writes."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self._second = threading.Barrier(2)

    def perform(self, request: StoreRequest) -> StoreAnswer:
        if not isinstance(request, Create | Replace):
            return self.store.perform(request)
        found = self.store.perform(Read(request.key))
        expected = request.etag if isinstance(request, Replace) else None
        if expected != (found.etag if isinstance(found, Found) else None):
            return Conflict(0)
        with suppress(threading.BrokenBarrierError):
            self._second.wait(0.2)
        if self._second.broken:
            self._second.reset()
        self.store.put(request.key, request.body)
        found = self.store.perform(Read(request.key))
        return Applied(found.etag, found.date_ms) if isinstance(found, Found) else Unknown("")


class LateLists:
    """Lists do not show the latest create."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self._latest = ""

    def perform(self, request: StoreRequest) -> StoreAnswer:
        if isinstance(request, Create):
            self._latest = request.key
        answer = self.store.perform(request)
        if not isinstance(answer, Listed):
            return answer
        return replace(answer, keys=tuple(key for key in answer.keys if key != self._latest))


class StaleReads:
    """Reads show the version before the last."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self._before: dict[str, StoreAnswer] = {}

    def perform(self, request: StoreRequest) -> StoreAnswer:
        if isinstance(request, Replace):
            self._before[request.key] = self.store.perform(Read(request.key))
        if isinstance(request, Read):
            return self._before.get(request.key, self.store.perform(request))
        return self.store.perform(request)


def found_as(change: Callable[[Found], StoreAnswer]) -> Broken:
    """Return a store whose reads are changed."""
    return Broken(lambda _, answer: change(answer) if isinstance(answer, Found) else answer)


def listed_as(change: Callable[[Listed], Listed]) -> Broken:
    """Return a store whose lists are changed."""
    return Broken(lambda _, answer: change(answer) if isinstance(answer, Listed) else answer)


def lists_asked_as(change: Callable[[List], List]) -> Broken:
    """Return a store that is asked for other lists."""
    return Broken(requests=lambda one: change(one) if isinstance(one, List) else one)


def keys_as(change: Callable[[str], str]) -> Broken:
    """Return a store that changes the keys of objects."""
    return Broken(
        requests=lambda one: one if isinstance(one, List) else replace(one, key=change(one.key))
    )


def answering(kind: type[StoreRequest], answer: StoreAnswer) -> Broken:
    """Return a store with one answer to all requests of a kind."""
    return Broken(lambda one, proper: answer if isinstance(one, kind) else proper)


def undated() -> Broken:
    return Broken(lambda *_: Unknown("the answer is incomplete: it has no Date header"))


def retagging() -> Broken:
    """Return a store that writes the object when it is tagged."""
    store = MemoryStore()

    def write(request: StoreRequest, answer: StoreAnswer) -> StoreAnswer:
        if isinstance(request, Tag):
            store.put(request.key, b"tagged")
        return answer

    return Broken(write, store=store)


def jumping() -> MemoryStore:
    """Return a store whose clock is a minute on at each look."""
    minutes = iter(range(10**6))
    return MemoryStore(clock_ms=lambda: next(minutes) * 60_000)


def last_segment(key: str) -> str:
    return key.rpartition("/")[2]


def quoted(page: Listed) -> Listed:
    return replace(page, keys=tuple(quote(key) for key in page.keys))


def shortened(found: Found) -> Found:
    return replace(found, body=found.body[: MAX_BODY - 1])


def low_token(found: Found) -> Found:
    return replace(found, body=found.body.replace(b'"fencing_token":4', b'"fencing_token":3'))


def whole(page: Listed) -> Listed:
    return replace(page, truncated=False, next_token=None)
