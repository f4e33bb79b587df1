"""Hostile ledgers through boto3: keys that XML cannot represent, bodies over the limit."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from s3leader import CorruptLock, Election, testing
from s3leader._core.lock import MAX_BODY
from s3leader._io.s3_store import S3Store
from tests.dated_moto import mock_dated_aws
from tests.fast.hostile_ledgers.ledgers import body
from tests.fast.hostile_ledgers.test_absurd_values import UNREADABLE
from tests.fast.hostile_ledgers.test_foreign_keys import FOREIGN, HINTS
from tests.fast.s3leader.one_bucket import FOLDER, TICK, key, won

BUCKET = "locks"


class Wire:
    def __init__(self) -> None:
        self.s3 = boto3.client(
            "s3",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self.s3.create_bucket(Bucket=BUCKET)

    def put(self, name: str, text: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=name, Body=text)

    def body(self, name: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()

    def election(self) -> Election:
        store = S3Store(BUCKET, client=self.s3, body_limit=MAX_BODY + 1)
        return testing.election("e", store=store)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with mock_dated_aws():
        yield Wire()


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_body_is_reported_and_not_changed(wire: Wire, text: bytes) -> None:
    wire.put(key(4), text)
    with pytest.raises(CorruptLock, match=key(4)):
        wire.election().campaign(TICK)
    assert wire.body(key(4)) == text


@pytest.mark.parametrize("size", [MAX_BODY, MAX_BODY + 1, 2**20])
def test_body_of_any_size_can_be_sealed_by_force(wire: Wire, size: int) -> None:
    wire.put(key(4), b"x" * size)
    wire.election().depose(reason="unreadable", force=True, done="none")
    assert won(wire.election().campaign(TICK)).number == 5


def test_foreign_keys_are_neither_read_nor_changed(wire: Wire) -> None:
    wire.put(key(4), body())
    names = [
        FOLDER + name for name in [*FOREIGN, "lock_\x01", "lock_&<>%2F+ ", "lock_0000000009.json "]
    ]
    for name in names:
        wire.put(name, b"theirs")
    assert won(wire.election().campaign(TICK)).number == 5
    assert {wire.body(name) for name in names} == {b"theirs"}


@pytest.mark.parametrize("hint", HINTS, ids=range(len(HINTS)))
def test_hostile_hint_does_not_keep_a_leader_from_resigning(wire: Wire, hint: bytes) -> None:
    wire.put(key(499), body(term=499, swept=498))
    wire.put(FOLDER + "hint.json", hint)
    term = won(wire.election().campaign(TICK))
    term.resign()
    assert term.outcome == "completed"
