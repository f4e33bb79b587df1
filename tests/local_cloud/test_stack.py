"""The app's stack, deployed with the real CDK CLI, and its first tick."""

import gzip
from collections import Counter
from dataclasses import dataclass

import pytest

from bird_strikes.data_bucket import DataBucket
from local_cloud import Invocation, LocalCloud
from s3leader import Election, Lock
from tests.local_cloud.test_lifetime import eventually

STACK = "S3LeaderCompaction"
CONTEXT = {"schedule": "cron(* * * * ? *)", "contenders": "3", "throwaway": "true"}
EVENTS = [b'{"event": %d}' % number for number in range(300)]
MALFORMED = b'{"event": '


@dataclass
class Tick:
    """What the first tick of the deployed stack left."""

    time: str
    invocations: list[Invocation]
    terms: list[Lock]
    data: DataBucket


@pytest.fixture(scope="module")
def tick(cloud: LocalCloud) -> Tick:
    with cloud.synthesis(CONTEXT) as assembly:
        cloud.bootstrap()
    outputs = cloud.deploy(STACK, assembly=assembly)
    data = DataBucket(cloud.client("s3"), outputs["DataBucketName"])
    for number in range(30):
        lines = EVENTS[number * 10 : number * 10 + 10]
        data.put(f"events/{number}.ndjson", b"\n".join(lines[:5]) + b"\n")
        data.put(f"events/{number}.ndjson.gz", gzip.compress(b"\n".join(lines[5:])))
    data.put("events/spoilt.ndjson", MALFORMED + b"\n")

    def mine() -> list[Invocation]:
        return [one for one in cloud.invocations() if "contender" in one.event]

    def first_tick() -> list[Invocation]:
        return [one for one in mine() if one.tick == min(one.tick for one in mine())]

    assert eventually(lambda: any(one.ended for one in mine()), 120)
    assert eventually(lambda: all(one.ended for one in first_tick()), 60)
    locks = outputs["LockBucketName"]
    election = Election(outputs["ElectionName"], bucket=locks, client=cloud.client("s3"))
    return Tick(first_tick()[0].tick, first_tick(), election.history(), data)


def test_every_contender_campaigns(tick: Tick) -> None:
    assert sorted(one.event["contender"] for one in tick.invocations) == [1, 2, 3]


def test_one_contender_is_elected(tick: Tick) -> None:
    assert Counter(one.answer.get("elected") for one in tick.invocations) == {True: 1, False: 2}


def test_a_follower_gets_the_reason(tick: Tick) -> None:
    reasons = {one.answer["reason"] for one in tick.invocations if not one.answer["elected"]}
    assert reasons <= {"held", "beaten", "done"}


def test_the_tick_has_one_completed_term(tick: Tick) -> None:
    found = [
        lock.outcome
        for lock in tick.terms
        if lock.tick is not None and f"{lock.tick:%Y-%m-%dT%H:%M:%SZ}" == tick.time
    ]
    assert found == ["completed"]


def test_every_line_is_committed_exactly_once(tick: Tick) -> None:
    assert tick.data.events() == Counter(EVENTS)


def test_a_malformed_line_is_rejected_once_with_its_place(tick: Tick) -> None:
    assert [(one.key, one.line) for one in tick.data.rejections()] == [("events/spoilt.ndjson", 1)]


def test_no_input_is_left(tick: Tick) -> None:
    assert tick.data.inputs() == []
