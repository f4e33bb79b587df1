"""The address of an election tells it from every other one that a process may take part in."""

from __future__ import annotations

import asyncio
from typing import Any

import boto3
import pytest

from s3leader import Election, Term
from s3leader.aio import AsyncElection
from s3leader.testing import FakeClock, MemoryStore, async_election, election
from tests.fast.s3leader.forks import FORKS, in_child
from tests.fast.s3leader.recorder import Recorder


def client(region: str, endpoint: str | None = None) -> Any:
    keys: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("s3", region_name=region, endpoint_url=endpoint, **keys)


@pytest.mark.parametrize(
    ("region", "endpoint", "address"),
    [
        ("eu-west-1", None, "s3://locks/elections/nightly"),
        ("us-east-1", None, "s3://locks/elections/nightly"),
        ("us-east-1", "https://minio.example:9000/", "https://minio.example:9000/locks"),
        (
            "us-east-1",
            "https://user:secret@minio.example:9000/?sig=x",
            "https://minio.example:9000/locks",
        ),
        ("us-gov-west-1", None, "https://s3.us-gov-west-1.amazonaws.com/locks"),
        ("cn-north-1", None, "https://s3.cn-north-1.amazonaws.com.cn/locks"),
    ],
)
def test_an_address_names_the_bucket_and_its_server_unless_that_is_aws_itself(
    region: str, endpoint: str | None, address: str
) -> None:
    made = client(region, endpoint)
    found = Election("nightly", bucket="locks", client=made).address
    assert found == address.removesuffix("/elections/nightly") + "/elections/nightly"
    assert AsyncElection("nightly", bucket="locks", client=made).address == found


def test_prefix_and_name_are_part_of_the_address() -> None:
    made = client("eu-west-1")
    addresses = {
        Election(name, bucket=bucket, prefix=prefix, client=made).address
        for bucket in ("locks", "other-locks")
        for prefix in ("", "elections/", "a/b/")
        for name in ("nightly", "b/nightly")
    }
    assert len(addresses) == 2 * 3 * 2
    assert "s3://locks/a/b/nightly" in addresses


def test_every_event_of_an_election_has_its_address_and_its_terms_have_it_too() -> None:
    recorder, clock = Recorder(), FakeClock()
    stores = [MemoryStore(clock_ms=clock.read_ms) for _ in range(2)]
    made = [election("e", store=store, clock=clock, observer=recorder) for store in stores]
    for each in made:
        with each.campaign() as term:  # type: ignore[union-attr]
            assert isinstance(term, Term)
            assert term.address == each.address
            term.renew()
    assert len({each.address for each in made}) == len(stores)
    seen = [event.address for _, event in recorder.events]
    assert seen == [each.address for each in made for _ in ("won", "renewed", "resigned")]
    assert {event.address for event in recorder.answers} == {*seen}


def test_candidates_of_one_election_have_one_address() -> None:
    store = MemoryStore()
    made = async_election("e", store=store)
    assert made.address == election("e", store=store).address

    async def main() -> str:
        term = await made.campaign()
        assert term
        return term.address

    assert asyncio.run(main()) == made.address


@FORKS
def test_a_fork_still_knows_the_address() -> None:
    made = Election("nightly", bucket="locks", client=client("eu-west-1"))
    assert in_child(lambda: made.address) == made.address
