"""Errors of S3 and of its client: each becomes an answer, or an `S3LeaderError` with a remedy."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    MetadataRetrievalError,
    ReadTimeoutError,
    SSLError,
)

from s3leader import BucketUnusable, InvalidArgument, Term, testing
from s3leader._core.requests import Applied, List, StoreRequest, Tag, Unknown
from s3leader._io.http_client import HttpS3Client
from s3leader._io.s3_client import default_client
from s3leader._io.s3_store import S3Store
from s3leader.testing import FakeClock
from tests.contract.s3_store.misbehaving_s3 import (
    CREATE,
    ETAG,
    EVERY_REQUEST,
    KEY,
    READ,
    REPLACE,
    MisbehavingS3,
    answer,
    error,
    page,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from s3leader._io.s3_client import StoreClient

OBJECT = f"arn:aws:s3:::locks/{KEY}"


@pytest.mark.parametrize(
    ("request_", "right", "other"),
    [
        (List("elections/"), "s3:ListBucket on arn:aws:s3:::locks", ""),
        (READ, f"s3:GetObject on {OBJECT}", "s3:ListBucket on arn:aws:s3:::locks: without that"),
        (CREATE, f"s3:PutObject on {OBJECT}", ""),
        (REPLACE, f"s3:PutObject on {OBJECT}", "s3:GetObject, which If-Match needs"),
        (Tag(KEY), f"s3:PutObjectTagging on {OBJECT}", ""),
    ],
    ids=["list", "read", "create", "replace", "tag"],
)
def test_a_denial_names_the_right_and_the_other_one_that_the_request_needs(
    s3: MisbehavingS3, store: S3Store, request_: StoreRequest, right: str, other: str
) -> None:
    s3.will(error(403, "AccessDenied", "with an explicit deny"))
    with pytest.raises(BucketUnusable, match="AccessDenied: with an explicit deny") as refused:
        store.perform(request_)
    why = refused.value
    assert (f"{why.action} on {why.resource}", why.code) == (right, "AccessDenied")
    assert right in str(why)
    assert other in str(why)


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (404, "NoSuchBucket", "There is no bucket locks: create it"),
        (403, "ExpiredToken", "renew them"),
        (400, "ExpiredToken", "renew them"),
        (403, "InvalidAccessKeyId", "renew them"),
        (403, "SignatureDoesNotMatch", "renew them"),
        (403, "RequestTimeTooSkewed", "clock of this machine is wrong"),
        (301, "PermanentRedirect", r"another Region \(eu-central-1\)"),
        (400, "AuthorizationHeaderMalformed", "another Region"),
        (501, "NotImplemented", "needs conditional writes"),
        (405, "MethodNotAllowed", "needs conditional writes"),
        (400, "InvalidArgument", "Trying again will not help"),
    ],
)
def test_a_refusal_names_the_remedy(
    s3: MisbehavingS3, store: S3Store, status: int, code: str, remedy: str
) -> None:
    response = error(status, code, x_amz_bucket_region="eu-central-1")
    s3.will(response, response)  # botocore asks the other Region once more
    with pytest.raises(BucketUnusable, match=remedy):
        store.perform(CREATE)


def test_a_resource_is_named_in_its_partition(s3: MisbehavingS3) -> None:
    s3.will(error(403, "AccessDenied"))
    store = S3Store("locks", client=s3.client(region="cn-north-1"))
    with pytest.raises(BucketUnusable, match="arn:aws-cn:s3:::locks"):
        store.perform(CREATE)


def test_missing_credentials_are_an_error_at_once(
    s3: MisbehavingS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(BucketUnusable, match="credentials are missing"):
        S3Store("locks").perform(READ)


EXPIRED = RuntimeError(
    "Credentials were refreshed, but the refreshed credentials are still expired."
)
TRANSIENT = [
    EXPIRED,
    OSError("Too many open files"),
    ValueError("invalid literal for int()"),
    KeyError("AccessKeyId"),
    CredentialRetrievalError(provider="custom-process", error_msg="exit code 1"),
    MetadataRetrievalError(error_msg="the container's endpoint timed out"),
    SSLError(endpoint_url="https://s3", error=OSError("EOF occurred in violation of protocol")),
]


class RaisingCredentials:
    """Credentials that raise an error when they are used for the first `times` requests."""

    def __init__(self, real: Any, error: BaseException, times: int) -> None:
        self.real, self.error, self.left = real, error, times

    def get_frozen_credentials(self) -> Any:
        if self.left:
            self.left -= 1
            raise self.error
        return self.real.get_frozen_credentials()


def holder_of_credentials(client: Any) -> Any:
    return client if isinstance(client, HttpS3Client) else client._request_signer


@contextmanager
def raising(client: StoreClient, error: BaseException, times: int = 10**6) -> Iterator[S3Store]:
    """Return a store whose client raises before it sends the next requests, as signing does."""
    holder = holder_of_credentials(client)
    real = holder._credentials
    holder._credentials = RaisingCredentials(real, error, times)
    yield S3Store("locks", client=client)
    holder._credentials = real


@pytest.mark.parametrize("request_", EVERY_REQUEST, ids=lambda request: type(request).__name__)
@pytest.mark.parametrize("raised", TRANSIENT, ids=lambda raised: type(raised).__name__)
def test_an_exception_of_the_client_means_unknown(
    client: StoreClient, raised: Exception, request_: StoreRequest
) -> None:
    with raising(client, raised) as store:
        outcome = store.perform(request_)
    assert isinstance(outcome, Unknown)
    assert outcome.cause == f"{type(raised).__name__}: {raised}"


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_an_interruption_passes_through(client: StoreClient, raised: type[BaseException]) -> None:
    with raising(client, raised()) as store, pytest.raises(raised):
        store.perform(CREATE)


def test_an_untrusted_certificate_is_an_error(client: StoreClient) -> None:
    untrusted = SSLError(endpoint_url="https://s3", error=OSError("CERTIFICATE_VERIFY_FAILED"))
    with raising(client, untrusted) as store, pytest.raises(BucketUnusable, match="AWS_CA_BUNDLE"):
        store.perform(CREATE)


@pytest.mark.parametrize(
    ("kind", "because"),
    [
        (EndpointConnectionError, {}),
        (ReadTimeoutError, {}),
        (SSLError, {"error": OSError("EOF occurred")}),
        (SSLError, {"error": OSError("CERTIFICATE_VERIFY_FAILED")}),
    ],
)
def test_no_answer_names_the_credentials_in_an_endpoint(
    client: StoreClient, kind: type[BotoCoreError], because: dict[str, Any]
) -> None:
    error = kind(endpoint_url="https://user:secret@s3.example:9000", **because)
    with raising(client, error) as store:
        try:
            outcome = repr(store.perform(CREATE))
        except BucketUnusable as refused:
            outcome = repr(refused)
    assert "s3.example" in outcome
    assert "secret" not in outcome


def test_expired_refreshed_credentials_mean_unknown(
    s3: MisbehavingS3, client: StoreClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refresh may return credentials that have expired already (analytics-platform issue 86)."""

    def lasting(seconds: int) -> dict[str, str]:
        ends = datetime.now(UTC) + timedelta(seconds=seconds)
        return {"access_key": "a", "secret_key": "b", "token": "c", "expiry_time": ends.isoformat()}

    fetched = iter([lasting(-1), lasting(7200)])
    expired = RefreshableCredentials.create_from_metadata(
        lasting(-1), lambda: next(fetched), "test"
    )
    monkeypatch.setattr(holder_of_credentials(client), "_credentials", expired)
    s3.will(answer(200, ETag=ETAG))
    store = S3Store("locks", client=client)
    assert [type(store.perform(CREATE)) for _ in range(2)] == [Unknown, Applied]


