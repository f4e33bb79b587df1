"""The requests that S3Store sends, with what `BucketOptions` add, and the buckets it refuses."""

from __future__ import annotations

import base64
import zlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from s3leader import BucketUnusable, InvalidArgument
from s3leader._core.requests import Create, List, Replace, StoreRequest, Tag
from s3leader._io.s3_client import is_amazon
from s3leader._io.s3_options import BucketOptions, check_bucket
from s3leader._io.s3_store import S3Store
from s3leader.fencing import FencedObject
from tests.contract.s3_store.misbehaving_s3 import (
    CREATE,
    ETAG,
    EVERY_REQUEST,
    KEY,
    REPLACE,
    MisbehavingS3,
    Sent,
    answer,
    error,
    page,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from s3leader._io.s3_client import StoreClient

KMS_KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ACCESS_POINT = "arn:aws:s3:eu-west-1:111122223333:accesspoint/locks"


@pytest.mark.parametrize("write", [CREATE, REPLACE, Tag(KEY)], ids=["create", "swap", "tag"])
def test_a_write_does_not_wait_for_a_100_continue(
    s3: MisbehavingS3, store: S3Store, write: StoreRequest
) -> None:
    """botocore asks for one by default, which takes a round trip."""
    s3.will(answer(200, ETag=ETAG))
    store.perform(write)
    assert "expect" not in s3.sent[0].headers


@pytest.mark.parametrize(
    ("write", "conditions"),
    [(CREATE, ("*", None)), (REPLACE, (None, ETAG))],
    ids=["create", "swap"],
)
def test_a_write_is_a_conditional_put_of_json_with_no_checksum_trailer(
    s3: MisbehavingS3,
    store: S3Store,
    write: Create | Replace,
    conditions: tuple[str | None, str | None],
) -> None:
    s3.will(answer(200, ETag=ETAG))
    store.perform(write)
    (sent,) = s3.sent
    assert (sent.method, sent.body) == ("PUT", write.body)
    assert (sent.headers.get("if-none-match"), sent.headers.get("if-match")) == conditions
    assert sent.headers["content-type"] == "application/json"
    options = ("checksum", "trailer", "encryption", "owner")
    assert not [name for name in sent.headers if any(option in name for option in options)]


@pytest.mark.parametrize(
    ("request_", "start"),
    [
        (List("elections/", "elections/a"), {"start-after": ["elections/a"]}),
        (List("elections/", "elections/a", token="t+/="), {"continuation-token": ["t+/="]}),
    ],
    ids=["start", "token alone"],
)
def test_a_list_request_has_prefix_and_start(
    s3: MisbehavingS3, store: S3Store, request_: List, start: dict[str, list[str]]
) -> None:
    s3.will(answer(200, page(count=0)))
    store.perform(request_)
    always = {"list-type": ["2"], "max-keys": ["1000"], "encoding-type": ["url"]}
    query = parse_qs(urlsplit(s3.sent[0].target).query)
    assert query == {**always, "prefix": ["elections/"], **start}


def test_the_tag_is_that_of_the_lifecycle_rule(s3: MisbehavingS3, store: S3Store) -> None:
    s3.will(answer(200))
    store.perform(Tag(KEY))
    assert b"<Tag><Key>superseded</Key><Value>true</Value></Tag>" in s3.sent[0].body


@pytest.mark.parametrize("etag", ["", "*"])
def test_an_etag_that_matches_any_object_is_refused_unsent(
    s3: MisbehavingS3, store: S3Store, etag: str
) -> None:
    with pytest.raises(InvalidArgument):
        store.perform(Replace(KEY, b"{}", etag))
    assert s3.sent == []


@pytest.mark.parametrize(
    ("bucket", "code"),
    [
        ("locks--use1-az4--x-s3", "DirectoryBucket"),
        ("alias--use1-az4--xa-s3", "DirectoryBucket"),
        ("arn:aws:s3express:us-east-1:111122223333:bucket/b--use1-az4--x-s3", "DirectoryBucket"),
        ("arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap", "MultiRegionAccessPoint"),
        ("arn:aws:s3::111122223333:accesspoint:mfzwi23gnjvgw.mrap", "MultiRegionAccessPoint"),
        ("mfzwi23gnjvgw.mrap", "MultiRegionAccessPoint"),
        ("arn:aws:s3-outposts:us-east-1:111122223333:outpost/op-0/accesspoint/ap", "Outposts"),
        ("ap-o01ac5d28a6a232904e8xz5w8ijx1qzlbp3i3kuse10--op-s3", "Outposts"),
        ("arn:aws:s3-object-lambda:us-east-1:111122223333:accesspoint/ol", "ObjectLambda"),
        ("ol-a1b2c3use1a--ol-s3", "ObjectLambda"),
        ("files-aqfqprnstn7aefdfbarligizwgyfouse1a-ext-s3alias", "FileSystem"),
        ("arn:aws:s3tables:us-east-1:111122223333:bucket/tables", "TableBucket"),
    ],
)
def test_a_bucket_type_that_cannot_hold_an_election_is_refused(bucket: str, code: str) -> None:
    with pytest.raises(BucketUnusable, match="cannot hold an election") as refused:
        S3Store(bucket)
    assert refused.value.code == code
    assert bucket in str(refused.value)


@pytest.mark.parametrize(
    ("bucket", "right"),
    [
        ("s3://locks", "'locks'"),
        ("s3://locks/elections/", "'locks'"),
        ("S3A://locks", "'locks'"),
        ("arn:aws:s3:::locks", "'locks'"),
        ("arn:aws-cn:s3:::locks/*", "'locks'"),
        ("", "expected the name of a bucket"),
        (None, "expected the name of a bucket"),
        (5, "expected the name of a bucket"),
        ("locks/", "the name alone"),
        ("locks/elections", "the name alone"),
        ("https://locks.s3.amazonaws.com", "the name alone"),
        ("no bucket!", "the name alone"),
        ("locks\n", "the name alone"),
        ("arn:aws:s3:eu-west-1:111122223333:accesspoint/a/object/k", "the name alone"),
    ],
)
def test_an_invalid_bucket_name_is_refused_with_a_suggestion(bucket: Any, right: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        S3Store(bucket)
    assert repr(bucket) in str(refused.value)
    assert right in str(refused.value)


@pytest.mark.parametrize(
    "bucket",
    [
        "locks",
        "my.locks-2",
        "Legacy_Bucket",
        ACCESS_POINT,
        ACCESS_POINT.replace("/", ":"),
        "locks-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias",
        "arn:aws-us-gov:s3:us-gov-west-1:111122223333:accesspoint/locks",
        "mrap",
    ],
)
def test_bucket_names_and_access_points_are_accepted(bucket: str) -> None:
    check_bucket(bucket)


def sent_with(
    s3: MisbehavingS3, client: StoreClient, request: StoreRequest, **options: Any
) -> Sent:
    s3.will(error(503, "SlowDown"))
    S3Store("locks", client=client, options=BucketOptions(**options)).perform(request)
    return s3.sent[0]


@pytest.mark.parametrize("write", [CREATE, REPLACE], ids=["create", "replace"])
@pytest.mark.parametrize(
    ("encryption", "key"),
    [("AES256", None), ("aws:kms", None), ("aws:kms", KMS_KEY), ("aws:kms:dsse", None)],
)
def test_every_write_requests_the_encryption(
    s3: MisbehavingS3, client: StoreClient, write: StoreRequest, encryption: str, key: str | None
) -> None:
    headers = sent_with(s3, client, write, encryption=encryption, kms_key=key).headers
    assert headers["x-amz-server-side-encryption"] == encryption
    assert headers.get("x-amz-server-side-encryption-aws-kms-key-id") == key


@pytest.mark.parametrize("request_", EVERY_REQUEST, ids=lambda request: type(request).__name__)
def test_every_request_names_the_expected_bucket_owner(
    s3: MisbehavingS3, client: StoreClient, request_: StoreRequest
) -> None:
    sent = sent_with(s3, client, request_, bucket_owner="111122223333")
    assert sent.headers["x-amz-expected-bucket-owner"] == "111122223333"


def test_a_fenced_object_sends_its_bucket_options(s3: MisbehavingS3) -> None:
    s3.will(answer(200, ETag=ETAG))
    options = BucketOptions(encryption="aws:kms")
    fenced = FencedObject("manifest.json", bucket="data", bucket_options=options)
    fenced.write({}, token=1, after=None)
    assert s3.sent[0].headers["x-amz-server-side-encryption"] == "aws:kms"


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"encryption": "kms"}, "'kms'"),
        ({"encryption": ""}, "''"),
        ({"encryption": "aws:kms", "kms_key": "1234abcd"}, "'1234abcd'"),
        ({"encryption": "aws:kms", "kms_key": "arn:aws:s3:::b"}, "'arn:aws:s3:::b'"),
        ({"kms_key": KMS_KEY}, "None"),
        ({"encryption": "AES256", "kms_key": KMS_KEY}, "'AES256'"),
        ({"bucket_owner": "12345"}, "'12345'"),
        ({"bucket_owner": "1111-2222-3333"}, "'1111-2222-3333'"),
        ({"bucket_owner": ""}, "''"),
    ],
)
def test_an_invalid_option_is_refused_with_its_value(given: dict[str, Any], value: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        BucketOptions(**given)
    assert value in str(refused.value)


@pytest.mark.parametrize("write", [CREATE, REPLACE], ids=["create", "replace"])
def test_a_requested_checksum_is_sent_in_a_header(
    s3: MisbehavingS3, client: StoreClient, write: Create | Replace
) -> None:
    sent = sent_with(s3, client, write, checksum=True)
    crc = base64.b64encode(zlib.crc32(write.body).to_bytes(4, "big")).decode()
    assert sent.headers["x-amz-checksum-crc32"] == crc
    assert sent.headers["x-amz-sdk-checksum-algorithm"] == "CRC32"
    assert sent.body == write.body
    assert "x-amz-trailer" not in sent.headers


@pytest.mark.parametrize(
    ("host", "amazon"),
    [
        ("https://s3.eu-west-1.amazonaws.com", True),
        ("https://s3.amazonaws.com", True),
        ("https://s3.cn-north-1.amazonaws.com.cn", True),
        ("https://bucket.vpce-1a2b-5c.s3.eu-west-1.vpce.amazonaws.com", True),
        ("http://127.0.0.1:9000", False),
        ("https://minio.example.com", False),
        ("https://s3.amazonaws.com.example.com", False),
        ("https://notamazonaws.com", False),
    ],
)
def test_amazon_s3_is_recognised_by_its_host(
    host: str,
    amazon: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    client = cast("S3Client", SimpleNamespace(meta=SimpleNamespace(endpoint_url=host)))
    assert is_amazon(client) is amazon


def test_amazon_s3_is_sent_a_checksum_unless_it_is_switched_off(s3: MisbehavingS3) -> None:
    """The client prepares its requests for Amazon S3; they go to the test's server."""

    def redirect(request: Any, **_: object) -> None:
        request.url = request.url.replace("https://s3.us-east-1.amazonaws.com", s3.endpoint)

    real = s3.client(endpoint_url="https://s3.us-east-1.amazonaws.com")
    real.meta.events.register("before-send.s3", redirect)
    s3.will(answer(200, ETag=ETAG), answer(200, ETag=ETAG))
    for checksum in (None, False):
        S3Store("my.locks", client=real, options=BucketOptions(checksum=checksum)).perform(CREATE)
    assert ["x-amz-checksum-crc32" in sent.headers for sent in s3.sent] == [True, False]
    first = s3.sent[0]  # prepared for https, where botocore's own checksum would be a trailer
    assert first.headers["x-amz-sdk-checksum-algorithm"] == "CRC32"
    assert not {"x-amz-trailer", "content-encoding"} & first.headers.keys()
    assert first.body == CREATE.body
