"""Elections in a bucket that keeps each version for a while (Object Lock, default retention)."""

from __future__ import annotations

import io
from hashlib import sha256
from typing import TYPE_CHECKING

import boto3
import pytest

from compaction.clients import data_client
from compaction.writer import Writer
from s3leader import Election, Term
from s3leader.fencing import FencedObject
from tests.compaction.world import FakeTerm
from tests.dated_moto import mock_dated_aws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

RULE = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_dated_aws():
        made = boto3.client("s3")
        made.create_bucket(Bucket="locks", ObjectLockEnabledForBucket=True)
        made.put_object_lock_configuration(
            Bucket="locks",
            ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": RULE},  # type: ignore[typeddict-item]  # a literal
        )
        yield made


def test_terms_are_won_renewed_saved_and_sealed_under_a_default_retention(
    client: S3Client,
) -> None:
    election = Election("nightly", bucket="locks")
    outcomes = []
    for number in range(3):  # each seal sweeps: it tags the lock before its own as superseded
        term = election.campaign()
        assert isinstance(term, Term)
        term.renew()
        term.save({"number": number})
        term.resign()
        outcomes.append(term.outcome)
    assert outcomes == ["completed"] * 3
    swept = client.get_object_tagging(Bucket="locks", Key="elections/nightly/lock_0000000002.json")
    assert swept["TagSet"] == [{"Key": "superseded", "Value": "true"}]


def test_a_fenced_object_is_claimed_and_written_under_a_default_retention(
    client: S3Client,
) -> None:
    manifest = FencedObject("manifest.json", bucket="locks")
    written = manifest.write({"parts": 1}, token=7, after=manifest.claim(7))
    assert (written.value, written.token) == ({"parts": 1}, 7)


def test_a_part_is_created_under_a_default_retention(client: S3Client) -> None:
    body = b"line\n"
    digest = sha256(body).hexdigest()
    writer = Writer(data_client(), "locks", FakeTerm(1).led())
    writer.create("part", io.BytesIO(body), sha256=digest, content_type="text/plain")
    assert client.get_object(Bucket="locks", Key="part")["Body"].read() == body