def test_a_campaign_survives_one_exception_of_the_client(
    s3: MisbehavingS3, client: StoreClient
) -> None:
    s3.will(answer(200, page(count=0)), answer(200, ETag=ETAG), answer(412), answer(412))
    with raising(client, EXPIRED, times=1) as store:
        election = testing.election("nightly", store=store, clock=FakeClock())
        assert isinstance(election.campaign(), Term)


def refused_by(operation: str, code: str, message: str = "", status: int = 403) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0},
    }
    return ClientError(response, operation)


@pytest.mark.parametrize(
    ("refusal", "action"),
    [
        (refused_by("GetRoleCredentials", "ForbiddenException"), "sso:GetRoleCredentials"),
        (refused_by("CreateToken", "InvalidGrantException", status=400), "sso-oidc:CreateToken"),
        (refused_by("AssumeRole", "ExpiredToken"), "sts:AssumeRole"),
        (refused_by("AssumeRole", "PreconditionFailed", status=412), "sts:AssumeRole"),
        (refused_by("AssumeRole", "NoSuchKey", status=404), "sts:AssumeRole"),
        (refused_by("SomethingNew", "AccessDenied"), "SomethingNew"),
    ],
)
def test_a_refusal_of_another_service_is_never_taken_for_an_answer_of_s3(
    client: StoreClient, refusal: ClientError, action: str
) -> None:
    for request in EVERY_REQUEST:
        with raising(client, refusal) as store, pytest.raises(BucketUnusable) as refused:
            store.perform(request)
        assert refused.value.action == action


