"""Invocations of a decorated handler with every possible result, and the metrics they write."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from s3leader import ContinuationNotStarted, S3LeaderError, Term
from s3leader._core.requests import Create, Read, Replace, StoreAnswer, StoreRequest, Tag
from s3leader._core.times import parse_time, to_ms
from s3leader._io import lambda_client
from s3leader._io.memory_store import Fault, MemoryStore
from s3leader._lambda.settings import Arguments
from s3leader.aws_lambda import LambdaHandler, _decorator

TICK = "2026-11-23T06:00:00Z"
LATER = "2026-11-23T07:00:00Z"
FIRST = "elections/nightly/lock_0000000001.json"
UNSEALED = b'{"expired": false}'


@dataclass
class Context:
    function_name: str = "nightly-function"
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:nightly:live"
    aws_request_id: str = "request-1"
    remaining_ms: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


def singleton_on(
    store: MemoryStore, **arguments: Any
) -> Callable[[Callable[..., Any]], LambdaHandler]:
    """Return `@singleton` for the election "nightly" on `store`, which invocations keep warm."""
    arguments = {"election": "nightly", "bucket": "locks"} | arguments
    return _decorator(Arguments(**arguments), store)


@dataclass(frozen=True)
class Blob:
    """One line of metrics in CloudWatch's embedded metric format."""

    dimensions: Mapping[str, str]
    values: Mapping[str, float]
    units: Mapping[str, str]


class Bucket(MemoryStore):
    """A bucket in which, if it is `contended`, a rival is always a little faster."""

    contended = False

    def perform(self, request: StoreRequest) -> StoreAnswer:
        if self.contended and isinstance(request, Create):
            rival = {**json.loads(request.body), "nonce": "rival", "holder": "rival"}
            super().perform(Create(request.key, json.dumps(rival).encode()))
        return super().perform(request)


@dataclass
class World:
    """A bucket, its clock, and the captured standard output."""

    contender: object = None
    now_ms: int = to_ms(parse_time(LATER))
    output: io.StringIO = field(default_factory=io.StringIO)
    store: Bucket = field(init=False)

    def __post_init__(self) -> None:
        self.store = Bucket(clock_ms=lambda: self.now_ms)

    def invoke(self, handler: LambdaHandler, tick: str | None = TICK, **more: object) -> None:
        """Invoke a handler, and capture its output."""
        event: dict[str, object] = more if tick is None else {"tick": tick, **more}
        if self.contender is not None:
            event["contender"] = self.contender
        with redirect_stdout(self.output), suppress(ZeroDivisionError, S3LeaderError):
            handler(event, Context())

    def job(self, work: Callable[[Term], object] = lambda _: None, **options: Any) -> LambdaHandler:
        """Return the handler of a new execution environment."""
        return singleton_on(self.store, **options)(lambda event, context, term: work(term))

    def blobs(self) -> list[Blob]:
        """Return the metrics written since the last call."""
        written = self.output.getvalue().splitlines()
        self.output.seek(0)
        self.output.truncate()
        return [blob(json.loads(line)) for line in written if "_aws" in line]


