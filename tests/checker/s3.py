"""A small linearizable S3, and what must hold of every write to it when it is applied."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import NamedTuple

from s3leader.store import (
    Answer,
    Applied,
    Conflict,
    Create,
    Found,
    List,
    Listed,
    Missing,
    Read,
    Replace,
    StoreRequest,
    Tag,
)


class Fault(Exception):  # noqa: N818 - what the checker looks for
    """A property does not hold; `move` is what was done last."""

    def __init__(self, what: str, move: str = "") -> None:
        super().__init__(what)
        self.move = move


class Thing(NamedTuple):
    """An object in S3."""

    key: str
    body: bytes
    modified_ms: int
    tagged: bool


class Bucket(NamedTuple):
    """All objects, by key, and which tick was completed by which term."""

    things: tuple[Thing, ...] = ()
    completed: frozenset[tuple[str, int]] = frozenset()


def apply(
    bucket: Bucket, request: StoreRequest, now_ms: int, dated_ms: int | None = None
) -> tuple[Bucket, Answer]:
    """Return the bucket after a request, and S3's answer; raise `Fault`."""
    date_ms = (now_ms if dated_ms is None else dated_ms) // 1000 * 1000
    if isinstance(request, List):
        after = request.start_after or ""
        keys = (thing.key for thing in bucket.things if thing.key.startswith(request.prefix))
        listed = tuple(key for key in keys if key > after)
        return bucket, Listed(listed, truncated=False, date_ms=date_ms)
    there = next((thing for thing in bucket.things if thing.key == request.key), None)
    if isinstance(request, Create | Replace):
        return _write(bucket, request, there, now_ms, date_ms)
    if there is None:
        return bucket, Missing(date_ms)
    if isinstance(request, Tag):
        return _put(bucket, there._replace(tagged=True)), Applied("", date_ms)
    return bucket, Found(there.body, etag(there.body), date_ms, there.modified_ms)


def _write(
    bucket: Bucket, write: Create | Replace, there: Thing | None, now_ms: int, date_ms: int
) -> tuple[Bucket, Answer]:
    wanted = write.etag if isinstance(write, Replace) else None
    anything = wanted == "*" and there is not None  # what no rule allows, and a mutant does
    if not anything and (None if there is None else etag(there.body)) != wanted:
        return bucket, Conflict(date_ms)
    thing = Thing(write.key, write.body, now_ms // 1000 * 1000, tagged=False)
    bucket = _check_write(bucket, there, thing)
    return _put(bucket, thing), Applied(etag(thing.body), date_ms)


def _put(bucket: Bucket, thing: Thing) -> Bucket:
    others = [other for other in bucket.things if other.key != thing.key]
    return bucket._replace(things=tuple(sorted([*others, thing])))


@lru_cache(maxsize=100_000)
def etag(body: bytes) -> str:
    """As S3 makes it: the same for the same body."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()[:12]


@lru_cache(maxsize=100_000)
def says(body: bytes) -> dict[str, object]:
    """Return a lock's body as JSON."""
    values: dict[str, object] = json.loads(body)
    return values


def _check_write(bucket: Bucket, before: Thing | None, after: Thing) -> Bucket:
    """Check what must hold of every write to a lock when S3 applies it."""
    lock = says(after.body)
    term, tick = lock["term"], lock["tick"]
    if not isinstance(term, int):
        raise Fault(f"{after.key} has no term")
    if before is not None and says(before.body)["expired"]:
        raise Fault(f"the sealed lock {term} is changed")
    others = {says(thing.body)["term"]: says(thing.body) for thing in bucket.things}
    # A number of old may be created anew below the highest lock; its win is void (R7), and that
    # nobody leads it is checked where somebody takes himself for a leader.
    if before is None and all(isinstance(other, int) and other < term for other in others):
        predecessor = others.get(term - 1)
        if predecessor is not None and not predecessor["expired"]:
            raise Fault(f"lock {term} is created while lock {term - 1} is not sealed")
        done = None if predecessor is None else predecessor["done"]
        if done is not None and (lock["done"] is None or str(lock["done"]) < str(done)):
            raise Fault(f"`done` goes back in lock {term}")
    if lock["outcome"] == "completed" and tick is not None:
        if any(done == tick and by != term for done, by in bucket.completed):
            raise Fault(f"tick {tick} is completed twice, now by term {term}")
        return bucket._replace(completed=bucket.completed | {(str(tick), term)})
    return bucket


def check_disclaimer(bucket: Bucket, name: str, lost: int | None) -> None:
    """Whoever was told that it has no lock has none, and whose term was lost did not end it."""
    for thing in bucket.things:
        lock = says(thing.body)
        if lock["holder"] == name and not lock["expired"]:
            raise Fault(f"{words(thing)} is held by {name}, who knows nothing of it")
        if lock["holder"] == name and lock["term"] == lost and lock["outcome"] == "completed":
            raise Fault(f"{words(thing)} was completed by {name}, who knows nothing of it")


def delete(bucket: Bucket, thing: Thing) -> Bucket:
    """Do what the lifecycle rule does to a thing that is tagged; never to the highest (R6)."""
    if thing.key == max(other.key for other in bucket.things):
        raise Fault(f"the highest lock, {words(thing)}, is deleted")
    return bucket._replace(things=tuple(other for other in bucket.things if other is not thing))


def words(what: StoreRequest | Answer | Thing) -> str:
    """Return a few words for a story."""
    if isinstance(what, Thing):
        return _short(what.key)
    if isinstance(what, Create | Replace):
        state = says(what.body)
        kind = "create" if isinstance(what, Create) else "replace"
        how = f"sealed, {state['outcome']}" if state["expired"] else "held"
        return f"{kind} {_short(what.key)} ({how})"
    if isinstance(what, Read | Tag):
        return f"{type(what).__name__.lower()} {_short(what.key)}"
    if isinstance(what, Listed):
        return f"finds {len(what.keys)}"
    return type(what).__name__.lower()


def _short(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(".json").replace("lock_000000000", "lock ")
