"""A data bucket in memory with producers, terms that compact it, and its invariants."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from compaction import (
    Committed,
    InputsWithheld,
    Limits,
    Summary,
    committed,
    compact,
    lines,
    records,
)
from compaction.layout import batch_of
from compaction.lines import Content, sort_lines
from compaction.manifest import Manifest
from s3leader import LeadershipLost, S3LeaderError
from s3leader._io.driver import Driver
from s3leader._io.memory_store import MemoryStore
from s3leader._io.s3_store import S3Store
from s3leader.fencing import FencedObject
from s3leader.testing import FakeClock, fenced_object
from tests.compaction.fake_s3 import WRITES, FakeS3, Perform

if TYPE_CHECKING:
    from s3leader import Term

BUCKET = "data"
SMALL = Limits(batch_objects=3, readers=1, manifest_parts=2)


class Crashed(BaseException):
    """The process has crashed: nothing catches this."""


# How a term with a fault may end; any other exception is a bug of the job.
ENDS = (Crashed, S3LeaderError, BotoCoreError, ClientError, InputsWithheld)


class FakeTerm:
    """A term that is held until the test sets `held` to false; its time passes by sleeping only."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.clock = FakeClock()
        self._driver = Driver(
            store=MemoryStore(), clock_ms=self.clock.read_ms, sleep=self.clock.sleep
        )
        self.held = True
        self.state: Mapping[str, Any] = {}
        self.saved: list[Mapping[str, Any]] = []

    def ensure_held(self) -> None:
        if not self.held:
            raise LeadershipLost(term=self.number, why="the test says so")

    def remaining(self) -> timedelta:
        return timedelta(seconds=30)

    def save(self, state: Mapping[str, Any]) -> None:
        self.ensure_held()
        self.state = json.loads(json.dumps(state))
        self.saved.append(self.state)

    def led(self) -> Term:
        return cast("Term", self)


class World:
    """`good` are the lines to commit, `bad` the key and number of each line to reject."""

    def __init__(self, *, page_size: int = 1000, limits: Limits = SMALL) -> None:
        self.s3 = FakeS3(page_size=page_size)
        self.limits = limits
        self.terms = 0
        self.good: Counter[bytes] = Counter()
        self.bad: Counter[tuple[str, int]] = Counter()

    def produce(self, name: str, texts: Iterable[bytes], *, packed: bool = False) -> str:
        """Put an object with these lines; those that begin with an X are malformed."""
        key = f"events/{name}"
        assert key not in self.s3.list_keys(), "names are unique"
        all_lines = list(texts)
        body = b"\n".join(all_lines)
        for number, line in enumerate(all_lines, 1):
            if line.startswith(b"X"):
                self.bad[key, number] += 1
            elif line.strip():
                self.good[line] += 1
        self.s3.put(key, gzip.compress(body) if packed else body)
        return key

    def produce_some(self, count: int, *, start: int = 0) -> None:
        """Put `count` objects: plain and gzip, some lines malformed, one object broken."""
        for at in range(start, start + count):
            texts = [b'{"at": %d, "line": %d}' % (at, line) for line in range(3)]
            self.produce(f"{at:04}", [*texts, b"X%d" % at], packed=at % 2 == 1)
        broken = f"events/{start:04}-broken.gz"
        self.s3.put(broken, gzip.compress(b"{}\n" * 9)[:-4])
        self.bad[broken, 0] += 1

    def document(self) -> FencedObject:
        store = S3Store(BUCKET, client=self.s3.client())
        return fenced_object("compacted/manifest.json", store=store, clock=FakeClock())

    def lead(
        self, term: FakeTerm | None = None, *, should_stop: Callable[[], bool] = lambda: False
    ) -> Summary:
        """Compact in the next term, or in the one given."""
        if term is None:
            self.terms += 1
            term = FakeTerm(self.terms)
        return compact(
            term.led(),
            BUCKET,
            client=self.s3.client(),
            manifest=self.document(),
            limits=self.limits,
            should_stop=should_stop,
        )

    def fail_to_lead(
        self, term: FakeTerm | None = None, *, should_stop: Callable[[], bool] = lambda: False
    ) -> Summary:
        """Lead a term that ends with some inputs withheld or not deleted."""
        with pytest.raises(InputsWithheld) as caught:
            self.lead(term, should_stop=should_stop)
        return caught.value.summary

    def lead_with(
        self,
        fault: Callable[[str, Perform], Any],
        nth: int,
        *,
        counts: Collection[str] = WRITES,
        term: FakeTerm | None = None,
    ) -> bool:
        """Lead a term with a fault at its `nth` request of those in `counts`, from 0.

        Return whether it has so many requests.
        """
        at = At(self.s3, nth, fault, counts=counts)
        with contextlib.suppress(*ENDS):
            self.lead(term)
        self.s3.hook = None
        return at.injected

    def recover(self) -> list[str]:
        """Lead terms, at first while S3 refuses deletions; return the violations of invariants.

        Of the last two terms, the second sweeps what arrived late in the first.
        """
        differences: Counter[bytes] = Counter()
        if self.s3.undeletable:
            self.fail_to_lead()
            good = self.committed()
            differences = (good - self.good) + (self.good - good)
            self.s3.undeletable.clear()
        self.lead()
        self.lead()
        return [*(f"while deletions fail: {line!r}" for line in differences), *self.faults()]

    def entries(self) -> Committed:
        """Return what a reader of the manifest sees."""
        return committed(self.s3.client(), BUCKET, manifest=self.document())

    def manifest(self) -> Manifest:
        """Return the manifest as it is stored."""
        snapshot = self.document().read()
        assert snapshot is not None
        return Manifest.parsed(snapshot.value)

    def committed(self) -> Counter[bytes]:
        """Return the lines that a reader of the manifest sees."""
        client, parts = self.s3.client(), self.entries().parts
        return Counter(line for entry in parts for line in lines(client, BUCKET, entry))

    def records(self) -> list[dict[str, Any]]:
        """Return the records of rejected lines and objects that a reader of the manifest sees."""
        client, rejected = self.s3.client(), self.entries().rejected
        return [record for entry in rejected for record in records(client, BUCKET, entry)]

    def rejected(self) -> Counter[tuple[str, int]]:
        """Return key and line of each of these records."""
        return Counter((record["key"], record["line"]) for record in self.records())

    def orphans(self) -> list[str]:
        """Return the files of batches that the manifest does not name."""
        entries = self.entries()
        named = {batch_of(entry["key"]) for entry in (*entries.parts, *entries.rejected)}
        return [key for key in self.s3.list_keys() if batch_of(key) and batch_of(key) not in named]

    def waiting(self) -> list[str]:
        """Return the inputs that are not committed."""
        snapshot = self.document().read()
        found = Manifest.parsed(snapshot.value if snapshot else {})
        done = {*found.deleting, *found.undeleted}
        return [key for key in self.s3.list_keys("events/") if key not in done]

    def faults(self) -> list[str]:
        """Return all violations of the invariants, once everything is compacted."""
        good, bad = self.committed(), self.rejected()
        return [
            *(f"lost: {line!r}" for line in self.good - good),
            *(f"doubled: {line!r}" for line in good - self.good),
            *(f"not rejected: {place}" for place in self.bad - bad),
            *(f"rejected twice: {place}" for place in bad - self.bad),
            *(f"left: {key}" for key in self.s3.list_keys("events/")),
            *(f"orphan: {key}" for key in self.orphans()),
        ]


