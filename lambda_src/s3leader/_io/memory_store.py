"""An S3 bucket in memory, for tests: the same conditions, ETags, pages and clock as S3, and faults
on request.

    store = MemoryStore()
    store.script(Fault.ANSWER_LOST, on=Create)  # the next create is applied, its answer is lost
    ...
    assert store.requests == [List("elections/"), Create(...), Read(...)]

Only threads of one process can share it. It is not for elections between processes.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

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
    Unknown,
)
from s3leader.errors import InvalidArgument

from .s3_refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    Observer: TypeAlias = Callable[[StoreRequest, StoreAnswer], None]

SUPERSEDED: Final = {"superseded": "true"}
_CONTINUES: Final = "continues after "


class Fault(Enum):
    """A fault that a request can meet. All but `ECHOED` and `REFUSED` are answered `Unknown`."""

    ANSWER_LOST = auto()
    """The request is performed, and its answer is lost."""
    REQUEST_LOST = auto()
    """The request never arrives."""
    LATE = auto()
    """The request is in flight until `MemoryStore.deliver_late()` performs it."""
    CONFLICTED = auto()
    """S3 answers 409, as it may between competing writes: nothing is written."""
    ECHOED = auto()
    """A proxy sends the request twice; the answer is that to the second copy."""
    REFUSED = auto()
    """S3 denies access: `BucketUnusable` is raised."""


Which: TypeAlias = "type[StoreRequest] | Callable[[StoreRequest], bool]"


@dataclass(slots=True)
class _Object:
    body: bytes
    modified_ms: int
    tags: dict[str, str] = field(default_factory=dict)
    etag: str = field(init=False)

    def __post_init__(self) -> None:
        # As S3 makes it: equal bodies have equal ETags.
        self.etag = f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


@dataclass(slots=True)
class _ScriptedFault:
    fault: Fault
    on: Which
    skip: int
    times: int

    def applies_to(self, request: StoreRequest) -> bool:
        """Whether `request` meets this fault. Counts the request."""
        matches = isinstance(request, self.on) if isinstance(self.on, type) else self.on(request)
        if not matches or self.times == 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class MemoryStore:
    """One bucket in memory. Each request is one atomic step; any number of threads may send them.

    `clock_ms` (milliseconds since 1970) is S3's clock; answers carry it in whole seconds. It is
    read once for each `Date` and once for each `Last-Modified`, so a callable that returns a
    different time at each call makes front ends whose clocks differ. `page_size` is the largest
    number of keys in one `Listed`. `ignores` names the kinds of write whose condition this store
    ignores, as some servers do: `Create`, `Replace` or both. `observer` is called with each request
    that the bucket performs and its answer, in order, even if the client loses the answer.

    `requests` holds all requests that clients sent, in order, including those that met a fault.
    """

    def __init__(
        self,
        *,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        page_size: int = 1000,
        ignores: Collection[type[Create | Replace]] = (),
        observer: Observer | None = None,
    ) -> None:
        if page_size < 1:
            raise InvalidArgument(f"page_size must be at least 1, got {page_size}")
        self.requests: list[StoreRequest] = []
        self._clock_ms = clock_ms
        self._page_size = page_size
        self._ignores = tuple(ignores)
        self._observer = observer
        self._objects: dict[str, _Object] = {}
        self._sorted_keys: list[str] = []
        self._scripted: list[_ScriptedFault] = []
        self._late: list[StoreRequest] = []
        self._step = threading.RLock()
        self._pid = os.getpid()

    def perform(self, request: StoreRequest) -> StoreAnswer:
        """Perform `request`, unless it meets a scripted fault."""
        if os.getpid() != self._pid:
            raise InvalidArgument(
                f"this MemoryStore belongs to process {self._pid}; process {os.getpid()} has only a"
                f" copy, which would elect leaders of its own. Create a MemoryStore in each process"
            )
        with self._step:
            self.requests.append(request)
            scripted = next((one for one in self._scripted if one.applies_to(request)), None)
            if scripted is None:
                return self._apply(request)
            return self._apply_with(scripted.fault, request)

    def script(
        self, fault: Fault, *, on: Which = lambda _: True, nth: int = 1, times: int = 1
    ) -> None:
        """Let the `nth` request from now that matches `on` meet `fault`, and so on `times` times.

        `on` is a type of request (`Create`) or a predicate. A request meets one fault at most:
        the one that was scripted first.
        """
        if nth < 1 or times < 1:
            raise InvalidArgument(f"nth and times must be at least 1, got {nth} and {times}")
        with self._step:
            self._scripted.append(_ScriptedFault(fault, on, nth - 1, times))

    def deliver_late(self) -> tuple[StoreAnswer, ...]:
        """Perform the requests in flight (`Fault.LATE`), in the order in which they were sent.

        Return their answers, which no client receives.
        """
        with self._step:
            late, self._late = self._late, []
            return tuple(self._apply(request) for request in late)

    def keys(self) -> tuple[str, ...]:
        """Return the keys of all objects, in ascending order."""
        with self._step:
            return tuple(self._sorted_keys)

    def body(self, key: str) -> bytes:
        """Return the body of the object at `key`; KeyError if there is none."""
        with self._step:
            return self._objects[key].body

    def tags(self, key: str) -> dict[str, str]:
        """Return the tags of the object at `key`; KeyError if there is none."""
        with self._step:
            return dict(self._objects[key].tags)

    def put(self, key: str, body: bytes) -> None:
        """Write without a condition, as a program outside the protocol might.

        The write is not recorded in `requests`, and the observer is not called.
        """
        with self._step:
            self._put(key, body)

    def delete(self, key: str) -> None:
        """Delete the object at `key`, as a lifecycle rule does; KeyError if there is none."""
        with self._step:
            del self._objects[key]
            self._sorted_keys.remove(key)

    def expire_superseded(self) -> tuple[str, ...]:
        """Delete all tagged objects, as the bucket's lifecycle rule does; return their keys."""
        with self._step:
            expired = tuple(k for k in self.keys() if self._objects[k].tags == SUPERSEDED)
            for key in expired:
                self.delete(key)
            return expired

    def _apply_with(self, fault: Fault, request: StoreRequest) -> StoreAnswer:
        match fault:
            case Fault.ANSWER_LOST:
                self._apply(request)
                return Unknown("the answer was lost")
            case Fault.ECHOED:
                self._apply(request)
                return self._apply(request)
            case Fault.REQUEST_LOST:
                return Unknown("the request was lost")
            case Fault.LATE:
                self._late.append(request)
                return Unknown("the request is in flight")
            case Fault.CONFLICTED:
                return Unknown("ConditionalRequestConflict (HTTP 409)")
            case Fault.REFUSED:
                code, message = "AccessDenied", "a scripted fault"
                raise refusal(request, bucket="memory", partition="aws", code=code, message=message)
            case _:
                assert_never(fault)

    def _apply(self, request: StoreRequest) -> StoreAnswer:
        answer = self._answer(request)
        if self._observer is not None:
            self._observer(request, answer)
        return answer

    def _answer(self, request: StoreRequest) -> StoreAnswer:
        if isinstance(request, List):
            return self._list(request, self._now_ms())
        found = self._objects.get(request.key)
        match request:
            case Create() | Replace():
                expected = request.etag if isinstance(request, Replace) else None
                matches = expected == (None if found is None else found.etag)
                if matches or isinstance(request, self._ignores):
                    etag = self._put(request.key, request.body)
                    return Applied(etag, self._now_ms())
                return Conflict(self._now_ms())
            case Read() | Tag() if found is None:
                return Missing(self._now_ms())
            case Read():
                return Found(found.body, found.etag, self._now_ms(), found.modified_ms)
            case Tag():
                found.tags = dict(SUPERSEDED)
                return Applied("", self._now_ms())
            case _:
                assert_never(request)

    def _now_ms(self) -> int:
        return self._clock_ms() // 1000 * 1000

    def _put(self, key: str, body: bytes) -> str:
        if key not in self._objects:
            insort(self._sorted_keys, key)
        written = self._objects[key] = _Object(body, modified_ms=self._now_ms())
        return written.etag

    def _list(self, request: List, date_ms: int) -> Listed:
        # Python orders strings by code point, which is the order of their UTF-8 bytes: S3's.
        keys, first = self._sorted_keys, bisect_left(self._sorted_keys, request.prefix)
        token = request.token
        after = request.start_after if token is None else token.removeprefix(_CONTINUES)
        if after is not None:
            first = max(first, bisect_right(keys, after))
        window = keys[first : first + self._page_size + 1]
        matching = tuple(key for key in window if key.startswith(request.prefix))
        page = matching[: self._page_size]
        if page == matching:
            return Listed(page, truncated=False, date_ms=date_ms)
        return Listed(page, truncated=True, date_ms=date_ms, next_token=_CONTINUES + page[-1])
