"""What a check is, and the store that it runs on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from s3leader._core.requests import (
    Applied,
    Create,
    Found,
    List,
    Listed,
    Read,
    Replace,
    Store,
    StoreAnswer,
    StoreRequest,
    Tag,
    Unknown,
    describe_request,
)
from s3leader.errors import BucketUnusable

if TYPE_CHECKING:
    from .racers import Racers

_TRIES: Final = 3


class CheckFailed(Exception):  # noqa: N818 - a result
    """The store does not do what the check demands; the message says what it does."""


class NotChecked(Exception):  # noqa: N818 - a result
    """The check could not be carried out; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is tried: `rounds` of each race, `increments` of a counter by each writer.

    `terms` are led by each process, `samples` taken of each kind of request, `connections` made to
    compare clocks; with `pages`, a list of more than one page is written. The writers are
    `threads` in each of the `processes`. After `race_s`, no further round of a race begins.
    """

    rounds: int
    increments: int
    terms: int
    samples: int
    connections: int
    pages: bool
    processes: int
    threads: int
    race_s: float

    @property
    def writers(self) -> int:
        """How many write at once."""
        return self.processes * self.threads


FULL: Final = Scale(
    rounds=50, increments=5, terms=5, samples=100, connections=20, pages=True, processes=6,
    threads=3, race_s=60.0,
)  # fmt: skip
QUICK: Final = Scale(
    rounds=10, increments=3, terms=2, samples=20, connections=6, pages=False, processes=3,
    threads=2, race_s=20.0,
)  # fmt: skip


class Extras(Protocol):
    """What a store is asked beyond the requests of an election."""

    def tags(self, key: str) -> Mapping[str, str]:
        """Return the tags of an object."""
        ...

    def refusal(self, key: str, **condition: str) -> str:
        """Return how a PUT with a condition that does not hold is refused: `412 Code`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A store under examination, and a folder of keys in it that nobody else uses.

    `store` takes the time of this machine where an answer has no `Date`, `dated` does not.
    `connect` returns the same store through another client. `racers` write to it concurrently.
    """

    store: Store
    dated: Store
    connect: Callable[[], Store]
    folder: str
    racers: Racers
    scale: Scale
    extras: Extras | None = None
    sleep: Callable[[float], None] = field(default=time.sleep)

    def at(self, name: str) -> Subject:
        """Return the subject in a folder of its own."""
        return replace(self, folder=f"{self.folder}{name}/")

    def key(self, name: str = "lock_0000000001.json") -> str:
        """Return a key in the folder."""
        return self.folder + name

    def ask(self, request: StoreRequest) -> StoreAnswer:
        """Return the answer to a request, which is sent again if there is none.

        A write is not sent again: what it did is unknown then.
        """
        answer = self.store.perform(request)
        tries = 1
        while isinstance(answer, Unknown) and not isinstance(request, Create | Replace):
            if tries == _TRIES:
                break
            answer = self.store.perform(request)
            tries += 1
        if isinstance(answer, Unknown):
            raise NotChecked(f"no answer to a {describe_request(request)}: {answer.cause}")
        return answer

    def write(self, request: Create | Replace) -> str:
        """Return the ETag of a write that must be applied."""
        answer = self.ask(request)
        if not isinstance(answer, Applied):
            raise CheckFailed(f"a {_kind(request)} whose condition holds was refused")
        return answer.etag

    def refuse(self, request: Create | Replace) -> None:
        """Send a write that must be refused."""
        if isinstance(self.ask(request), Applied):
            raise CheckFailed(f"a {_kind(request)} whose condition does not hold was applied")

    def read(self, key: str) -> Found:
        """Return an object that must exist."""
        return found(self.ask(Read(key)), key)

    def list(self, request: List) -> Listed:
        """Return one page."""
        answer = self.ask(request)
        assert isinstance(answer, Listed)  # noqa: S101 - narrows: a list has no other answer
        return answer

    def expect(self, key: str, body: bytes, etag: str) -> None:
        """Fail unless the object has this body and ETag."""
        there = self.read(key)
        if there.body != body:
            raise CheckFailed(f"{_short(there.body)} was read where {_short(body)} was written")
        if there.etag != etag:
            raise CheckFailed(f"the ETag {there.etag} was read where {etag} was answered")


def found(answer: StoreAnswer, key: str) -> Found:
    """Return the answer to a read of an object that must exist."""
    if not isinstance(answer, Found):
        raise CheckFailed(f"{key.rpartition('/')[2]} was written and is {type(answer).__name__}")
    return answer


@dataclass(frozen=True, kw_only=True)
class Costs:
    """How many requests a check sends, about: PUTs and LISTs (`writes`), and GETs (`reads`)."""

    writes: int
    reads: int


@dataclass(frozen=True, kw_only=True)
class Check:
    """One property that elections need of a store.

    `run` returns what it saw, in a few words, or raises `CheckFailed` or `NotChecked`. `rules` are
    those of the protocol that rest on the property. `if_missing` says what it means for elections
    that a store has it not; if `fatal`, the store cannot hold them. A check for the full scale
    alone is not `quick`.
    """

    name: str
    group: str
    statement: str
    rules: str
    if_missing: str
    run: Callable[[Subject], str]
    fatal: bool = True
    quick: bool = True
    costs: Callable[[Scale, int], Costs] = lambda *_: Costs(writes=4, reads=4)


def describe_refusal(error: BucketUnusable) -> str:
    """Return what the store did, without the advice that follows."""
    what = str(error).partition(". ")[0].partition("; ")[0]
    return what if error.code in what else f"{error.code}: {what}"


def _kind(request: StoreRequest) -> str:
    return {Create: "create", Replace: "compare-and-swap", Tag: "tag"}.get(
        type(request), type(request).__name__
    )


def _short(body: bytes) -> str:
    return repr(body) if len(body) <= 20 else f"{len(body)} bytes"
