"""A small linearizable S3 as a value, with the variants of it that a candidate may meet.

The model checker branches at every state and hashes it, so its bucket must be immutable: each
request returns a new one. `MemoryStore` is mutable and cannot serve here. `ModelStore` makes this
one a store, which passes the same contract suite (`tests/contract`).
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from s3leader._core.lock import parse_lock_name
from s3leader._core.requests import (
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
    StoreAnswer,
    StoreRequest,
    Tag,
    Waited,
)
from s3leader._core.times import parse_time, to_ms
from s3leader.errors import BucketUnusable

from .fenced_rules import fault_of_write

DENIED: Final = BucketUnusable("denied", action="", resource="", code="AccessDenied")
FENCED: Final = "fenced.json"


class Violation(Exception):  # noqa: N818 - what the checker looks for
    """An invariant does not hold; `transition` is what was done last."""

    def __init__(self, what: str, transition: str = "") -> None:
        super().__init__(what)
        self.transition = transition


class S3Object(NamedTuple):
    """An object in S3. `writes` counts the writes to it, where ETags depend on them."""

    key: str
    body: bytes
    modified_ms: int
    tagged: bool
    writes: int = 0


class Bucket(NamedTuple):
    """All objects, by key, which tick was completed by which term, and all that was written to the
    fenced object, in order.
    """

    objects: tuple[S3Object, ...] = ()
    completed: frozenset[tuple[str, int]] = frozenset()
    fenced: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How an S3 answers. As it is, it keeps every condition and lists a thousand keys a page.

    With `empty_pages` each list begins with a page that holds nothing and goes on.
    `ignores` are the conditional writes that are applied whatever is there: `Create` stands for
    `If-None-Match`, `Replace` for `If-Match`. `refuses` one that answers 412 to every `If-Match`,
    also under the ETag that it shows. `denies` is what is answered 403: to `Read` the hint, or to
    `Tag`. `fresh_etags` gives each write an ETag of its own, as
    SSE-KMS does, also where the body is the same. With `checks` each write is held against the
    invariants of locks and of the fenced object.
    """

    page_size: int = 1000
    empty_pages: bool = False
    ignores: frozenset[type[Create | Replace]] = frozenset()
    refuses: bool = False
    denies: frozenset[type[Read | Tag]] = frozenset()
    fresh_etags: bool = False
    checks: bool = True

    def apply(
        self, bucket: Bucket, request: StoreRequest, now_ms: int, dated_ms: int | None = None
    ) -> tuple[Bucket, Answer | BucketUnusable]:
        """Return the bucket after a request, and the answer; raise `Violation`."""
        date_ms = (now_ms if dated_ms is None else dated_ms) // 1000 * 1000
        if isinstance(request, List):
            return bucket, self._listed(bucket, request, date_ms)
        if type(request) in self.denies and ("hint" in request.key or isinstance(request, Tag)):
            return bucket, DENIED
        there = find_object(bucket, request.key)
        if isinstance(request, Create | Replace):
            return self._write(bucket, request, there, now_ms, date_ms)
        if there is None:
            return bucket, Missing(date_ms)
        if isinstance(request, Tag):
            return _put(bucket, there._replace(tagged=True)), Applied("", date_ms)
        return bucket, Found(there.body, etag(there), date_ms, there.modified_ms)

    def _listed(self, bucket: Bucket, request: List, date_ms: int) -> Listed:
        after = (request.start_after or "") if request.token is None else request.token[1:]
        keys = (item.key for item in bucket.objects if item.key.startswith(request.prefix))
        left = tuple(key for key in keys if key > after)
        page = left[: self.page_size]
        if self.empty_pages and request.token is None:
            return Listed((), truncated=True, date_ms=date_ms, next_token=f">{after}")
        if len(left) == len(page):
            return Listed(page, truncated=False, date_ms=date_ms)
        return Listed(page, truncated=True, date_ms=date_ms, next_token=f">{page[-1]}")

    def _write(
        self,
        bucket: Bucket,
        write: Create | Replace,
        there: S3Object | None,
        now_ms: int,
        date_ms: int,
    ) -> tuple[Bucket, Answer]:
        if type(write) not in self.ignores and not self._condition_holds(write, there):
            return bucket, Conflict(date_ms)
        writes = 1 + (there.writes if there else 0) if self.fresh_etags else 0
        item = S3Object(write.key, write.body, now_ms // 1000 * 1000, False, writes)
        if self.checks and not self.ignores and _term(write.key) is not None:
            bucket = _check_write(bucket, there, item, now_ms)
        if self.checks and write.key == FENCED:
            bucket = _check_fenced_write(bucket, item.body)
        return _put(bucket, item), Applied(etag(item), date_ms)

    def _condition_holds(self, write: Create | Replace, there: S3Object | None) -> bool:
        if isinstance(write, Create) or there is None:
            return isinstance(write, Create) and there is None
        # "*" is what no rule allows, and a mutant does.
        return not self.refuses and write.etag in {"*", etag(there)}


class ModelStore:
    """This S3 as a store with a present bucket and the machine's clock, for the contract suite."""

    def __init__(self) -> None:
        self._service, self._bucket = Service(checks=False), Bucket()
        self._step = threading.Lock()

    def perform(self, request: StoreRequest) -> StoreAnswer:
        with self._step:
            now_ms = time.time_ns() // 1_000_000
            self._bucket, answer = self._service.apply(self._bucket, request, now_ms)
        assert not isinstance(answer, BucketUnusable | Waited)
        return answer


def find_object(bucket: Bucket, key: str) -> S3Object | None:
    """Return the object at `key`, None if there is none."""
    return next((item for item in bucket.objects if item.key == key), None)


def _put(bucket: Bucket, item: S3Object) -> Bucket:
    others = [other for other in bucket.objects if other.key != item.key]
    return bucket._replace(objects=tuple(sorted([*others, item])))


def etag(item: S3Object) -> str:
    """As S3 makes it: the same for the same body, unless `writes` tell them apart."""
    return _hash(item.body + b"#%d" % item.writes if item.writes else item.body)


@lru_cache(maxsize=100_000)
def _hash(text: bytes) -> str:
    return f'"{hashlib.md5(text, usedforsecurity=False).hexdigest()[:12]}"'


@lru_cache(maxsize=100_000)
def lock_fields(body: bytes) -> dict[str, Any]:
    """Return a lock's body as JSON; nothing for a corrupt one."""
    try:
        values = json.loads(body)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def writer(body: bytes) -> str:
    """Return who wrote a body last, by its nonce."""
    return str(lock_fields(body).get("nonce")).partition("#")[0]


def _check_write(bucket: Bucket, before: S3Object | None, after: S3Object, now_ms: int) -> Bucket:
    """Check what must hold of every write to a lock when S3 applies it."""
    lock = lock_fields(after.body)
    term, tick = lock["term"], lock["tick"]
    if not isinstance(term, int):
        raise Violation(f"{after.key} has no term")
    _check_replaced(before, lock)
    locks = {_term(item.key): lock_fields(item.body) for item in bucket.objects}
    numbers = [number for number in locks if number is not None]
    predecessor = locks.get(term - 1)
    # An old number may be created again below the highest lock; its win is void (R7). That nobody
    # leads it is checked where a candidate takes itself for the leader.
    highest = before is None and all(number < term for number in numbers)
    if highest and predecessor is not None and not predecessor.get("expired"):
        raise Violation(f"lock {term} is created while lock {term - 1} is not sealed")
    if highest and predecessor is not None:
        _check_continued(term, predecessor, lock, now_ms)
    if lock["outcome"] == "resigned" and (predecessor or {}).get("outcome") == "continued":
        raise Violation(f"the rest of tick {tick} is buried by the void win of term {term}")
    if term >= max(numbers, default=0) and predecessor is not None:
        done = predecessor.get("done")
        if done is not None and (lock["done"] is None or str(lock["done"]) < str(done)):
            raise Violation(f"`done` goes back in lock {term}")
    if lock["outcome"] == "completed" and tick is not None and not lock["repeat"]:
        if any(done == tick and by != term for done, by in bucket.completed):
            raise Violation(f"tick {tick} is completed twice, now by term {term}")
        return bucket._replace(completed=bucket.completed | {(str(tick), term)})
    return bucket


def _check_continued(
    term: int, before: dict[str, object], lock: dict[str, object], now_ms: int
) -> None:
    """R10: a continued tick keeps its lease, its attempt and the number of its leg."""
    tick, continued = before.get("tick"), before.get("outcome") == "continued"
    if tick is None or (continued and tick != lock["tick"]):
        ended_ms = to_ms(parse_time(before["ended_at"])) if continued else 0
        if continued and now_ms - ended_ms < int(str(before["lease_ms"])):
            raise Violation(f"the rest of tick {tick} is buried by term {term}")
    elif tick == lock["tick"] and (continued or before["outcome"] in {"failed", "deposed"}):
        if lock["leg"] != int(str(before.get("leg", 1))) + continued and not lock["repeat"]:
            raise Violation(f"term {term} of tick {tick} is leg {lock['leg']}")
        if continued and lock["attempt"] != before["attempt"]:
            raise Violation(f"leg {lock['leg']} of tick {tick} is attempt {lock['attempt']}")


def _check_replaced(before: S3Object | None, lock: dict[str, object]) -> None:
    if before is None:
        return
    term, there = lock["term"], lock_fields(before.body)
    if there.get("expired"):
        raise Violation(f"the sealed lock {term} is changed")
    if "expired" not in there and not (lock["outcome"] == "deposed" and "corrupt_body" in lock):
        raise Violation(f"the corrupt lock {term} is overwritten")


def _check_fenced_write(bucket: Bucket, body: bytes) -> Bucket:
    there, earlier = find_object(bucket, FENCED), [lock_fields(one) for one in bucket.fenced]
    before, after = lock_fields(there.body) if there else {}, lock_fields(body)
    if fault := fault_of_write(before, after, earlier, lambda key: bool(find_object(bucket, key))):
        raise Violation(fault)
    return bucket._replace(fenced=(*bucket.fenced, body))


def delete(bucket: Bucket, item: S3Object) -> Bucket:
    """Do what the lifecycle rule does to a thing that is tagged; never to the highest (R6)."""
    locks = (other.key for other in bucket.objects if _term(other.key))
    if item.key == max(locks):
        raise Violation(f"the highest lock, {describe(item)}, is deleted")
    return bucket._replace(objects=tuple(other for other in bucket.objects if other is not item))


def describe(what: StoreRequest | Answer | BucketUnusable | S3Object) -> str:
    """Return a short description for a trace."""
    if isinstance(what, S3Object):
        return _short(what.key)
    if isinstance(what, Create | Replace):
        state = lock_fields(what.body)
        kind = "create" if isinstance(what, Create) else "replace"
        if "expired" not in state:
            return f"{kind} {_short(what.key)}"
        how = f"sealed, {state['outcome']}" if state["expired"] else "held"
        return f"{kind} {_short(what.key)} ({how})"
    if isinstance(what, Read | Tag):
        return f"{type(what).__name__.lower()} {_short(what.key)}"
    if isinstance(what, Listed):
        return f"finds {len(what.keys)}{' and there are more' if what.truncated else ''}"
    return type(what).__name__.lower()


def _term(key: str) -> int | None:
    return parse_lock_name(key.rpartition("/")[2])


def _short(key: str) -> str:
    term = _term(key)
    return key.rpartition("/")[2] if term is None else f"lock {term}"