def blob(line: Mapping[str, Any]) -> Blob:
    (described,) = line["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == "s3leader"
    (names,) = described["Dimensions"]
    metrics = described["Metrics"]
    return Blob(
        {name: line[name] for name in names},
        {metric["Name"]: sum(line[metric["Name"]]) for metric in metrics},
        {metric["Name"]: metric["Unit"] for metric in metrics},
    )


def completed(world: World) -> None:
    world.invoke(world.job())


def failed(world: World) -> None:
    def work(_: Term) -> None:
        raise ZeroDivisionError

    world.invoke(world.job(work))


def resigned(world: World) -> None:
    world.invoke(world.job(lambda term: term.resign("resigned")))


def done(world: World) -> None:
    world.invoke(world.job())
    world.blobs()
    world.invoke(world.job())


def held(world: World) -> None:
    world.store.perform(Create(FIRST, UNSEALED))
    world.invoke(world.job())


def beaten(world: World) -> None:
    world.store.contended = True
    world.invoke(world.job())


def exhausted(world: World) -> None:
    failed(world)
    world.blobs()
    world.invoke(world.job(max_attempts=1))


def taken_over(world: World) -> None:
    world.store.perform(Create(FIRST, UNSEALED))
    world.now_ms += 3_600_000
    world.invoke(world.job())


def leadership_lost(world: World) -> None:
    def work(term: Term) -> None:
        sealed = term.lock.seal(nonce="another", outcome="deposed")
        found = world.store.perform(Read(FIRST))
        world.store.perform(Replace(FIRST, sealed.encode(), found.etag))  # type: ignore[union-attr]

    world.invoke(world.job(work))


def renewed_late(world: World) -> None:
    def work(term: Term) -> None:
        world.store.script(Fault.REFUSED, on=Replace)
        with suppress(S3LeaderError):
            term.renew()

    world.invoke(world.job(work))


def not_tagged(world: World) -> None:
    completed(world)
    world.blobs()
    world.store.script(Fault.REFUSED, on=Tag)
    world.invoke(world.job(), LATER)


def corrupt_lock(world: World) -> None:
    world.store.perform(Create(FIRST, b"[]"))
    world.invoke(world.job())


def refused(world: World) -> None:
    world.store.script(Fault.REFUSED)
    world.invoke(world.job())


@contextmanager
def starting(error: Exception | None = None) -> Iterator[None]:
    """Let continuations start nothing, or fail with an error."""

    def start(*_: object, **__: object) -> None:
        if error is not None:
            raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lambda_client, "start_invocation", start)
        yield


def continued(world: World) -> None:
    with starting():
        world.invoke(world.job(lambda term: term.continue_later(), max_continuations=1))


def not_continued(world: World) -> None:
    with starting(ContinuationNotStarted(term=1, function="nightly", why="throttled")):
        world.invoke(world.job(lambda term: term.continue_later(), max_continuations=1))


def runaway(world: World) -> None:
    world.invoke(world.job(lambda term: term.continue_later()))


def repeated(world: World) -> None:
    completed(world)
    world.blobs()
    world.invoke(world.job(), repeat="ops: again")


def missed(world: World) -> None:
    completed(world)
    world.blobs()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("S3LEADER_SCHEDULES", '[["cron(0/20 * * * ? *)", "UTC"]]')
        world.invoke(world.job(), LATER)


METRICS: Mapping[Callable[[World], None], Mapping[str, float]] = {
    completed: {"Won": 1, "Completed": 1, "Requests": 5, "Behind": 0},
    failed: {"Won": 1, "Failed": 1, "Requests": 5},
    resigned: {"Won": 1, "Resigned": 1, "Requests": 5},
    done: {"Lost": 1, "LostDone": 1, "Requests": 2, "Behind": 0},
    held: {"Lost": 1, "LostHeld": 1, "Requests": 2},
    beaten: {"Lost": 1, "LostBeaten": 1, "Requests": 3},
    exhausted: {"Lost": 1, "LostExhausted": 1, "Requests": 2},
    taken_over: {"Won": 1, "TakenOver": 1, "Completed": 1, "Requests": 8, "Behind": 0},
    leadership_lost: {"Won": 1, "LeadershipLost": 1, "Requests": 6},
    renewed_late: {"Won": 1, "RenewedLate": 1, "Completed": 1, "Requests": 6, "Behind": 0},
    not_tagged: {"Won": 1, "TaggingFailed": 1, "Completed": 1, "Requests": 5, "Behind": 0},
    corrupt_lock: {"CorruptLock": 1},
    refused: {"CampaignFailed": 1},
    continued: {"Won": 1, "Leg": 1, "Continued": 1, "Requests": 5},
    not_continued: {"Won": 1, "Leg": 1, "ContinuationNotStarted": 1, "Requests": 5},
    runaway: {"Won": 1, "Failed": 1, "TooManyContinuations": 1, "Requests": 5},
    repeated: {"Won": 1, "Repeated": 1, "Completed": 1, "Requests": 5, "Behind": 0},
    missed: {"Won": 1, "Missed": 2, "Completed": 1, "Requests": 5, "Behind": 0},
}


def emitted() -> set[tuple[str, tuple[str, ...]]]:
    """Return the names of all metrics that the decorator writes, with those of their dimensions."""
    found = set()
    for way in METRICS:
        world = World(contender=1)
        way(world)
        found |= {(name, tuple(each.dimensions)) for each in world.blobs() for name in each.values}
    return found
