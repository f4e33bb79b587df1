"""Hostile ledgers through boto3: keys that XML cannot represent, bodies over the limit."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from mypy_boto3_s3 import S3Client

from s3leader import CorruptLock, Election, testing
from s3leader._core.lock import MAX_BODY
from s3leader._io.s3_store import S3Store
from tests.dated_moto import mock_dated_aws
from tests.fast.hostile_ledgers.ledgers import body
from tests.fast.hostile_ledgers.test_foreign_keys import FOREIGN
from tests.fast.s3leader.one_bucket import FOLDER, TICK, key, won

BUCKET = "locks"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_dated_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


def election(s3: S3Client) -> Election:
    return testing.election("e", store=S3Store(BUCKET, client=s3, body_limit=MAX_BODY + 1))


@pytest.mark.parametrize("size", [MAX_BODY, MAX_BODY + 1, 2**20])
def test_body_of_any_size_is_reported_and_can_be_sealed_by_force(s3: S3Client, size: int) -> None:
    s3.put_object(Bucket=BUCKET, Key=key(4), Body=b"x" * size)
    with pytest.raises(CorruptLock, match=key(4)):
        election(s3).campaign(TICK)
    election(s3).depose(reason="unreadable", force=True, done="none")
    assert won(election(s3).campaign(TICK)).number == 5


def test_foreign_keys_are_neither_read_nor_changed(s3: S3Client) -> None:
    s3.put_object(Bucket=BUCKET, Key=key(4), Body=body())
    unusual = ["lock_\x01", "lock_&<>%2F+ ", "lock_0000000009.json "]
    names = [FOLDER + name for name in [*FOREIGN, *unusual]]
    for name in names:
        s3.put_object(Bucket=BUCKET, Key=name, Body=b"theirs")
    assert won(election(s3).campaign(TICK)).number == 5
    assert {s3.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names} == {b"theirs"}
