"""The Lambda entry, on moto; and the job under a real election."""

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
from compaction.handler import limits_from, stop_in_time
from s3leader import Election, LeadershipLost, Term, testing
from s3leader._io.memory_store import MemoryStore
from s3leader.aws_lambda import LambdaHandler
from tests.dated_moto import mock_dated_aws
from tests.fast.compaction.world import BUCKET, World

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EVENT = {"tick": "2026-11-23T06:00:00Z"}


class Context:
    """What Lambda passes to a handler, as far as it is used."""

    function_name = "compaction"

    def __init__(self, *remaining_ms: int, request: str = "request-1") -> None:
        self.aws_request_id = request
        self._remaining_ms = list(remaining_ms or [300_000])

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining_ms.pop(0) if len(self._remaining_ms) > 1 else self._remaining_ms[0]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    settings = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "DATA_BUCKET": BUCKET,
        "S3LEADER_BUCKET": "locks",
        "S3LEADER_ELECTION": "compaction",
    }
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "S3LEADER_LEASE_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with mock_dated_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.create_bucket(Bucket="locks")
        yield client


@pytest.fixture
def handler(s3: S3Client) -> LambdaHandler:
    """The handler of a cold start, which remembers nothing of the test before."""
    cold: LambdaHandler = importlib.reload(module).handler
    return cold


def produce(client: S3Client) -> list[bytes]:
    events = [b'{"n": %d}' % n for n in range(30)]
    for n in range(10):
        body = b"\n".join([*events[n * 3 : n * 3 + 3], b"torn {"])
        packed = gzip.compress(body) if n % 2 else body
        client.put_object(Bucket=BUCKET, Key=f"events/{n} & <{n}>+é.json", Body=packed)
    broken = gzip.compress(b"{}\n" * 50)[:-5]
    client.put_object(Bucket=BUCKET, Key="events/broken.gz", Body=broken)
    return sorted(events)


def all_lines(client: S3Client) -> list[bytes]:
    entries = committed(client, BUCKET).parts
    return sorted(line for entry in entries for line in lines(client, BUCKET, entry))


def test_the_leader_compacts_and_returns_what_it_did(s3: S3Client, handler: LambdaHandler) -> None:
    produce(s3)
    result = handler(EVENT, Context())["result"]
    assert (result["objects"], result["lines"], result["rejected"]) == (11, 30, 11)


def test_each_line_is_committed_on_a_bucket_that_boto3_talks_to(
    s3: S3Client, handler: LambdaHandler
) -> None:
    events = produce(s3)
    handler(EVENT, Context())
    assert all_lines(s3) == events


def test_inputs_are_gone_afterwards(s3: S3Client, handler: LambdaHandler) -> None:
    produce(s3)
    handler(EVENT, Context())
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="events/")["KeyCount"] == 0


def test_a_broken_input_is_kept_as_it_was(s3: S3Client, handler: LambdaHandler) -> None:
    produce(s3)
    handler(EVENT, Context())
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    (kept,) = (key for key in keys if key.endswith("-broken.gz"))
    body = s3.get_object(Bucket=BUCKET, Key=kept)["Body"].read()
    assert body == gzip.compress(b"{}\n" * 50, mtime=int.from_bytes(body[4:8], "little"))[:-5]


def test_the_progress_is_in_the_lock(s3: S3Client, handler: LambdaHandler) -> None:
    produce(s3)
    handler(EVENT, Context())
    lock = Election("compaction", bucket="locks").observe()
    assert lock is not None
    assert lock.state["lines"] == 30


def test_the_environment_says_how_large_a_batch_may_be(
    s3: S3Client, handler: LambdaHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    produce(s3)
    monkeypatch.setenv("COMPACTION_BATCH_OBJECTS", "4")
    assert handler(EVENT, Context())["result"]["parts"] == 3


def test_a_tick_that_is_done_is_not_compacted_again(s3: S3Client, handler: LambdaHandler) -> None:
    handler(EVENT, Context())
    produce(s3)
    assert handler(EVENT, Context(request="request-2"))["elected"] is False


def test_it_stops_before_the_invocation_ends_and_counts_as_completed(
    s3: S3Client, handler: LambdaHandler
) -> None:
    produce(s3)
    answer = handler(EVENT, Context(60_000, 60_000, 60_000, 10_000))
    assert (answer["outcome"], answer["result"]["stopped_early"]) == ("completed", True)


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
def test_a_quarter_of_the_time_within_bounds_is_kept_in_reserve(
    total_ms: int, left_ms: int, *, stops: bool
) -> None:
    assert stop_in_time(Context(total_ms, left_ms))() is stops


@pytest.mark.parametrize("wrong", ["", "0", "-5", "many", "1.5"])
def test_a_limit_that_is_no_number_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(ValueError, match="COMPACTION_BATCH_BYTES must be a whole number"):
        limits_from({"COMPACTION_BATCH_BYTES": wrong})


def test_without_a_data_bucket_the_error_names_the_variable(
    s3: S3Client, handler: LambdaHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATA_BUCKET")
    with pytest.raises(ValueError, match="DATA_BUCKET is not set"):
        handler(EVENT, Context())


def test_each_commit_is_logged_with_its_numbers(
    s3: S3Client, handler: LambdaHandler, caplog: pytest.LogCaptureFixture
) -> None:
    produce(s3)
    handler(EVENT, Context())
    commits = [record for record in caplog.records if record.message == "committed a batch"]
    assert [(vars(record)["objects"], vars(record)["lines"]) for record in commits] == [(11, 30)]


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
def test_data_is_asked_for_in_its_own_region(
    region: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client, manifest = module._connections.__wrapped__("data", region)
    store: Any = manifest._seams.store
    asked = (client.meta.region_name, store._client.meta.region_name)
    assert asked == (expected, expected)
