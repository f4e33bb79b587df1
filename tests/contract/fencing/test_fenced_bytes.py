"""Why fenced bytes are two objects, and that they work with clients as users make them."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest

from s3leader.errors import Overwritten, StaleToken
from s3leader.fencing.fenced_bytes import FencedBytes
from tests.contract.fencing.conftest import RETRYING, Clients
from tests.contract.fencing.resources import create_bucket


@pytest.fixture(params=["ministack", "seaweedfs"])
def server(request: pytest.FixtureRequest) -> Clients:
    made: Clients = request.getfixturevalue("clients")(request.param)
    return made


def test_a_token_in_the_metadata_of_the_content_cannot_be_claimed(server: Clients) -> None:
    """A copy onto itself gives it a new token and leaves its ETag, so a stale leader may write."""
    s3 = server.make("client", "s3", direct=True)
    at: dict[str, Any] = {"Bucket": create_bucket(s3), "Key": "k"}
    etag = s3.put_object(**at, Body=b"x", Metadata={"token": "3"})["ETag"]
    s3.copy_object(
        **at,
        CopySource=at,
        CopySourceIfMatch=etag,
        MetadataDirective="REPLACE",
        Metadata={"token": "5"},
    )
    claimed = s3.head_object(**at)
    assert (claimed["Metadata"]["token"], claimed["ETag"]) == ("5", etag)
    s3.put_object(**at, Body=b"stale", Metadata={"token": "3"}, IfMatch=etag)


def test_a_large_file_is_written_and_read_as_a_stream(server: Clients) -> None:
    s3 = server.make("client", "s3", direct=True, config=RETRYING)
    data = hashlib.shake_256(b"seed").digest(9 << 20)
    report = FencedBytes("reports/a b.bin", bucket=create_bucket(s3), client=s3)
    version = report.write(io.BytesIO(data), token=3, after=None, content_type="image/png")
    stream = report.open()
    assert stream is not None
    with stream:
        digest = hashlib.file_digest(io.BufferedReader(stream), "sha256")
    assert version.body is not None
    assert digest.hexdigest() == version.body.sha256 == hashlib.sha256(data).hexdigest()
    head = s3.head_object(Bucket=report._bodies.bucket, Key=version.body.key)
    assert head["ContentType"] == "image/png"


def test_a_client_that_retries_by_itself_reports_no_false_conflict(server: Clients) -> None:
    direct = server.make("client", "s3", direct=True)
    through = server.make("client", "s3", config=RETRYING)
    report = FencedBytes("k", bucket=create_bucket(direct), client=through)
    server.proxy.spared = None
    server.proxy.lose_answers(1)
    first = report.write(b"1", token=3, after=None)
    server.proxy.spared = ".bodies/"
    server.proxy.lose_answers(1)
    report.write(b"2", token=3, after=first)
    server.proxy.spared = None
    stream = report.open()
    assert stream is not None
    with stream:
        assert stream.read() == b"2"


def test_a_sweep_deletes_what_a_stale_leader_left(server: Clients) -> None:
    s3 = server.make("client", "s3", direct=True)
    report = FencedBytes("k", bucket=create_bucket(s3), client=s3)
    first = report.write(b"1", token=3, after=None)
    second = report.write(b"2", token=5, after=first)
    with pytest.raises(StaleToken):
        report.write(b"stale", token=3, after=first)
    (left,) = report.sweep(6)
    assert left.startswith("k.bodies/0000000003-")
    assert report.read() == report.claim(6)
    assert report.claim(6).body == second.body
    assert report.sweep(7) == []


def test_the_client_that_is_made_without_one_does_all_of_it(
    server: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = create_bucket(server.make("client", "s3", direct=True))
    for name, value in {**server.env, "AWS_ENDPOINT_URL": server.proxy.endpoint}.items():
        monkeypatch.setenv(name, value)
    report = FencedBytes("k", bucket=bucket)
    server.proxy.spared = None
    server.proxy.lose_answers(1)  # of a body, which is then found by a HEAD
    now = report.write(b"1", token=3, after=None)
    for content in (b"2", b"3"):
        now = report.write(content, token=3, after=now)
    with pytest.raises(Overwritten):
        report.write(b"left", token=3, after=None)
    assert len(report.sweep(4)) == 1
    stream = report.open()
    assert stream is not None
    with stream:
        assert stream.read() == b"3"
