"""Facts that S3 always sends: S3Store never guesses one, and reports a server that omits it."""

from __future__ import annotations

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
    Missing,
    Read,
    Replace,
    StoreRequest,
    Tag,
    Unknown,
)
from s3leader._io.s3_store import S3Store
from s3leader.testing import FakeClock
from tests.contract.s3_store.misbehaving_s3 import (
    CREATE,
    DATE,
    ETAG,
    KEY,
    MODIFIED,
    MisbehavingS3,
    answer,
    error,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NO_SUCH_KEY = b"<Error><Code>NoSuchKey</Code></Error>"


def page(*keys: str, count: int | None = None, rest: str = "") -> bytes:
    counted = "" if count is None else f"<KeyCount>{count}</KeyCount>"
    items = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in keys)
    whole = "" if rest else "<IsTruncated>false</IsTruncated>"
    return f"<ListBucketResult>{counted}{whole}{rest}{items}</ListBucketResult>".encode()


UNDATED: dict[str, tuple[StoreRequest, bytes]] = {
    "a list": (List(""), answer(200, page(count=0), date=None)),
    "an object": (Read(KEY), answer(200, b"{}", date=None, ETag=ETAG, Last_Modified=MODIFIED)),
    "no object": (Read(KEY), answer(404, NO_SUCH_KEY, date=None)),
    "a create": (CREATE, answer(200, date=None, ETag=ETAG)),
    "a create's conflict": (CREATE, answer(412, date=None)),
    "a replace": (Replace(KEY, b"{}", ETAG), answer(200, date=None, ETag=ETAG)),
    "a replace of nothing": (Replace(KEY, b"{}", ETAG), answer(404, NO_SUCH_KEY, date=None)),
    "a tag": (Tag(KEY), answer(200, date=None)),
}
LACKING: dict[str, tuple[StoreRequest, bytes]] = {
    "a list that does not count its keys": (List(""), answer(200, page("a"))),
    "a list that has fewer keys than it counts": (List(""), answer(200, page("a", count=2))),
    "a list without IsTruncated": (
        List(""),
        answer(200, page(count=0, rest="<Name/>")),
    ),
    "a list without a continuation token": (
        List(""),
        answer(200, page(count=0, rest="<IsTruncated>true</IsTruncated>")),
    ),
    "an object without ETag": (Read(KEY), answer(200, b"{}", Last_Modified=MODIFIED)),
    "an object with half an ETag": (
        Read(KEY),
        answer(200, b"{}", ETag=ETAG[:9], Last_Modified=MODIFIED),
    ),
    "an object without Last-Modified": (Read(KEY), answer(200, b"{}", ETag=ETAG)),
    "an object of unknown length": (
        Read(KEY),
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
def test_one_incomplete_answer_means_unknown(
    s3: MisbehavingS3, store: S3Store, request_: StoreRequest, response: bytes
) -> None:
    s3.will(response)
    assert isinstance(store.perform(request_), Unknown)


@pytest.mark.parametrize(("request_", "response"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_the_third_incomplete_answer_in_a_row_is_an_error(
    s3: MisbehavingS3, store: S3Store, request_: StoreRequest, response: bytes
) -> None:
    s3.will(response, response, response)
    store.perform(request_)
    store.perform(request_)
    with pytest.raises(BucketUnusable, match="does not guess") as refused:
        store.perform(request_)
    assert refused.value.code == "IncompleteAnswer"


def test_the_error_names_the_missing_field_the_server_and_the_remedy(
    s3: MisbehavingS3, store: S3Store
) -> None:
    s3.will(*[answer(200, date=None, ETag=ETAG)] * 3)
    store.perform(CREATE)
    store.perform(CREATE)
    with pytest.raises(BucketUnusable) as refused:
        store.perform(CREATE)
    for word in ("no Date header", s3.endpoint, "proxy", "clock_ms"):
        assert word in str(refused.value)


def test_a_complete_answer_resets_the_count_of_incomplete_ones(
    s3: MisbehavingS3, store: S3Store
) -> None:
    undated, whole = answer(200, date=None, ETag=ETAG), answer(200, ETag=ETAG)
    s3.will(undated, undated, whole, undated, undated)
    answers = [type(store.perform(CREATE)) for _ in range(5)]
    assert answers == [Unknown, Unknown, Applied, Unknown, Unknown]


def test_complete_errors_do_not_reset_the_count_of_incomplete_successes(
    s3: MisbehavingS3, store: S3Store
) -> None:
    """moto sends Date with errors only."""
    s3.will(*[answer(200, date=None, ETag=ETAG), answer(412)] * 3)
    answers = [type(store.perform(CREATE)) for _ in range(4)]
    assert answers == [Unknown, Conflict, Unknown, Conflict]
    with pytest.raises(BucketUnusable, match="no Date header"):
        store.perform(CREATE)


def test_moto_elects_no_leader_without_clock_ms(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="locks")
        election = testing.election("nightly", store=S3Store("locks"), clock=FakeClock())
        with pytest.raises(BucketUnusable, match="clock_ms"):
            election.campaign()


def test_a_server_without_dates_elects_no_leader(s3: MisbehavingS3) -> None:
    s3.will(*[answer(200, page(count=0), date=None)] * 3)
    store = S3Store("locks", client=s3.client())
    election = testing.election("nightly", store=store, clock=FakeClock())
    with pytest.raises(BucketUnusable, match="no Date header"):
        election.campaign()
    assert {sent.method for sent in s3.sent} == {"GET"}


# ------------------------------------------------------------------------- test doubles


@pytest.mark.parametrize(("request_", "response"), UNDATED.values(), ids=UNDATED)
def test_clock_ms_replaces_a_missing_date_in_whole_seconds(
    s3: MisbehavingS3, client: S3Client, request_: StoreRequest, response: bytes
) -> None:
    s3.will(response)
    store = S3Store("locks", client=client, clock_ms=lambda: 1_700_000_000_999)
    answered = store.perform(request_)
    assert not isinstance(answered, Unknown)
    assert answered.date_ms == 1_700_000_000_000


def test_a_date_takes_precedence_over_clock_ms(s3: MisbehavingS3) -> None:
    s3.will(answer(200, ETag=ETAG))
    answered = S3Store("locks", client=s3.client(), clock_ms=lambda: 0).perform(CREATE)
    assert isinstance(answered, Applied)
    assert answered.date_ms > 0


# ------------------------------------------------------------------- lists and conflicts


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


def test_a_conflict_means_unknown_if_the_client_does_not_report_its_retries(
    s3: MisbehavingS3,
) -> None:
    def forget(parsed: dict[str, dict[str, object]], **_: object) -> None:
        parsed["ResponseMetadata"].pop("RetryAttempts", None)

    client = s3.client()
    client.meta.events.register("after-call.s3.PutObject", forget)
    s3.will(error(412, "PreconditionFailed"))
    assert isinstance(S3Store("locks", client=client).perform(CREATE), Unknown)


def test_complete_answers_are_translated(s3: MisbehavingS3, store: S3Store) -> None:
    s3.will(
        answer(200, b"{}", ETag=ETAG, Last_Modified=MODIFIED),
        answer(404, NO_SUCH_KEY),
        answer(412),
    )
    answers = [type(store.perform(request)) for request in (Read(KEY), Read(KEY), CREATE)]
    assert answers == [Found, Missing, Conflict]
