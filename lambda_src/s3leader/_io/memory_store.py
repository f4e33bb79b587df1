"""A store in memory, for tests: as strict as S3, and as treacherous as one tells it to be.

    store = MemoryStore()
    store.script(Fault.ANSWER_LOST, on=Create)          # the next create happens, unheard
    ...
    assert store.requests == [List("elections/"), Create(...), Read(...)]

It keeps nothing beyond the process, so nothing that it elects is safe from another machine.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
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

SUPERSEDED: Final = {"superseded": "true"}
_CONTINUES: Final = "continues after "


class Fault(Enum):
    """What can befall a request. All but `ECHOED` and `REFUSED` are answered with `Unknown`."""

    ANSWER_LOST = auto()
    """It is performed, but the answer does not come back."""
    REQUEST_LOST = auto()
    """It never arrives."""
    LATE = auto()
    """It is under way until `MemoryStore.land()`, and performed then."""
    CONFLICTED = auto()
    """S3 answers 409, as it may between competing writes: nothing is written, ask again."""
    ECHOED = auto()
    """A proxy sends it twice; the answer is that to the second copy."""
    REFUSED = auto()
    """S3 denies access: `BucketUnusable` is raised."""


Which: TypeAlias = "type[StoreRequest] | Callable[[StoreRequest], bool]"


@dataclass(slots=True)
class _Object:
    body: bytes
    modified_ms: int
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        """As S3 makes it: equal bodies have equal ETags."""
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


@dataclass(slots=True)
class _Planned:
    fault: Fault
    on: Which
    skip: int
    times: int

    def strikes(self, request: StoreRequest) -> bool:
        """Tell whether the fault befalls this request, and count it."""
        matches = isinstance(request, self.on) if isinstance(self.on, type) else self.on(request)
        if not matches or self.times == 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


def _any_request(_: StoreRequest) -> bool:
    return True


class MemoryStore:
    """One bucket in memory; every request is one atomic step, from as many threads as you like.

    `clock_ms` (milliseconds since 1970) plays S3's clock, which tells whole seconds only.
    `page_size` is how many keys a `List` answers at most. `ignores` names the kinds of write whose
    condition it ignores, as some servers do: `Create`, `Replace` or both. `requests` is everything
    that was asked, in order, whatever came of it.
    """

    def __init__(
        self,
        *,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        page_size: int = 1000,
        ignores: Collection[type[Create | Replace]] = (),
    ) -> None:
        if page_size < 1:
            raise InvalidArgument(f"page_size must be at least 1, not {page_size}")
        self.requests: list[StoreRequest] = []
        self._clock_ms = clock_ms
        self._page_size = page_size
        self._ignores = tuple(ignores)
        self._objects: dict[str, _Object] = {}
        self._plan: list[_Planned] = []
        self._late: list[StoreRequest] = []
        self._step = threading.RLock()
        self._pid = os.getpid()

    def perform(self, request: StoreRequest) -> StoreAnswer:
        """Perform `request`, unless a scripted fault befalls it."""
        if os.getpid() != self._pid:
            raise InvalidArgument(
                f"this MemoryStore belongs to process {self._pid}, and process {os.getpid()} has"
                f" but a copy of it, which would elect leaders of its own: make one here"
            )
        with self._step:
            self.requests.append(request)
            planned = next((plan for plan in self._plan if plan.strikes(request)), None)
            if planned is None:
                return self._apply(request)
            return self._befallen(planned.fault, request)

    # ------------------------------------------------------------------ for the test to call

    def script(
        self, fault: Fault, *, on: Which = _any_request, nth: int = 1, times: int = 1
    ) -> None:
        """Let `fault` befall the `nth` request from now that `on` matches, and `times` in all.

        `on` is a type of request (`Create`) or a function that picks requests. Faults that are
        scripted first strike first, one a request.
        """
        if nth < 1 or times < 1:
            raise InvalidArgument(f"nth and times count from 1, not {nth} and {times}")
        with self._step:
            self._plan.append(_Planned(fault, on, nth - 1, times))

    def heal(self) -> None:
        """Forget the faults that are scripted and have not struck."""
        with self._step:
            self._plan.clear()

    def land(self) -> tuple[StoreAnswer, ...]:
        """Perform what is under way (`Fault.LATE`), in the order it was sent.

        The answers that nobody hears are returned.
        """
        with self._step:
            late, self._late = self._late, []
            return tuple(self._apply(request) for request in late)

    def keys(self) -> tuple[str, ...]:
        """Return the keys of all objects, in ascending order."""
        with self._step:
            return tuple(sorted(self._objects))

    def body(self, key: str) -> bytes:
        """Return the body of the object at `key`; KeyError if there is none."""
        with self._step:
            return self._objects[key].body

    def tags(self, key: str) -> dict[str, str]:
        """Return the tags of the object at `key`; KeyError if there is none."""
        with self._step:
            return dict(self._objects[key].tags)

    def expire_superseded(self) -> tuple[str, ...]:
        """Do what the bucket's lifecycle rule does: delete all that is tagged; return the keys."""
        with self._step:
            expired = tuple(k for k in self.keys() if self._objects[k].tags == SUPERSEDED)
            for key in expired:
                del self._objects[key]
            return expired

    # ---------------------------------------------------------------------------- inside S3

    def _befallen(self, fault: Fault, request: StoreRequest) -> StoreAnswer:
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
                return Unknown("the request is still under way")
            case Fault.CONFLICTED:
                return Unknown("ConditionalRequestConflict (HTTP 409)")
            case Fault.REFUSED:
                raise refusal(
                    request,
                    bucket="memory",
                    partition="aws",
                    code="AccessDenied",
                    message="as scripted",
                )
            case _:
                assert_never(fault)

    def _apply(self, request: StoreRequest) -> StoreAnswer:
        date_ms = self._clock_ms() // 1000 * 1000
        if isinstance(request, List):
            return self._list(request, date_ms)
        there = self._objects.get(request.key)
        match request:
            case Create() | Replace():
                wanted = request.etag if isinstance(request, Replace) else None
                holds = wanted == (None if there is None else there.etag)
                if holds or isinstance(request, self._ignores):
                    return self._put(request, date_ms)
                return Conflict(date_ms)
            case Read() | Tag() if there is None:
                return Missing(date_ms)
            case Read():
                return Found(there.body, there.etag, date_ms, there.modified_ms)
            case Tag():
                there.tags = dict(SUPERSEDED)
                return Applied("", date_ms)
            case _:
                assert_never(request)

    def _put(self, request: Create | Replace, date_ms: int) -> Applied:
        new = _Object(request.body, modified_ms=date_ms)
        self._objects[request.key] = new
        return Applied(new.etag, date_ms)

    def _list(self, request: List, date_ms: int) -> Listed:
        # Python orders strings by code point, which is the order of their UTF-8 bytes: S3's.
        after = request.start_after if request.token is None else _key_of(request.token)
        matching = [
            key
            for key in self.keys()
            if key.startswith(request.prefix) and (after is None or key > after)
        ]
        page = tuple(matching[: self._page_size])
        if len(matching) == len(page):
            return Listed(page, truncated=False, date_ms=date_ms)
        return Listed(page, truncated=True, date_ms=date_ms, next_token=_CONTINUES + page[-1])


def _key_of(token: str) -> str:
    if not token.startswith(_CONTINUES):
        raise InvalidArgument(f"the continuation token {token!r} is not one that a page gave")
    return token.removeprefix(_CONTINUES)