@pytest.mark.parametrize(
    "transient",
    [
        refused_by("AssumeRole", "Throttling", status=400),
        refused_by("AssumeRole", "ServiceUnavailable", status=503),
        refused_by("AssumeRoleWithWebIdentity", "IDPCommunicationError", status=400),
        refused_by("GetRoleCredentials", "TooManyRequestsException", status=429),
        refused_by("AssumeRole", "PreconditionFailed", status=503),
    ],
)
def test_a_transient_error_of_another_service_means_unknown(
    client: StoreClient, transient: ClientError
) -> None:
    with raising(client, transient) as store:
        assert isinstance(store.perform(CREATE), Unknown)


def test_a_campaign_does_not_blame_the_bucket_for_a_role_that_cannot_be_assumed(
    client: StoreClient,
) -> None:
    role, action = "arn:aws:iam::111122223333:role/job", "sts:AssumeRoleWithWebIdentity"
    message = f"Not authorized to perform {action} on resource: {role}"
    denied = refused_by("AssumeRoleWithWebIdentity", "AccessDenied", message)
    with raising(client, denied), pytest.raises(BucketUnusable, match="trust policy") as refused:
        testing.election("nightly", store=S3Store("locks", client=client)).campaign()
    assert (refused.value.action, refused.value.resource) == (action, role)
    assert "The bucket did not refuse" in str(refused.value)
    assert "s3:" not in str(refused.value)


@pytest.mark.parametrize("client", [object(), "s3", 0], ids=lambda client: type(client).__name__)
def test_a_client_of_another_type_is_refused_with_its_value(client: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected a boto3 S3 client, got "):
        S3Store("locks", client=client)


def test_an_old_boto3_is_refused_with_the_version_to_install() -> None:
    shape = SimpleNamespace(members={"IfNoneMatch": None})
    model = SimpleNamespace(operation_model=lambda _: SimpleNamespace(input_shape=shape))
    old = cast("S3Client", SimpleNamespace(meta=SimpleNamespace(service_model=model)))
    with pytest.raises(InvalidArgument, match=r"1\.35\.69"):
        S3Store("locks", client=old)


@pytest.mark.parametrize("maker", ["botocore.session.Session", "boto3.session.Session"])
def test_an_environment_that_botocore_cannot_use_is_an_invalid_argument(
    monkeypatch: pytest.MonkeyPatch, maker: str
) -> None:
    def session(**_: object) -> object:
        raise RuntimeError("a plug-in of botocore's failed")

    monkeypatch.setattr(maker, session)
    monkeypatch.setenv("AWS_AUTH_SCHEME_PREFERENCE", "sigv4a")  # which needs a session, and boto3
    with pytest.raises(InvalidArgument, match="RuntimeError: a plug-in of botocore's failed"):
        default_client(timedelta(seconds=1), None)
