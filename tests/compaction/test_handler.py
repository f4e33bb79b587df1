"""The Lambda handler, on moto; and the job under a real election."""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from compaction import Limits, committed, compact, lines
from compaction import handler as module
from compaction.clients import connections
from compaction.handler import stop_in_time
from s3leader import LeadershipLost, Term, testing
from s3leader._io.memory_store import MemoryStore
from s3leader.aws_lambda import LambdaHandler
from tests.compaction.world import BUCKET, World
from tests.dated_moto import mock_dated_aws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EVENT = {"tick": "2026-11-23T06:00:00Z"}
EVENTS = [b'{"n": %d}' % n for n in range(30)]
BROKEN = gzip.compress(b"{}\n" * 50, mtime=0)[:-5]


class Context:
    """The parts of Lambda's context object that the runtime uses."""

    function_name = "compaction"
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:compaction"
    aws_request_id = "request-1"

    def __init__(self, *remaining_ms: int) -> None:
        self._remaining_ms = list(remaining_ms or [300_000])

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining_ms.pop(0) if len(self._remaining_ms) > 1 else self._remaining_ms[0]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    """A client of the buckets on moto, to which the environment points."""
    settings = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "DATA_BUCKET": BUCKET,
        "S3LEADER_BUCKET": "locks",
        "S3LEADER_ELECTION": "compaction",
    }
    with mock_dated_aws():
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "S3LEADER_LEASE_SECONDS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        made = boto3.client("s3")
        for bucket in (BUCKET, "locks"):
            made.create_bucket(Bucket=bucket)
        for n in range(10):
            body = b"\n".join([*EVENTS[n * 3 : n * 3 + 3], b"torn {"])
            packed = gzip.compress(body) if n % 2 else body
            made.put_object(Bucket=BUCKET, Key=f"events/{n} & <{n}>+é.json", Body=packed)
        made.put_object(Bucket=BUCKET, Key="events/broken.gz", Body=BROKEN)
        yield made


def cold_start() -> LambdaHandler:
    """Return the handler of a new execution environment."""
    handler: LambdaHandler = importlib.reload(module).handler
    return handler


def test_leader_commits_each_line_and_keeps_a_broken_input_through_boto3(client: S3Client) -> None:
    result = cold_start()(EVENT, Context())["result"]
    assert (result["objects"], result["lines"], result["rejected"]) == (11, 30, 11)
    found = [
        line for part in committed(client, BUCKET).parts for line in lines(client, BUCKET, part)
    ]
    assert sorted(found) == sorted(EVENTS)
    keys = [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert not [key for key in keys if key.startswith("events/")]
    (kept,) = [key for key in keys if key.endswith("-broken.gz")]
    assert client.get_object(Bucket=BUCKET, Key=kept)["Body"].read() == BROKEN


def test_invocation_stops_early_when_its_time_runs_out(client: S3Client) -> None:
    answer = cold_start()(EVENT, Context(60_000, 60_000, 60_000, 60_000, 10_000))
    assert (answer["outcome"], answer["result"]["stopped_early"]) == ("completed", True)


def test_missing_data_bucket_is_named_by_its_variable(
    client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATA_BUCKET")
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
def test_quarter_of_the_time_is_kept_in_reserve_within_bounds(
    total_ms: int, left_ms: int, *, stops: bool
) -> None:
    assert stop_in_time(Context(total_ms, left_ms))() is stops


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


def test_deposed_leader_leaves_the_rest_and_its_progress_to_its_successor() -> None:
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
        assert successor.state["objects"] == 4
        compact_in(world, successor)
    assert not world.faults()


@pytest.mark.parametrize(("region", "expected"), [("eu-west-1", "eu-west-1"), (None, "us-east-1")])
def test_data_bucket_is_reached_in_its_own_region(
    region: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client, manifest = connections.__wrapped__("data", region)
    store: Any = manifest._seams.store
    asked = (client.meta.region_name, store._client.meta.region_name)
    assert asked == (expected, expected)
