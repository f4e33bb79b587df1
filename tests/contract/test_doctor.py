"""`s3leader doctor` on an embedded server: a bucket as LockBucket makes it, and others."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from s3leader import Election, Term
from s3leader._io.boto3_client import make_boto3_client
from s3leader_cli.__main__ import main
from s3leader_cli.check.doctor.policy import Place, check_policy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.contract.servers import Server

numbers = itertools.count(1)
LIFECYCLE: dict[str, Any] = {
    "Rules": [
        {
            "ID": "delete-superseded-locks",
            "Status": "Enabled",
            "Filter": {
                "And": {
                    "Prefix": "elections/",
                    "Tags": [{"Key": "superseded", "Value": "true"}],
                }
            },
            "Expiration": {"Days": 30},
        }
    ]
}
BLOCKED = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)


@pytest.fixture(scope="module")
def s3(ministack: Server) -> S3Client:
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in ministack.env.items():
            patch.setenv(variable, value)
        return make_boto3_client(30, "us-east-1")


@pytest.fixture
def bucket(ministack: Server, s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket with three ended terms."""
    for variable, value in ministack.env.items():
        monkeypatch.setenv(variable, value)
    name = f"doctor-{next(numbers)}"
    s3.create_bucket(Bucket=name)
    for _ in range(3):
        term = Election("nightly", bucket=name).campaign()
        assert isinstance(term, Term)
        term.resign()
    return name


def protect(s3: S3Client, bucket: str) -> None:
    where = Place(bucket_arn=f"arn:aws:s3:::{bucket}", prefix="elections/", election="nightly")
    statements = [json.loads(each.do.partition(": ")[2]) for each in check_policy(None, where)]
    policy = {"Version": "2012-10-17", "Statement": statements[:2]}  # this server has no TLS
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=LIFECYCLE)  # type: ignore[arg-type]
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=BLOCKED)  # type: ignore[arg-type]


def examined(
    capsys: pytest.CaptureFixture[str], bucket: str, *words: str
) -> tuple[int, dict[str, str]]:
    """Return the exit code, and the checks that are not ok."""
    code = main(["doctor", *words, "--bucket", bucket, "--json", "--connections", "8"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    return code, {
        each["check"]: each["level"]
        for each in findings
        if each["level"] != "ok" and each["check"] != "schedules"
    }


def test_a_protected_bucket_has_no_problem(
    s3: S3Client, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    protect(s3, bucket)
    tls = {"policy": "warning"}
    assert examined(capsys, bucket, "nightly") == (0, tls)
    assert examined(capsys, bucket) == (0, tls)


def test_a_new_bucket_lacks_its_protection(bucket: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, wrong = examined(capsys, bucket, "nightly")
    assert code == 1
    assert wrong.keys() == {"lifecycle", "uploads", "policy", "public access"}


def test_examining_changes_no_object(
    s3: S3Client, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def objects() -> list[tuple[str, str, object]]:
        found = s3.list_objects_v2(Bucket=bucket)["Contents"]
        return [(each["Key"], each["ETag"], each["LastModified"]) for each in found]

    before = objects()
    examined(capsys, bucket, "nightly")
    assert objects() == before


def test_the_superseded_tag_on_the_highest_lock_is_found(
    s3: S3Client, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    protect(s3, bucket)
    tags = {"TagSet": [{"Key": "superseded", "Value": "true"}]}
    key = "elections/nightly/lock_0000000003.json"
    s3.put_object_tagging(Bucket=bucket, Key=key, Tagging=tags)  # type: ignore[arg-type]
    code, wrong = examined(capsys, bucket, "nightly")
    assert (code, wrong["tag of the highest lock"]) == (1, "problem")


def test_a_missing_bucket_is_a_problem(bucket: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert examined(capsys, f"{bucket}-mistyped", "nightly") == (1, {"bucket": "problem"})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "cannot connect to 127.0.0.1:1, which"),
        ({}, "NoSuchBucket"),
    ],
)
def test_a_bucket_that_is_not_reached_is_explained_as_status_explains_it(
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, str],
    says: str,
) -> None:
    for variable, value in ({"AWS_MAX_ATTEMPTS": "1"} | change).items():
        monkeypatch.setenv(variable, value)
    place = ["--bucket", f"{bucket}-mistyped", "--json"]
    assert main(["doctor", *place]) == 1
    [found] = json.loads(capsys.readouterr().out)["findings"]
    main(["status", "nightly", *place])
    assert says in found["what"]
    assert says in capsys.readouterr().err


def test_as_a_process_it_prints_a_table_and_its_remedies(bucket: str) -> None:
    words = [sys.executable, "-m", "s3leader_cli", "doctor", "nightly", "--bucket", bucket]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "DenyUnconditionalWrites" in ended.stdout
    assert "40 answers on new connections" in ended.stdout
