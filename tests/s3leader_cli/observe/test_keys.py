"""Listing the keys of a bucket: pages as S3 may send them, and refusals."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from s3leader import BucketUnusable, StoreUnavailable
from s3leader_cli.aws.keys import keys_of
from s3leader_cli.observe.find import ListKeys
from s3leader_cli.options import BucketPlace


class S3:
    meta = SimpleNamespace(partition="aws")

    def __init__(self, *answers: Any) -> None:
        self.answers, self.requests = list(answers), list[dict[str, str]]()

    def list_objects_v2(self, **request: str) -> Any:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def lister(s3: S3, monkeypatch: pytest.MonkeyPatch) -> ListKeys:
    monkeypatch.setattr("s3leader_cli.aws.keys.client", lambda *_, **__: s3)
    return keys_of(BucketPlace(bucket="locks", prefix="e/"))


def refusal(code: str, status: int) -> ClientError:
    details: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(details, "ListObjectsV2")


def test_pages_without_keys_are_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = S3(
        {"IsTruncated": True, "NextContinuationToken": "2"},
        {"IsTruncated": False, "Contents": [{"Key": "e/x"}]},
    )
    page = lister(s3, monkeypatch)("e/", "e/a", False)
    assert (page.keys, page.more) == (("e/x",), False)
    assert s3.requests[1]["ContinuationToken"] == "2"


def test_every_request_names_the_account_that_the_bucket_must_belong_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("S3LEADER_BUCKET_OWNER", "111122223333")
    s3 = S3({"IsTruncated": False, "CommonPrefixes": [{"Prefix": "e/a/"}]})
    assert lister(s3, monkeypatch)("e/", "", True).folders == ("e/a/",)
    assert s3.requests == [{
        "Prefix": "e/", "Bucket": "locks", "ExpectedBucketOwner": "111122223333", "Delimiter": "/",
    }]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (
            refusal("AccessDenied", 403),
            BucketUnusable,
            "denied s3:ListBucket on arn:aws:s3:::locks",
        ),
        (refusal("NoSuchBucket", 404), BucketUnusable, "there is no bucket 'locks'"),
        (refusal("SlowDown", 503), StoreUnavailable, "Try again later"),
        (EndpointConnectionError(endpoint_url="http://x"), StoreUnavailable, "http://x"),
    ],
)
def test_a_refusal_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, answer: Exception, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        lister(S3(answer), monkeypatch)("e/", "", False)
