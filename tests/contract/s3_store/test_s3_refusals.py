"""Errors that S3Store raises, with their remedies; and clients with retries of their own."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from s3leader._core.requests import (
    Applied,
    Conflict,
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
    CREATE,
    ETAG,
    KEY,
    REPLACE,
    MisbehavingS3,
    answer,
    error,
)

if TYPE_CHECKING:
    from pathlib import Path


OBJECT = f"arn:aws:s3:::locks/{KEY}"


def refused(s3: MisbehavingS3, request: StoreRequest, response: bytes) -> BucketUnusable:
    s3.will(response)
    with pytest.raises(BucketUnusable) as caught:
        S3Store("locks", client=s3.client()).perform(request)
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


def test_a_denied_read_mentions_the_list_right(s3: MisbehavingS3) -> None:
    why = refused(s3, Read(KEY), error(403, "AccessDenied"))
    assert "s3:ListBucket on arn:aws:s3:::locks: without that right S3 answers 403" in str(why)


def test_a_denied_replace_mentions_the_read_right(s3: MisbehavingS3) -> None:
    assert "s3:GetObject, which If-Match needs" in str(
        refused(s3, REPLACE, error(403, "AccessDenied"))
    )


def test_a_denial_repeats_the_message_of_s3(s3: MisbehavingS3) -> None:
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
def test_a_refusal_names_the_remedy(s3: MisbehavingS3, status: int, code: str, remedy: str) -> None:
    why = refused(s3, CREATE, error(status, code))
    assert remedy in str(why)


def test_a_redirect_names_the_region_of_the_bucket(s3: MisbehavingS3) -> None:
    response = error(301, "PermanentRedirect", x_amz_bucket_region="eu-central-1")
    s3.will(response, response)  # botocore asks once more, of that Region
    with pytest.raises(BucketUnusable, match=r"another Region \(eu-central-1\)"):
        S3Store("locks", client=s3.client()).perform(Read(KEY))


def test_a_404_without_an_error_code_means_unknown(s3: MisbehavingS3) -> None:
    """It may come from a proxy, or be a truncated answer of S3."""
    s3.will(answer(404, b"<html>not found</html>"))
    assert isinstance(S3Store("locks", client=s3.client()).perform(Read(KEY)), Unknown)


def test_a_resource_is_named_in_its_partition(s3: MisbehavingS3) -> None:
    s3.will(error(403, "AccessDenied"))
    store = S3Store("locks", client=s3.client(region="cn-north-1"))
    with pytest.raises(BucketUnusable, match="arn:aws-cn:s3:::locks"):
        store.perform(CREATE)


def test_missing_credentials_are_an_error(
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


# ------------------------------------------------------------------- invalid requests


@pytest.mark.parametrize("etag", ["", "*"])
def test_an_etag_that_matches_any_object_is_refused_unsent(s3: MisbehavingS3, etag: str) -> None:
    with pytest.raises(InvalidArgument):
        S3Store("locks", client=s3.client()).perform(Replace(KEY, b"{}", etag))
    assert s3.sent == []


def test_a_timeout_must_be_positive() -> None:
    with pytest.raises(InvalidArgument, match="0:00:00"):
        S3Store("locks", timeout=timedelta(0))


def test_an_old_boto3_is_refused_with_the_version_to_install() -> None:
    shape = SimpleNamespace(members={"IfNoneMatch": None})
    model = SimpleNamespace(operation_model=lambda _: SimpleNamespace(input_shape=shape))
    old = cast("Any", SimpleNamespace(meta=SimpleNamespace(service_model=model)))
    with pytest.raises(InvalidArgument, match=r"1\.35\.69"):
        S3Store("locks", client=old)


# ---------------------------------------------------------------- clients with retries of their own


@pytest.mark.parametrize("write", [CREATE, REPLACE])
def test_a_conflict_after_a_retry_of_the_client_means_unknown(
    s3: MisbehavingS3, write: StoreRequest
) -> None:
    s3.will(error(500, "InternalError"), error(412, "PreconditionFailed"))
    assert isinstance(S3Store("locks", client=s3.client(tries=2)).perform(write), Unknown)


def test_a_conflict_at_the_first_try_of_the_client_is_a_conflict(s3: MisbehavingS3) -> None:
    s3.will(error(412, "PreconditionFailed"))
    assert isinstance(S3Store("locks", client=s3.client(tries=2)).perform(CREATE), Conflict)


def test_a_success_after_a_retry_is_a_success(s3: MisbehavingS3) -> None:
    s3.will(error(500, "InternalError"), answer(200, ETag=ETAG))
    assert isinstance(S3Store("locks", client=s3.client(tries=2)).perform(CREATE), Applied)


def test_a_missing_object_after_a_retry_is_missing(s3: MisbehavingS3) -> None:
    s3.will(error(500, "InternalError"), error(404, "NoSuchKey"))
    assert isinstance(S3Store("locks", client=s3.client(tries=2)).perform(Read(KEY)), Missing)
