"""S3Store translates each answer once, never guesses a fact, and reports a server that omits it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from s3leader import BucketUnusable, testing
from s3leader._core.requests import (
    Applied,
    Conflict,
    Found,
    List,
    Listed,
    Missing,
    StoreAnswer,
    StoreRequest,
    Tag,
    Unknown,
)
from s3leader._io.s3_store import S3Store
from s3leader.testing import FakeClock
from tests.contract.s3_store.misbehaving_s3 import (
    CREATE,
    DATE,
    DATE_MS,
    ETAG,
    EVERY_REQUEST,
    KEY,
    MODIFIED,
    MODIFIED_MS,
    READ,
    REPLACE,
    MisbehavingS3,
    answer,
    error,
    found,
    page,
)

if TYPE_CHECKING:
    from s3leader._io.s3_client import StoreClient

WRITES: list[StoreRequest] = [CREATE, REPLACE]
ENCODED = (
    "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
    "<NextContinuationToken>t+/=</NextContinuationToken>"
)
DELETED = error(405, "MethodNotAllowed", x_amz_delete_marker="true")
NO_SUCH_KEY = error(404, "NoSuchKey")
REFUSED = error(412, "PreconditionFailed")


def kind(request: StoreRequest) -> str:
    return type(request).__name__


def per_request(*rows: tuple[str, list[StoreRequest], bytes, StoreAnswer]) -> list[object]:
    """Return one case for each request of each row."""
    return [
        pytest.param(request, response, expected, id=f"{what}-{kind(request)}")
        for what, requests, response, expected in rows
        for request in requests
    ]


@pytest.mark.parametrize(
    ("request_", "response", "expected"),
    per_request(
        ("applied", WRITES, answer(200, ETag=ETAG), Applied(ETAG, DATE_MS)),
        ("tagged", [Tag(KEY)], answer(200), Applied("", DATE_MS)),
        ("found", [READ], found(b"body"), Found(b"body", ETAG, DATE_MS, MODIFIED_MS)),
        (
            "listed decoded",
            [List("")],
            answer(200, page("a+b%2Bc", "%C3%BC", count=2, rest=ENCODED)),
            Listed(("a b+c", "ü"), True, DATE_MS, "t+/="),
        ),
        (
            "an empty page before others",
            [List("")],
            answer(200, page(count=0, rest=ENCODED)),
            Listed((), True, DATE_MS, "t+/="),
        ),
        ("412", WRITES, REFUSED, Conflict(DATE_MS)),
        ("412 without a code", WRITES, answer(412), Conflict(DATE_MS)),
        (
            "PreconditionFailed with 200",
            WRITES,
            error(200, "PreconditionFailed"),
            Conflict(DATE_MS),
        ),
        ("NoSuchKey", [REPLACE], NO_SUCH_KEY, Conflict(DATE_MS)),
        ("NoSuchKey", [READ, Tag(KEY)], NO_SUCH_KEY, Missing(DATE_MS)),
        ("delete marker", [READ, Tag(KEY)], DELETED, Missing(DATE_MS)),
    ),
)
def test_an_answer_is_translated(
    s3: MisbehavingS3,
    store: S3Store,
    request_: StoreRequest,
    response: bytes,
    expected: StoreAnswer,
) -> None:
    s3.will(response)
    assert store.perform(request_) == expected


LOST = {
    "hung up": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nDat",
    "not HTTP": b"\x16\x03\x01 what is this\r\n\r\n",
    "408": answer(408),
    "409 under If-None-Match": error(409, "ConditionalRequestConflict"),
    "421": answer(421),
    "425": answer(425),
    "429 without a body": answer(429),
    "500": error(500, "InternalError"),
    "502 of a proxy": answer(502, b"<html>bad gateway</html>"),
    "503 without a body": answer(503),
    "throttled with 400": error(400, "ThrottlingException"),
    "the key service throttles": error(400, "KMS.ThrottlingException"),
    "S3 waited for the body": error(400, "RequestTimeout"),
    "an error cut short": error(500, "InternalError")[:-9],
}


@pytest.mark.parametrize("request_", EVERY_REQUEST, ids=kind)
@pytest.mark.parametrize("response", LOST.values(), ids=LOST.keys())
def test_a_lost_or_transient_answer_means_unknown_after_one_try(
    s3: MisbehavingS3, store: S3Store, request_: StoreRequest, response: bytes
) -> None:
    s3.will(response)
    outcome = store.perform(request_)
    assert (type(outcome), len(s3.sent)) == (Unknown, 1)


def test_no_answer_within_the_timeout_means_unknown_after_one_try(s3: MisbehavingS3) -> None:
    store = S3Store("locks", timeout=timedelta(milliseconds=500))
    for number, request in enumerate(EVERY_REQUEST, 1):
        s3.will(None)
        assert (type(store.perform(request)), len(s3.sent)) == (Unknown, number)


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        pytest.param(CREATE, error(307, "TemporaryRedirect"), id="a temporary redirect"),
        # It may come from a proxy, or be a truncated answer of S3.
        pytest.param(READ, answer(404, b"<html>not found</html>"), id="a 404 without a code"),
        pytest.param(READ, found(b"body", cut=1), id="an object cut short"),
        pytest.param(READ, found(b"body", cut=5), id="an object without its head's end"),
        pytest.param(READ, found(b"123456789", cut=6), id="an object cut short below the limit"),
        pytest.param(List(""), answer(200, page(count=0), cut=9), id="a list cut short"),
        pytest.param(List(""), answer(200, page(count=0)[:-9]), id="a list that is not XML"),
    ],
)
def test_a_redirect_or_a_truncated_answer_means_unknown(
    s3: MisbehavingS3, client: StoreClient, request_: StoreRequest, response: bytes
) -> None:
    s3.will(response, response)  # botocore follows a redirect once by itself
    store = S3Store("locks", client=client, body_limit=5)
    assert isinstance(store.perform(request_), Unknown)


def test_an_unknown_outcome_names_its_cause(s3: MisbehavingS3, store: S3Store) -> None:
    s3.will(error(503, "SlowDown", "Reduce your request rate"))
    outcome = store.perform(CREATE)
    assert isinstance(outcome, Unknown)
    assert "SlowDown (HTTP 503)" in outcome.cause


@pytest.mark.parametrize(
    ("body", "read"), [(b"1234", b"1234"), (b"12345", b"12345"), (b"123456789", b"12345")]
)
def test_a_body_is_read_up_to_its_limit(
    s3: MisbehavingS3, client: StoreClient, body: bytes, read: bytes
) -> None:
    s3.will(found(body))
    answered = S3Store("locks", client=client, body_limit=5).perform(READ)
    assert isinstance(answered, Found)
    assert answered.body == read


@pytest.mark.parametrize(
    ("request_", "answers", "expected"),
    [
        (CREATE, [error(500, "InternalError"), REFUSED], Unknown),
        (REPLACE, [error(500, "InternalError"), REFUSED], Unknown),
        (CREATE, [REFUSED], Conflict),
        (CREATE, [error(500, "InternalError"), answer(200, ETag=ETAG)], Applied),
        (READ, [error(500, "InternalError"), NO_SUCH_KEY], Missing),
    ],
)
def test_only_a_conflict_after_a_retry_of_the_client_means_unknown(
    s3: MisbehavingS3, request_: StoreRequest, answers: list[bytes], expected: type
) -> None:
    s3.will(*answers)
    assert isinstance(S3Store("locks", client=s3.client(tries=2)).perform(request_), expected)


def test_a_conflict_means_unknown_if_the_client_does_not_report_its_retries(
    s3: MisbehavingS3,
) -> None:
    def forget(parsed: dict[str, dict[str, object]], **_: object) -> None:
        parsed["ResponseMetadata"].pop("RetryAttempts", None)

    client = s3.client()
    client.meta.events.register("after-call.s3.PutObject", forget)
    s3.will(REFUSED)
    assert isinstance(S3Store("locks", client=client).perform(CREATE), Unknown)


UNDATED_WRITE = answer(200, date=None, ETag=ETAG)
UNDATED: dict[str, tuple[StoreRequest, bytes]] = {
    "a list": (List(""), answer(200, page(count=0), date=None)),
    "an object": (READ, answer(200, b"{}", date=None, ETag=ETAG, Last_Modified=MODIFIED)),
    "no object": (READ, answer(404, b"<Error><Code>NoSuchKey</Code></Error>", date=None)),
    "a create": (CREATE, UNDATED_WRITE),
    "a create's conflict": (CREATE, answer(412, date=None)),
    "a replace": (REPLACE, UNDATED_WRITE),
    "a tag": (Tag(KEY), answer(200, date=None)),
}
LACKING: dict[str, tuple[StoreRequest, bytes]] = {
    "a list that does not count its keys": (List(""), answer(200, page("a"))),
    "a list that has fewer keys than it counts": (List(""), answer(200, page("a", count=2))),
    "a list without IsTruncated": (List(""), answer(200, page(count=0, rest="<Name/>"))),
    "a list without a continuation token": (
        List(""),
        answer(200, page(count=0, rest="<IsTruncated>true</IsTruncated>")),
    ),
    "an object without ETag": (READ, answer(200, b"{}", Last_Modified=MODIFIED)),
    "an object without Last-Modified": (READ, answer(200, b"{}", ETag=ETAG)),
    "an object of unknown length": (
        READ,
        f"HTTP/1.1 200 OK\r\nDate: {DATE}\r\nETag: {ETAG}\r\nLast-Modified: {MODIFIED}\r\n"
        f"Connection: close\r\n\r\n{{}}".encode(),
    ),
    "a write without ETag": (CREATE, answer(200)),
    "a write with half an ETag": (CREATE, answer(200, ETag=ETAG[:9])),
    "a write whose ETag a proxy made weak": (CREATE, answer(200, ETag="W/" + ETAG)),
    "a write with a malformed Date": (CREATE, answer(200, date="yesterday", ETag=ETAG)),
    "a write with half a Date": (CREATE, answer(200, date=DATE[:-9], ETag=ETAG)),
}
INCOMPLETE = {f"{what} without Date": response for what, response in UNDATED.items()} | LACKING


@pytest.mark.parametrize(("request_", "response"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_an_incomplete_answer_means_unknown_and_the_third_in_a_row_is_an_error(
    s3: MisbehavingS3, store: S3Store, request_: StoreRequest, response: bytes
) -> None:
    s3.will(response, response, response)
    assert [type(store.perform(request_)) for _ in range(2)] == [Unknown, Unknown]
    with pytest.raises(BucketUnusable, match="does not guess") as refused:
        store.perform(request_)
    assert refused.value.code == "IncompleteAnswer"


def test_a_complete_answer_resets_the_count_of_incomplete_ones(
    s3: MisbehavingS3, store: S3Store
) -> None:
    s3.will(*[UNDATED_WRITE] * 2, answer(200, ETag=ETAG), *[UNDATED_WRITE] * 2)
    answers = [type(store.perform(CREATE)) for _ in range(5)]
    assert answers == [Unknown, Unknown, Applied, Unknown, Unknown]


def test_complete_errors_do_not_reset_the_count_of_incomplete_successes(
    s3: MisbehavingS3, store: S3Store
) -> None:
    """moto sends Date with errors only."""
    s3.will(*[UNDATED_WRITE, answer(412)] * 3)
    answers = [type(store.perform(CREATE)) for _ in range(4)]
    assert answers == [Unknown, Conflict, Unknown, Conflict]
    with pytest.raises(BucketUnusable, match="no Date header") as refused:
        store.perform(CREATE)
    for word in (s3.endpoint, "proxy", "clock_ms"):
        assert word in str(refused.value)


def test_a_server_without_dates_elects_no_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="locks")
        election = testing.election("nightly", store=S3Store("locks"), clock=FakeClock())
        with pytest.raises(BucketUnusable, match="clock_ms"):
            election.campaign()


@pytest.mark.parametrize(("request_", "response"), UNDATED.values(), ids=UNDATED)
def test_clock_ms_replaces_a_missing_date_in_whole_seconds(
    s3: MisbehavingS3, client: StoreClient, request_: StoreRequest, response: bytes
) -> None:
    s3.will(response)
    store = S3Store("locks", client=client, clock_ms=lambda: 1_700_000_000_999)
    answered = store.perform(request_)
    assert not isinstance(answered, Unknown)
    assert answered.date_ms == 1_700_000_000_000


def test_a_date_takes_precedence_over_clock_ms(s3: MisbehavingS3, client: StoreClient) -> None:
    s3.will(answer(200, ETag=ETAG))
    store = S3Store("locks", client=client, clock_ms=lambda: 0)
    assert store.perform(CREATE) == Applied(ETAG, DATE_MS)


@pytest.mark.parametrize(
    "keys", [("b", "a"), ("a", "b")], ids=["out of order", "from before the start"]
)
def test_a_list_out_of_order_is_an_error(
    s3: MisbehavingS3, store: S3Store, keys: tuple[str, ...]
) -> None:
    s3.will(answer(200, page(*keys, count=2)))
    with pytest.raises(BucketUnusable, match="in order and with StartAfter") as refused:
        store.perform(List("", "a"))
    assert refused.value.code == "UnorderedList"
