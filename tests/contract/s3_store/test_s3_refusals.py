"""S3Store's refusals: who has to mend what; and what a client of the caller's own may do."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.config import Config

from s3leader._core.requests import (
    Applied,
    Conflict,
    Create,
    List,
    Missing,
    Read,
    Replace,
    StoreRequest,
    Tag,
    Unknown,
)
from s3leader._io.s3_store import S3Store
from s3leader.errors import BucketUnusable, InvalidArgument
from tests.contract.s3_store.misbehaving_s3 import (
    ETAG,
    MisbehavingS3,
    answer,
    error,
    misbehaving_s3,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

KEY = "elections/nightly/lock_0000000001.json"
OBJECT = f"arn:aws:s3:::locks/{KEY}"
CREATE = Create(KEY, b"{}")
REPLACE = Replace(KEY, b"{}", ETAG)


@pytest.fixture(scope="module")
def server() -> Iterator[MisbehavingS3]:
    with misbehaving_s3() as running:
        yield running


@pytest.fixture
def s3(server: MisbehavingS3) -> MisbehavingS3:
    server.sent.clear()
    while not server.answers.empty():
        server.answers.get()
    return server


def own_client(s3: MisbehavingS3, *, tries: int = 1, region: str = "us-east-1") -> S3Client:
    return boto3.session.Session().client(
        "s3",
        region_name=region,
        endpoint_url=s3.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": tries, "mode": "standard"}),
    )


def refused(s3: MisbehavingS3, request: StoreRequest, told: bytes) -> BucketUnusable:
    s3.will(told)
    with pytest.raises(BucketUnusable) as caught:
        S3Store("locks", client=own_client(s3)).perform(request)
    return caught.value


# ---------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("request_", "action", "resource"),
    [
        (List("elections/"), "s3:ListBucket", "arn:aws:s3:::locks"),
        (Read(KEY), "s3:GetObject", OBJECT),
        (CREATE, "s3:PutObject", OBJECT),
        (REPLACE, "s3:PutObject", OBJECT),
        (Tag(KEY), "s3:PutObjectTagging", OBJECT),
    ],
)
def test_a_denial_names_the_action_and_the_resource(
    s3: MisbehavingS3, request_: StoreRequest, action: str, resource: str
) -> None:
    why = refused(s3, request_, error(403, "AccessDenied"))
    assert (why.action, why.resource, why.code) == (action, resource, "AccessDenied")
    assert f"{action} on {resource}" in str(why)


def test_a_denied_read_tells_of_the_right_to_list(s3: MisbehavingS3) -> None:
    why = refused(s3, Read(KEY), error(403, "AccessDenied"))
    assert "s3:ListBucket on arn:aws:s3:::locks: without that right S3 answers 403" in str(why)


def test_a_denied_replace_tells_of_the_right_to_read(s3: MisbehavingS3) -> None:
    assert "s3:GetObject, which If-Match needs" in str(
        refused(s3, REPLACE, error(403, "AccessDenied"))
    )


def test_a_denial_repeats_what_s3_said(s3: MisbehavingS3) -> None:
    why = refused(s3, CREATE, error(403, "AccessDenied", "with an explicit deny"))
    assert "AccessDenied: with an explicit deny" in str(why)


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (404, "NoSuchBucket", "There is no bucket locks: create it"),
        (403, "ExpiredToken", "renew them"),
        (400, "ExpiredToken", "renew them"),
        (403, "InvalidAccessKeyId", "renew them"),
        (403, "SignatureDoesNotMatch", "renew them"),
        (403, "RequestTimeTooSkewed", "clock of this machine is wrong"),
        (301, "PermanentRedirect", "another Region"),
        (400, "AuthorizationHeaderMalformed", "another Region"),
        (501, "NotImplemented", "needs conditional writes"),
        (405, "MethodNotAllowed", "needs conditional writes"),
        (400, "InvalidArgument", "Trying again will not help"),
    ],
)
def test_a_refusal_says_what_to_do(s3: MisbehavingS3, status: int, code: str, remedy: str) -> None:
    why = refused(s3, CREATE, error(status, code))
    assert remedy in str(why)


def test_a_redirect_names_the_region_of_the_bucket(s3: MisbehavingS3) -> None:
    told = error(301, "PermanentRedirect", x_amz_bucket_region="eu-central-1")
    s3.will(told, told)  # botocore asks once more, of that Region
    with pytest.raises(BucketUnusable, match=r"another Region \(eu-central-1\)"):
        S3Store("locks", client=own_client(s3)).perform(Read(KEY))


def test_a_404_that_is_not_s3s_does_not_pass_for_a_missing_object(s3: MisbehavingS3) -> None:
    """It may be a proxy's, or S3's own whose body broke off."""
    s3.will(answer(404, b"<html>not found</html>"))
    assert isinstance(S3Store("locks", client=own_client(s3)).perform(Read(KEY)), Unknown)


def test_a_resource_is_named_in_its_own_partition(s3: MisbehavingS3) -> None:
    s3.will(error(403, "AccessDenied"))
    store = S3Store("locks", client=own_client(s3, region="cn-north-1"))
    with pytest.raises(BucketUnusable, match="arn:aws-cn:s3:::locks"):
        store.perform(CREATE)


def test_missing_credentials_are_a_humans_business(
    s3: MisbehavingS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
    with pytest.raises(BucketUnusable, match="credentials are missing"):
        S3Store("locks").perform(Read(KEY))


# ------------------------------------------------------------------- what cannot be asked for


@pytest.mark.parametrize("etag", ["", "*"])
def test_an_etag_that_would_match_anything_is_refused_unsent(s3: MisbehavingS3, etag: str) -> None:
    with pytest.raises(InvalidArgument):
        S3Store("locks", client=own_client(s3)).perform(Replace(KEY, b"{}", etag))
    assert s3.sent == []


@pytest.mark.parametrize("bucket", ["locks--use1-az4--x-s3", "alias--use1-az4--xa-s3"])
def test_a_directory_bucket_is_refused_at_once(bucket: str) -> None:
    with pytest.raises(BucketUnusable, match="no order and no StartAfter"):
        S3Store(bucket)


def test_a_bucket_must_have_a_name() -> None:
    with pytest.raises(InvalidArgument):
        S3Store("")


def test_a_name_that_no_bucket_can_have_is_echoed(s3: MisbehavingS3) -> None:
    with pytest.raises(InvalidArgument, match="no bucket!"):
        S3Store("no bucket!", client=own_client(s3)).perform(Read(KEY))


def test_a_timeout_must_be_positive() -> None:
    with pytest.raises(InvalidArgument, match="0:00:00"):
        S3Store("locks", timeout=timedelta(0))


def test_a_boto3_that_knows_no_if_match_is_told_from_which_version_it_does() -> None:
    shape = SimpleNamespace(members={"IfNoneMatch": None})
    model = SimpleNamespace(operation_model=lambda _: SimpleNamespace(input_shape=shape))
    old = cast("Any", SimpleNamespace(meta=SimpleNamespace(service_model=model)))
    with pytest.raises(InvalidArgument, match=r"1\.35\.69"):
        S3Store("locks", client=old)


# ---------------------------------------------------------------- clients with retries of their own


@pytest.mark.parametrize("write", [CREATE, REPLACE])
def test_a_conflict_after_a_retry_may_be_with_oneself(
    s3: MisbehavingS3, write: StoreRequest
) -> None:
    s3.will(error(500, "InternalError"), error(412, "PreconditionFailed"))
    assert isinstance(S3Store("locks", client=own_client(s3, tries=2)).perform(write), Unknown)


def test_a_conflict_at_the_first_try_is_one_for_any_client(s3: MisbehavingS3) -> None:
    s3.will(error(412, "PreconditionFailed"))
    assert isinstance(S3Store("locks", client=own_client(s3, tries=2)).perform(CREATE), Conflict)


def test_a_success_after_a_retry_is_a_success(s3: MisbehavingS3) -> None:
    s3.will(error(500, "InternalError"), answer(200, ETag=ETAG))
    assert isinstance(S3Store("locks", client=own_client(s3, tries=2)).perform(CREATE), Applied)


def test_what_is_missing_after_a_retry_is_missing(s3: MisbehavingS3) -> None:
    s3.will(error(500, "InternalError"), error(404, "NoSuchKey"))
    assert isinstance(S3Store("locks", client=own_client(s3, tries=2)).perform(Read(KEY)), Missing)