def world_with_backlog(*, held: bool = False) -> World:
    """Return a world with some inputs committed, so that more need a segment, and others to come.

    If `held`, S3 refuses to delete one of each.
    """
    world = World()
    world.produce_some(2)
    if held:
        world.s3.undeletable = dict.fromkeys(["events/0001", "events/0101"], "AccessDenied")
    with contextlib.suppress(InputsWithheld):
        world.lead()
    world.produce_some(6, start=100)
    return world


class At:
    """A hook that injects `fault` at the `nth` request from now, from 0, of those in `counts`."""

    def __init__(
        self,
        s3: FakeS3,
        nth: int,
        fault: Callable[[str, Perform], Any],
        *,
        counts: Collection[str] = WRITES,
    ) -> None:
        self._left = nth
        self._fault = fault
        self._counts = counts
        self._s3 = s3
        self.injected = False
        s3.hook = self

    def __call__(self, name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name in self._counts and not self.injected:
            self._left -= 1
            if self._left < 0:
                self.injected = True
                self._s3.hook = None
                return self._fault(name, perform)
        return perform()


def sort(body: bytes, limits: Limits) -> tuple[bytes, list[dict[str, Any]], Content]:
    """Sort an object's lines; return what would be committed, the records, and the counts."""
    chunks = [body[at : at + 65536] for at in range(0, len(body), 65536)]
    with closing(sort_lines(chunks, limits, at_most=10**9)) as content:
        content.good.seek(0)
        content.bad.seek(0)
        return content.good.read(), [json.loads(line) for line in content.bad], content


def crash_before(name: str, perform: Perform) -> Any:
    raise Crashed(name)


def crash_after(name: str, perform: Perform) -> Any:
    perform()
    raise Crashed(name)


def lose_answer(name: str, perform: Perform) -> Any:
    perform()
    raise ReadTimeoutError(endpoint_url="s3")


def echo(name: str, perform: Perform) -> Any:
    """An intermediary sends the request twice; only the second answer is received."""
    perform()
    return perform()


def lose_request(name: str, perform: Perform) -> Any:
    raise ReadTimeoutError(endpoint_url="s3")
