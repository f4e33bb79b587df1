"""The Lambda handler, on moto; and the job under a real election."""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from compaction import Limits, committed, compact, lines
from compaction import handler as module
from compaction.handler import limits_from, stop_in_time
from s3leader import Election, LeadershipLost, Lock, Term, testing
from s3leader._io.memory_store import MemoryStore
from s3leader.aws_lambda import LambdaHandler
from tests.dated_moto import mock_dated_aws
from tests.fast.compaction.world import BUCKET, World

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EVENT = {"tick": "2026-11-23T06:00:00Z"}
EVENTS = [b'{"n": %d}' % n for n in range(30)]
BROKEN = gzip.compress(b"{}\n" * 50, mtime=0)[:-5]


class Context:
    """The parts of Lambda's context object that the runtime uses."""

    function_name = "compaction"

    def __init__(self, *remaining_ms: int, request: str = "request-1") -> None:
        self.aws_request_id = request
        self._remaining_ms = list(remaining_ms or [300_000])

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining_ms.pop(0) if len(self._remaining_ms) > 1 else self._remaining_ms[0]


@contextmanager
def buckets_on_moto() -> Iterator[tuple[S3Client, pytest.MonkeyPatch]]:
    settings = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "DATA_BUCKET": BUCKET,
        "S3LEADER_BUCKET": "locks",
        "S3LEADER_ELECTION": "compaction",
    }
    with pytest.MonkeyPatch.context() as environment, mock_dated_aws():
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "S3LEADER_LEASE_SECONDS"):
            environment.delenv(name, raising=False)
        for name, value in settings.items():
            environment.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.create_bucket(Bucket="locks")
        yield client, environment


def cold_start() -> LambdaHandler:
    """Return the handler of a new execution environment."""
    handler: LambdaHandler = importlib.reload(module).handler
    return handler


def produce(client: S3Client) -> None:
    for n in range(10):
        body = b"\n".join([*EVENTS[n * 3 : n * 3 + 3], b"torn {"])
        packed = gzip.compress(body) if n % 2 else body
        client.put_object(Bucket=BUCKET, Key=f"events/{n} & <{n}>+é.json", Body=packed)
    client.put_object(Bucket=BUCKET, Key="events/broken.gz", Body=BROKEN)


@dataclass(frozen=True)
class Invocation:
    """What one invocation returned and left in the buckets."""

    result: dict[str, Any]
    lines: list[bytes]
    bodies: dict[str, bytes]
    lock: Lock | None
    second: dict[str, Any]  # what the next invocation for the same tick returned


@pytest.fixture(scope="module")
def invocation() -> Invocation:
    with buckets_on_moto() as (client, _):
        produce(client)
        handler = cold_start()
        answer = handler(EVENT, Context())
        parts = committed(client, BUCKET).parts
        keys = [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
        return Invocation(
            result=answer["result"],
            lines=[line for part in parts for line in lines(client, BUCKET, part)],
            bodies={key: client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys},
            lock=Election("compaction", bucket="locks").observe(),
            second=handler(EVENT, Context(request="request-2")),
        )


def test_leader_returns_what_it_did(invocation: Invocation) -> None:
    result = invocation.result
    assert (result["objects"], result["lines"], result["rejected"]) == (11, 30, 11)


def test_each_line_is_committed_through_boto3(invocation: Invocation) -> None:
    assert sorted(invocation.lines) == sorted(EVENTS)


def test_inputs_are_deleted(invocation: Invocation) -> None:
    assert not [key for key in invocation.bodies if key.startswith("events/")]


def test_broken_input_is_kept_unchanged(invocation: Invocation) -> None:
    kept = [body for key, body in invocation.bodies.items() if key.endswith("-broken.gz")]
    assert kept == [BROKEN]


def test_progress_is_in_the_lock(invocation: Invocation) -> None:
    assert invocation.lock is not None
    assert invocation.lock.state["lines"] == 30


def test_completed_tick_is_not_compacted_again(invocation: Invocation) -> None:
    assert invocation.second["elected"] is False


def test_environment_limits_the_batch_and_the_time_ends_it_early() -> None:
    with buckets_on_moto() as (client, environment):
        produce(client)
        environment.setenv("COMPACTION_BATCH_OBJECTS", "1")
        answer = cold_start()(EVENT, Context(60_000, 60_000, 60_000, 60_000, 10_000))
    result = answer["result"]
    assert (answer["outcome"], result["stopped_early"]) == ("completed", True)
    assert 0 < result["objects"] == result["batches"] < 11


def test_missing_data_bucket_is_named_by_its_variable() -> None:
    with buckets_on_moto() as (_, environment):
        environment.delenv("DATA_BUCKET")
        with pytest.raises(ValueError, match="DATA_BUCKET is not set"):
            cold_start()(EVENT, Context())


@pytest.mark.parametrize(
    ("total_ms", "left_ms", "stops"),
    [
        (300_000, 30_001, False),
        (300_000, 29_999, True),
        (60_000, 15_001, False),
        (60_000, 14_999, True),
        (4_000, 4_000, True),
        (300_000, 0, True),
    ],
)
def test_a_quarter_of_the_time_is_kept_in_reserve_within_bounds(
    total_ms: int, left_ms: int, *, stops: bool
) -> None:
    assert stop_in_time(Context(total_ms, left_ms))() is stops


@pytest.mark.parametrize("wrong", ["", "0", "-5", "many", "1.5"])
def test_invalid_limit_is_named_by_its_variable(wrong: str) -> None:
    with pytest.raises(ValueError, match="COMPACTION_BATCH_BYTES must be a whole number"):
        limits_from({"COMPACTION_BATCH_BYTES": wrong})


# ----------------------------------------------------------------------- a real election


def elected(store: MemoryStore) -> Term:
    term = testing.election("compaction", store=store, lease=timedelta(minutes=5)).campaign()
    assert isinstance(term, Term)
    return term


def compact_in(world: World, term: Term) -> None:
    compact(
        term,
        BUCKET,
        client=world.s3.client(),
        manifest=world.document(),
        limits=Limits(batch_objects=2, readers=2),
    )


def test_a_deposed_leader_leaves_the_rest_to_its_successor() -> None:
    world, store = World(), MemoryStore()
    world.produce_some(9)
    deposed = elected(store)
    election = testing.election("compaction", store=store)
    batches = 0

    def depose_after_two(name: str, given: dict[str, Any], perform: Any) -> Any:
        nonlocal batches
        answer = perform()
        batches += name == "delete_objects"
        if batches == 3 and name == "delete_objects":
            election.depose(reason="a test", force=True)
        return answer

    world.s3.hook = depose_after_two
    with pytest.raises(LeadershipLost):
        compact_in(world, deposed)
    world.s3.hook = None
    with elected(store) as successor:
        compact_in(world, successor)
    assert not world.faults()


def test_a_successor_inherits_the_progress() -> None:
    world, store = World(), MemoryStore()
    world.produce_some(4)
    with elected(store) as first:
        compact_in(world, first)
    with elected(store) as second:
        assert second.state["objects"] == 5


@pytest.mark.parametrize(("region", "expected"), [("eu-west-1", "eu-west-1"), (None, "us-east-1")])
def test_data_bucket_is_reached_in_its_own_region(
    region: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client, manifest = module._connections.__wrapped__("data", region)
    store: Any = manifest._seams.store
    asked = (client.meta.region_name, store._client.meta.region_name)
    assert asked == (expected, expected)
