"""Each exception of a boto3 client becomes an answer, or an `S3LeaderError`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    MetadataRetrievalError,
    NoCredentialsError,
    SSLError,
)

from s3leader import BucketUnusable, Election, InvalidArgument, Term, testing
from s3leader._core.requests import Applied, StoreRequest, Unknown
from s3leader._io.s3_client import default_client
from s3leader._io.s3_store import S3Store
from s3leader.testing import FakeClock
from tests.contract.s3_store.misbehaving_s3 import (
    CREATE,
    ETAG,
    EVERY_REQUEST,
    MisbehavingS3,
    answer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

EXPIRED = RuntimeError(
    "Credentials were refreshed, but the refreshed credentials are still expired."
)
TRANSIENT = [
    EXPIRED,
    OSError("Too many open files"),
    ValueError("invalid literal for int()"),
    KeyError("AccessKeyId"),
    AttributeError("'NoneType' object has no attribute 'access_key'"),
    CredentialRetrievalError(provider="custom-process", error_msg="exit code 1"),
    MetadataRetrievalError(error_msg="the container's endpoint timed out"),
]


def raising(client: S3Client, error: BaseException, times: int = 10**6) -> Iterator[None]:
    """Let the client raise before it sends the next requests, as signing does."""
    left = [times]

    def raises(**_: object) -> None:
        if left[0]:
            left[0] -= 1
            raise error

    client.meta.events.register_first("request-created.s3", raises, unique_id="raises")
    yield
    client.meta.events.unregister("request-created.s3", raises, unique_id="raises")


@pytest.fixture
def broken(request: pytest.FixtureRequest, client: S3Client) -> Iterator[S3Client]:
    for _ in raising(client, request.param):
        yield client


@pytest.mark.parametrize("request_", EVERY_REQUEST, ids=lambda request: type(request).__name__)
@pytest.mark.parametrize("broken", TRANSIENT, indirect=True, ids=lambda e: type(e).__name__)
def test_an_exception_of_the_client_means_unknown(broken: S3Client, request_: StoreRequest) -> None:
    assert isinstance(S3Store("locks", client=broken).perform(request_), Unknown)


@pytest.mark.parametrize("broken", [EXPIRED], indirect=True)
def test_the_cause_is_the_text_of_the_exception(broken: S3Client) -> None:
    outcome = S3Store("locks", client=broken).perform(CREATE)
    assert isinstance(outcome, Unknown)
    assert outcome.cause == f"RuntimeError: {EXPIRED}"


@pytest.mark.parametrize(
    "broken", [KeyboardInterrupt(), SystemExit(1)], indirect=True, ids=lambda e: type(e).__name__
)
def test_an_interruption_passes_through(broken: S3Client) -> None:
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        S3Store("locks", client=broken).perform(CREATE)


@pytest.mark.parametrize("broken", [NoCredentialsError()], indirect=True)
def test_missing_credentials_are_an_error_at_once(broken: S3Client) -> None:
    with pytest.raises(BucketUnusable, match="credentials are missing"):
        S3Store("locks", client=broken).perform(CREATE)


UNTRUSTED = SSLError(endpoint_url="https://s3", error=OSError("[SSL: CERTIFICATE_VERIFY_FAILED]"))
RESET = SSLError(endpoint_url="https://s3", error=OSError("EOF occurred in violation of protocol"))


@pytest.mark.parametrize("broken", [UNTRUSTED], indirect=True)
def test_an_untrusted_certificate_is_an_error(broken: S3Client) -> None:
    with pytest.raises(BucketUnusable, match="AWS_CA_BUNDLE"):
        S3Store("locks", client=broken).perform(CREATE)


@pytest.mark.parametrize("broken", [RESET], indirect=True)
def test_a_broken_tls_connection_means_unknown(broken: S3Client) -> None:
    assert isinstance(S3Store("locks", client=broken).perform(CREATE), Unknown)


def test_expired_refreshed_credentials_mean_unknown(
    s3: MisbehavingS3,
) -> None:
    """A refresh may return credentials that have expired already (analytics-platform issue 86)."""
    stale = [True]

    def fetched() -> dict[str, str]:
        ends = datetime.now(UTC) + timedelta(seconds=-1 if stale.pop() else 7200)
        stale.append(False)
        return {"access_key": "a", "secret_key": "b", "token": "c", "expiry_time": ends.isoformat()}

    client: Any = s3.client()
    over = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    known = {"access_key": "a", "secret_key": "b", "token": "c", "expiry_time": over}
    credentials = RefreshableCredentials.create_from_metadata(known, fetched, "test")
    client._request_signer._credentials = credentials
    s3.will(answer(200, ETag=ETAG))
    store = S3Store("locks", client=client)
    assert [type(store.perform(CREATE)) for _ in range(2)] == [Unknown, Applied]


# ------------------------------------------------------------------------ clients of other kinds


@pytest.mark.parametrize("client", [object(), "s3", 0], ids=lambda client: type(client).__name__)
def test_a_client_of_another_type_is_refused_with_its_value(client: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected a boto3 S3 client, got "):
        S3Store("locks", client=client)


def test_an_environment_that_botocore_cannot_use_is_an_invalid_argument(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def session(**_: object) -> object:
        raise RuntimeError("a plug-in of botocore's failed")

    monkeypatch.setattr("boto3.session.Session", session)
    with pytest.raises(InvalidArgument, match="RuntimeError: a plug-in of botocore's failed"):
        default_client(timedelta(seconds=1), None)


# ------------------------------------------------------------- who refused, by the operation


def refused_by(operation: str, code: str, message: str = "", status: int = 403) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0},
    }
    return ClientError(response, operation)


ROLE = "arn:aws:iam::111122223333:role/job"
ASSUME = refused_by(
    "AssumeRoleWithWebIdentity",
    "AccessDenied",
    f"Not authorized to perform sts:AssumeRoleWithWebIdentity on resource: {ROLE}",
)


@pytest.mark.parametrize("request_", EVERY_REQUEST, ids=lambda request: type(request).__name__)
@pytest.mark.parametrize("broken", [ASSUME], indirect=True, ids=["sts"])
def test_a_role_that_cannot_be_assumed_is_not_blamed_on_the_bucket(
    broken: S3Client, request_: StoreRequest
) -> None:
    with pytest.raises(BucketUnusable, match="The bucket did not refuse") as refused:
        S3Store("locks", client=broken).perform(request_)
    why = refused.value
    assert (why.action, why.resource) == ("sts:AssumeRoleWithWebIdentity", ROLE)
    assert "s3:" not in str(why)


@pytest.mark.parametrize(
    ("broken", "action"),
    [
        (refused_by("GetRoleCredentials", "ForbiddenException"), "sso:GetRoleCredentials"),
        (refused_by("CreateToken", "InvalidGrantException", status=400), "sso-oidc:CreateToken"),
        (refused_by("AssumeRole", "ExpiredToken"), "sts:AssumeRole"),
        (refused_by("SomethingNew", "AccessDenied"), "SomethingNew"),
    ],
    indirect=["broken"],
)
def test_a_refusal_names_the_service_and_operation_that_refused(
    broken: S3Client, action: str
) -> None:
    with pytest.raises(BucketUnusable) as refused:
        S3Store("locks", client=broken).perform(CREATE)
    assert refused.value.action == action


@pytest.mark.parametrize(
    "broken",
    [
        refused_by("AssumeRole", "Throttling", status=400),
        refused_by("AssumeRole", "ServiceUnavailable", status=503),
        refused_by("AssumeRoleWithWebIdentity", "IDPCommunicationError", status=400),
        refused_by("GetRoleCredentials", "TooManyRequestsException", status=429),
        refused_by("AssumeRole", "PreconditionFailed", status=503),
    ],
    indirect=True,
)
def test_a_transient_error_of_another_service_means_unknown(broken: S3Client) -> None:
    assert isinstance(S3Store("locks", client=broken).perform(CREATE), Unknown)


@pytest.mark.parametrize("code", ["PreconditionFailed", "NoSuchKey"])
def test_an_error_of_another_service_is_never_taken_for_an_answer_of_s3(
    client: S3Client, code: str
) -> None:
    for request in EVERY_REQUEST:
        for _ in raising(client, refused_by("AssumeRole", code, status=412)):
            with pytest.raises(BucketUnusable):
                S3Store("locks", client=client).perform(request)


def test_a_campaign_reports_why_it_has_no_credentials(client: S3Client) -> None:
    for _ in raising(client, ASSUME):
        with pytest.raises(BucketUnusable, match="trust policy"):
            Election("nightly", bucket="locks", client=client).campaign()


def test_a_campaign_survives_one_exception_of_the_client(
    s3: MisbehavingS3, client: S3Client
) -> None:
    page = b"<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated>"
    conflict = answer(412)
    s3.will(answer(200, page + b"</ListBucketResult>"), answer(200, ETag=ETAG), conflict, conflict)
    store = S3Store("locks", client=client)
    election = testing.election("nightly", store=store, clock=FakeClock())
    for _ in raising(client, EXPIRED, times=1):
        assert isinstance(election.campaign(), Term)
