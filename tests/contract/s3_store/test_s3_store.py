"""S3Store on the wire: the requests it sends, and how it translates each answer."""

from __future__ import annotations

import socket
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from s3leader._core.requests import (
    Applied,
    Conflict,
    Create,
    Found,
    List,
    Listed,
    Missing,
    Read,
    Replace,
    StoreRequest,
    Tag,
    Unknown,
)
from s3leader._io.s3_store import S3Store
from tests.contract.s3_store.misbehaving_s3 import (
    CREATE,
    DATE_MS,
    ETAG,
    EVERY_REQUEST,
    KEY,
    MODIFIED_MS,
    REPLACE,
    MisbehavingS3,
    answer,
    error,
    found,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EMPTY_LIST = (
    b"<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"
)


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def s3(s3: MisbehavingS3, monkeypatch: pytest.MonkeyPatch) -> MisbehavingS3:
    """Let the clients that a store makes for itself send their requests to the server."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.endpoint)
    return s3


@cache
def default_client(endpoint: str, timeout: timedelta = timedelta(seconds=10)) -> S3Client:
    return S3Store("locks", timeout=timeout)._client


@pytest.fixture
def store(s3: MisbehavingS3) -> S3Store:
    return S3Store("locks", client=default_client(s3.endpoint))


# ---------------------------------------------------------------------------------- requests


def test_create_is_a_put_with_if_none_match(s3: MisbehavingS3, store: S3Store) -> None:
    s3.will(answer(200, ETag=ETAG))
    store.perform(CREATE)
    (sent,) = s3.sent
    conditions = sent.headers.get("if-none-match"), sent.headers.get("if-match")
    assert (sent.method, *conditions) == ("PUT", "*", None)


def test_replace_is_a_put_with_if_match(s3: MisbehavingS3, store: S3Store) -> None:
    s3.will(answer(200, ETag=ETAG))
    store.perform(REPLACE)
    (sent,) = s3.sent
    conditions = sent.headers.get("if-none-match"), sent.headers.get("if-match")
    assert (sent.method, *conditions) == ("PUT", None, ETAG)


@pytest.mark.parametrize("write", [CREATE, REPLACE])
def test_a_body_is_sent_unchanged(
    s3: MisbehavingS3, store: S3Store, write: Create | Replace
) -> None:
    s3.will(answer(200, ETag=ETAG))
    store.perform(write)
    assert s3.sent[0].body == write.body


@pytest.mark.parametrize("write", [CREATE, REPLACE])
def test_a_body_is_sent_as_json_with_no_checksum_trailer(
    s3: MisbehavingS3, store: S3Store, write: Create | Replace
) -> None:
    s3.will(answer(200, ETag=ETAG))
    store.perform(write)
    headers = s3.sent[0].headers
    assert headers["content-type"] == "application/json"
    assert [name for name in headers if "checksum" in name or "trailer" in name] == []


def test_requests_to_an_ip_address_have_the_bucket_in_the_path(
    s3: MisbehavingS3, store: S3Store
) -> None:
    s3.will(found(b"{}"))
    store.perform(Read(KEY))
    assert s3.sent[0].target == f"/locks/{KEY}"


def test_a_list_request_has_prefix_and_start(s3: MisbehavingS3, store: S3Store) -> None:
    s3.will(answer(200, EMPTY_LIST))
    store.perform(List("elections/", "elections/a"))
    query = parse_qs(urlsplit(s3.sent[0].target).query)
    assert query == {
        "list-type": ["2"],
        "prefix": ["elections/"],
        "start-after": ["elections/a"],
        "max-keys": ["1000"],
        "encoding-type": ["url"],
    }


def test_a_list_is_continued_by_its_token_alone(s3: MisbehavingS3, store: S3Store) -> None:
    s3.will(answer(200, EMPTY_LIST))
    store.perform(List("elections/", "elections/a", token="t+/="))
    query = parse_qs(urlsplit(s3.sent[0].target).query)
    assert (query["continuation-token"], query["prefix"]) == (["t+/="], ["elections/"])
    assert "start-after" not in query


def test_the_tag_is_that_of_the_lifecycle_rule(s3: MisbehavingS3, store: S3Store) -> None:
    s3.will(answer(200))
    store.perform(Tag(KEY))
    assert b"<Tag><Key>superseded</Key><Value>true</Value></Tag>" in s3.sent[0].body


# ----------------------------------------------------------------------------------- answers


@pytest.mark.parametrize("write", [CREATE, REPLACE])
def test_a_write_that_succeeds_is_applied(
    s3: MisbehavingS3, store: S3Store, write: StoreRequest
) -> None:
    s3.will(answer(200, ETag=ETAG))
    assert store.perform(write) == Applied(ETAG, DATE_MS)


def test_an_object_is_found_with_the_times_of_s3(s3: MisbehavingS3, store: S3Store) -> None:
    s3.will(found(b"body"))
    assert store.perform(Read(KEY)) == Found(b"body", ETAG, DATE_MS, MODIFIED_MS)


def test_keys_are_listed_decoded(s3: MisbehavingS3, store: S3Store) -> None:
    page = (
        b"<ListBucketResult><EncodingType>url</EncodingType><KeyCount>2</KeyCount>"
        b"<IsTruncated>true</IsTruncated>"
        b"<Contents><Key>a+b%2Bc</Key></Contents><Contents><Key>%C3%BC</Key></Contents>"
        b"<NextContinuationToken>t+/=</NextContinuationToken></ListBucketResult>"
    )
    s3.will(answer(200, page))
    assert store.perform(List("")) == Listed(("a b+c", "ü"), True, DATE_MS, "t+/=")


def test_an_empty_page_may_be_followed_by_others(s3: MisbehavingS3, store: S3Store) -> None:
    page = (
        b"<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>true</IsTruncated>"
        b"<NextContinuationToken>token</NextContinuationToken></ListBucketResult>"
    )
    s3.will(answer(200, page))
    assert store.perform(List("")) == Listed((), True, DATE_MS, "token")


@pytest.mark.parametrize("write", [CREATE, REPLACE])
@pytest.mark.parametrize("status", [412, 200])
def test_a_failed_condition_is_a_conflict_whatever_its_status(
    s3: MisbehavingS3, store: S3Store, write: StoreRequest, status: int
) -> None:
    s3.will(error(status, "PreconditionFailed"))
    assert store.perform(write) == Conflict(DATE_MS)


def test_a_412_without_a_code_is_a_conflict(s3: MisbehavingS3, store: S3Store) -> None:
    s3.will(answer(412))
    assert store.perform(CREATE) == Conflict(DATE_MS)


def test_a_replace_of_a_missing_object_is_a_conflict(s3: MisbehavingS3, store: S3Store) -> None:
    s3.will(error(404, "NoSuchKey"))
    assert store.perform(REPLACE) == Conflict(DATE_MS)


@pytest.mark.parametrize("request_", [Read(KEY), Tag(KEY)])
@pytest.mark.parametrize(
    "response",
    [error(404, "NoSuchKey"), error(405, "MethodNotAllowed", x_amz_delete_marker="true")],
)
def test_an_absent_or_deleted_object_is_missing(
    s3: MisbehavingS3, store: S3Store, request_: StoreRequest, response: bytes
) -> None:
    s3.will(response)
    assert store.perform(request_) == Missing(DATE_MS)


# --------------------------------------------------------------------------- unknown outcomes

LOST = {
    "hung up": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nDat",
    "not HTTP": b"\x16\x03\x01 what is this\r\n\r\n",
    "409 under If-None-Match": error(409, "ConditionalRequestConflict"),
    "409 among writes": error(409, "OperationAborted"),
    "409 of another kind": error(409, "SomethingElse"),
    "500": error(500, "InternalError"),
    "502 of a proxy": answer(502, b"<html>bad gateway</html>"),
    "503": error(503, "SlowDown"),
    "503 without a body": answer(503),
    "429": error(429, "TooManyRequests"),
    "429 without a body": answer(429),
    "throttled with 400": error(400, "ThrottlingException"),
    "the key service throttles": error(400, "KMS.ThrottlingException"),
    "S3 waited for the body": error(400, "RequestTimeout"),
    "an error cut short": error(500, "InternalError")[:-9],
}


@pytest.mark.parametrize("request_", EVERY_REQUEST, ids=lambda request: type(request).__name__)
@pytest.mark.parametrize("response", LOST.values(), ids=LOST.keys())
def test_a_lost_or_transient_answer_means_unknown_after_one_try(
    s3: MisbehavingS3, store: S3Store, request_: StoreRequest, response: bytes
) -> None:
    s3.will(response)
    outcome = store.perform(request_)
    assert (type(outcome), len(s3.sent)) == (Unknown, 1)


@pytest.mark.parametrize("request_", EVERY_REQUEST, ids=lambda request: type(request).__name__)
def test_no_answer_within_the_timeout_means_unknown_after_one_try(
    s3: MisbehavingS3, request_: StoreRequest
) -> None:
    s3.will(None)
    client = default_client(s3.endpoint, timedelta(seconds=1))
    outcome = S3Store("locks", client=client).perform(request_)
    assert (type(outcome), len(s3.sent)) == (Unknown, 1)


def test_the_timeout_bounds_connecting_and_reading() -> None:
    config: Any = S3Store("locks", timeout=timedelta(milliseconds=1500))._client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (1.5, 1.5)


def test_a_temporary_redirect_means_unknown(s3: MisbehavingS3, store: S3Store) -> None:
    moved = error(307, "TemporaryRedirect")
    s3.will(moved, moved)  # botocore follows once by itself
    assert isinstance(store.perform(CREATE), Unknown)


@pytest.mark.parametrize("request_", [CREATE, REPLACE, Read(KEY), List(""), Tag(KEY)])
@pytest.mark.parametrize("status", [408, 421, 425])
def test_a_status_that_asks_for_another_try_means_unknown(
    s3: MisbehavingS3, store: S3Store, request_: StoreRequest, status: int
) -> None:
    s3.will(answer(status))
    assert isinstance(store.perform(request_), Unknown)


TRUNCATED: dict[str, tuple[StoreRequest, bytes]] = {
    "an object cut short": (Read(KEY), found(b"body", cut=1)),
    "an object without its head's end": (Read(KEY), found(b"body", cut=5)),
    "a list cut short": (List(""), answer(200, EMPTY_LIST, cut=9)),
    "a list that is not XML": (List(""), answer(200, EMPTY_LIST[:-9])),
}


@pytest.mark.parametrize(("request_", "response"), TRUNCATED.values(), ids=TRUNCATED)
def test_a_truncated_success_means_unknown(
    s3: MisbehavingS3, store: S3Store, request_: StoreRequest, response: bytes
) -> None:
    s3.will(response)
    assert isinstance(store.perform(request_), Unknown)


def test_a_refused_connection_means_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))  # bound, but not listening: refuses every connection
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unheard.getsockname()[1]}")
        outcome = S3Store("locks").perform(CREATE)
    assert isinstance(outcome, Unknown)


def test_an_unknown_outcome_names_its_cause(s3: MisbehavingS3, store: S3Store) -> None:
    s3.will(error(503, "SlowDown", "Reduce your request rate"))
    outcome = store.perform(CREATE)
    assert isinstance(outcome, Unknown)
    assert "SlowDown (HTTP 503)" in outcome.cause


# -------------------------------------------------------------------------- bodies and limits


@pytest.mark.parametrize(
    ("body", "read"), [(b"1234", b"1234"), (b"12345", b"12345"), (b"123456789", b"12345")]
)
def test_a_body_is_read_up_to_its_limit(s3: MisbehavingS3, body: bytes, read: bytes) -> None:
    s3.will(found(body))
    store = S3Store("locks", client=default_client(s3.endpoint), body_limit=5)
    answered = store.perform(Read(KEY))
    assert isinstance(answered, Found)
    assert answered.body == read


def test_a_body_truncated_below_the_limit_means_unknown(s3: MisbehavingS3) -> None:
    s3.will(found(b"123456789", cut=6))
    store = S3Store("locks", client=default_client(s3.endpoint), body_limit=5)
    assert isinstance(store.perform(Read(KEY)), Unknown)
