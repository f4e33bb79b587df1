"""A data bucket in memory with producers, terms that compact it, and its invariants."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from compaction import InputsWithheld, Limits, Summary, committed, compact, lines, records
from compaction.layout import batch_of
from s3leader import LeadershipLost, S3LeaderError
from s3leader._io.driver import Driver
from s3leader._io.s3_store import S3Store
from s3leader.fencing import FencedObject
from s3leader.testing import FakeClock, fenced_object
from tests.fast.compaction.fake_s3 import WRITES, FakeS3, Perform

if TYPE_CHECKING:
    from s3leader import Term

BUCKET = "data"
WITHOUT_PAUSES = partial(Driver, sleep=lambda seconds: None)
SMALL = Limits(batch_objects=3, readers=1, manifest_parts=2)


class Crashed(BaseException):
    """The process has crashed: nothing catches this."""


# How a term with a fault may end; any other exception is a bug of the job.
ENDS = (Crashed, S3LeaderError, BotoCoreError, ClientError, InputsWithheld)


class FakeTerm:
    """A term that is held until the test sets `held` to false."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.held = True
        self.state: Mapping[str, Any] = {}
        self.saved: list[Mapping[str, Any]] = []

    def ensure_held(self) -> None:
        if not self.held:
            raise LeadershipLost(term=self.number, why="the test says so")

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

    # -------------------------------------------------------------------------- producers

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

    # ------------------------------------------------------------------------------ terms

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
            driver=WITHOUT_PAUSES,
        )

    # ------------------------------------------------------------------------- invariants

    def committed(self) -> Counter[bytes]:
        """Return the lines that a reader of the manifest sees."""
        client = self.s3.client()
        entries = committed(client, BUCKET, manifest=self.document()).parts
        return Counter(line for entry in entries for line in lines(client, BUCKET, entry))

    def rejected(self) -> Counter[tuple[str, int]]:
        """Return key and line of each rejected line that a reader of the manifest sees."""
        client = self.s3.client()
        entries = committed(client, BUCKET, manifest=self.document()).rejected
        return Counter(
            (record["key"], record["line"])
            for entry in entries
            for record in records(client, BUCKET, entry)
        )

    def records(self, entry: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the records of one file of rejected lines."""
        return list(records(self.s3.client(), BUCKET, entry))

    def orphans(self) -> list[str]:
        """Return the files of batches that the manifest does not name."""
        entries = committed(self.s3.client(), BUCKET, manifest=self.document())
        named = {batch_of(entry["key"]) for entry in (*entries.parts, *entries.rejected)}
        return [key for key in self.s3.list_keys() if batch_of(key) and batch_of(key) not in named]

    def waiting(self) -> list[str]:
        """Return the inputs that are not committed."""
        snapshot = self.document().read()
        value = snapshot.value if snapshot else {}
        done = {*value.get("deleting", ()), *value.get("undeleted", ())}
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
