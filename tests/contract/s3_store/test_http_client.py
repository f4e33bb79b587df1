"""The HTTP client sends what boto3 sends, keeps its connections, and believes no server."""

from __future__ import annotations

import itertools
import select
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import botocore.handlers
import pytest
from moto import mock_aws

from s3leader import BucketUnusable
from s3leader._core.requests import Applied, Conflict, List, Listed, Missing, Tag, Unknown
from s3leader._io import http_client, http_xml
from s3leader._io.boto3_client import make_boto3_client
from s3leader._io.s3_options import BucketOptions
from s3leader._io.s3_store import S3Store
from tests.contract.s3_store.environments import only
from tests.contract.s3_store.misbehaving_s3 import (
    CREATE,
    DATE_MS,
    ETAG,
    EVERY_REQUEST,
    KEY,
    READ,
    REPLACE,
    MisbehavingS3,
    Sent,
    answer,
    error,
    page,
)

if TYPE_CHECKING:
    from pathlib import Path

    from s3leader._core.requests import StoreRequest
    from s3leader._io.s3_client import StoreClient

numbers = itertools.count(1)
# What differs from boto3's: it names itself, and counts its retries.
OWN = {"user-agent", "amz-sdk-invocation-id", "amz-sdk-request", "authorization", "x-amz-date"}
AWKWARD = 'elections/a b+c/ü~(1)!"&<>/../lock_0000000001.json'
KMS_KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OPTIONS = BucketOptions(
    checksum=True, encryption="aws:kms", kms_key=KMS_KEY, bucket_owner="111122223333"
)


@pytest.fixture
def s3(s3: MisbehavingS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MisbehavingS3:
    """The server, in an environment of nothing else."""
    only(monkeypatch, tmp_path, AWS_ENDPOINT_URL=s3.endpoint, AWS_DEFAULT_REGION="us-east-1")
    return s3


def shape(sent: Sent) -> tuple[str, str, dict[str, str], bytes]:
    """Return what two clients must have in common, and the names of the headers signed."""
    signed = sent.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    headers = {name: value for name, value in sent.headers.items() if name not in OWN}
    path, _, query = sent.target.partition("?")
    target = path + "?" + "&".join(sorted(query.split("&")))
    return sent.method, target, {**headers, "signed": signed}, sent.body


@pytest.mark.parametrize("options", [BucketOptions(), OPTIONS], ids=["no options", "all options"])
def test_each_request_is_the_one_that_boto3_sends(
    s3: MisbehavingS3, options: BucketOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token")
    requests = [*EVERY_REQUEST, List("a b/", "a b/ü+1"), List("a", None, "t+/="), Tag(AWKWARD)]
    for client in (None, make_boto3_client(10, "us-east-1")):
        store = S3Store("locks", client=client, options=options)
        for request in requests:
            s3.will(error(503, "SlowDown"))
            store.perform(request)
    half = len(requests)
    assert [shape(sent) for sent in s3.sent[:half]] == [shape(sent) for sent in s3.sent[half:]]
    assert all(sent.headers["x-amz-security-token"] == "a-token" for sent in s3.sent)


def test_lambdas_trace_goes_along_so_that_it_can_detect_loops(
    s3: MisbehavingS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = S3Store("locks")
    for name in ("AWS_LAMBDA_FUNCTION_NAME", "_X_AMZN_TRACE_ID"):
        store.perform(READ)
        monkeypatch.setenv(name, "Root=1-5759e988;Lineage=a:1")
    store.perform(READ)
    assert [sent.headers.get("x-amzn-trace-id") for sent in s3.sent] == [
        None,
        None,
        "Root=1-5759e988;Lineage=a:1",
    ]


@pytest.mark.parametrize(
    ("event", "asked"),
    [
        ("before-send", True),
        ("before-send.s3", True),
        ("before-send.s3.GetObject", True),
        ("before-send.s3.Get", False),
        ("before-send.s3.PutObject", False),
        ("before-send.sts", False),
    ],
)
def test_a_handler_for_the_requests_of_all_clients_is_asked_as_boto3_asks_it(
    s3: MisbehavingS3,
    monkeypatch: pytest.MonkeyPatch,
    event: str,
    asked: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    seen: list[str] = []

    def handler(event_name: str, **_: object) -> None:
        seen.append(event_name)

    monkeypatch.setattr(botocore.handlers, "BUILTIN_HANDLERS", [(event, handler)])
    S3Store("locks").perform(READ)
    assert seen == ["before-send.s3.GetObject"] * asked
    assert len(s3.sent) == 1


def test_mock_aws_of_moto_keeps_the_requests_of_a_users_tests(
    s3: MisbehavingS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    store = S3Store("locks")
    with mock_aws(), pytest.raises(BucketUnusable, match="There is no bucket locks"):
        store.perform(List(""))
    assert s3.sent == []


# ------------------------------------------------------------------------- connections

NO_SUCH_KEY = error(404, "NoSuchKey", Connection="keep-alive")
KEPT: dict[str, tuple[StoreRequest, bytes]] = {
    "an object": (READ, answer(200, b"{}", ETAG=ETAG, Connection="keep-alive")),
    "no object": (READ, NO_SUCH_KEY),
    "a list": (List(""), answer(200, page(count=0), Connection="keep-alive")),
    "a write": (CREATE, answer(200, ETag=ETAG, Connection="keep-alive")),
    "a conflict": (CREATE, answer(412, Connection="keep-alive")),
    "an error": (REPLACE, error(503, "SlowDown", Connection="keep-alive")),
}


@pytest.mark.parametrize(("request_", "response"), KEPT.values(), ids=KEPT)
def test_a_connection_is_used_again_after(
    s3: MisbehavingS3, request_: StoreRequest, response: bytes
) -> None:
    s3.will(response, NO_SUCH_KEY)
    store = S3Store("locks")
    store.perform(request_)
    store.perform(READ)
    assert len(set(s3.ports())) == 1


@pytest.mark.parametrize("request_", EVERY_REQUEST, ids=lambda request: type(request).__name__)
def test_a_kept_connection_that_dies_under_a_request_means_unknown_after_one_try(
    s3: MisbehavingS3, request_: StoreRequest
) -> None:
    """As after a freeze of Lambda: whether the write was applied, a read has to settle."""
    s3.will(NO_SUCH_KEY, b"")
    store = S3Store("locks")
    store.perform(READ)
    assert isinstance(store.perform(request_), Unknown)
    assert len(s3.sent) == 2
    assert len(set(s3.ports())) == 1


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(s3: MisbehavingS3) -> None:
    # To the test's server, only "keep-alive" in lower case means to keep the connection.
    s3.will(error(404, "NoSuchKey", Connection="Keep-Alive"), answer(200, ETag=ETAG))
    store = S3Store("locks")
    store.perform(READ)
    client: Any = store._client
    (pool,) = client._http._manager.pools._container.values()
    kept = pool.pool.queue[-1].sock
    assert select.select([kept], [], [], 60)[0] == [kept]
    assert store.perform(CREATE) == Applied(ETAG, DATE_MS)
    assert len(s3.sent) == 2


def test_http_proxies_are_used_except_for_the_hosts_that_no_proxy_names(
    s3: MisbehavingS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://s3.invalid")
    monkeypatch.setenv("http_proxy", s3.endpoint)
    s3.will(error(404, "NoSuchKey"))
    assert S3Store("locks").perform(READ) == Missing(DATE_MS)
    assert s3.sent[0].target == f"http://s3.invalid/locks/{KEY}"
    monkeypatch.setenv("no_proxy", "s3.invalid")
    answered = S3Store("locks").perform(READ)
    assert isinstance(answered, Unknown)
    assert "does not resolve" in answered.cause


@pytest.mark.parametrize("proxy", ["https_proxy", "HTTPS_PROXY"])
def test_amazon_s3_is_reached_through_the_proxy_for_https(
    s3: MisbehavingS3, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv(proxy, s3.endpoint)
    answered = S3Store("locks").perform(READ)  # the server refuses CONNECT
    assert isinstance(answered, Unknown)
    assert answered.cause.startswith("ProxyConnectionError")
    assert s3.sent == []


# -------------------------------------------------------------------- another Region

REDIRECTS = {
    "permanent": error(301, "PermanentRedirect", x_amz_bucket_region="eu-west-1"),
    "temporary": error(307, "TemporaryRedirect", x_amz_bucket_region="eu-west-1"),
    "wrongly signed": answer(
        400,
        b"<Error><Code>AuthorizationHeaderMalformed</Code><Message>expecting 'eu-west-1'</Message>"
        b"<Region>eu-west-1</Region></Error>",
    ),
}


def regions(s3: MisbehavingS3) -> list[str]:
    """Return the Region that each request was signed for, and its method."""
    scopes = [sent.headers["authorization"].split("/")[2] for sent in s3.sent]
    return [f"{sent.method} {scope}" for sent, scope in zip(s3.sent, scopes, strict=True)]


@pytest.mark.parametrize("redirect", REDIRECTS.values(), ids=REDIRECTS)
def test_a_request_follows_its_bucket_to_another_region_once_and_later_ones_go_there(
    s3: MisbehavingS3, client: StoreClient, redirect: bytes
) -> None:
    s3.will(redirect, answer(200, ETag=ETAG), answer(200, ETag=ETAG))
    store = S3Store(f"locks-{next(numbers)}", client=client)  # a client remembers the Region
    assert [type(store.perform(CREATE)) for _ in range(2)] == [Applied, Applied]
    assert regions(s3) == ["PUT us-east-1", "PUT eu-west-1", "PUT eu-west-1"]
    assert s3.sent[1].body == CREATE.body


def test_a_region_that_the_answer_does_not_name_is_asked_of_the_bucket(s3: MisbehavingS3) -> None:
    unnamed = error(301, "PermanentRedirect")
    s3.will(unnamed, answer(403, x_amz_bucket_region="eu-west-1"), answer(200, ETag=ETAG))
    store = S3Store("locks", options=BucketOptions(bucket_owner="111122223333"))
    assert store.perform(CREATE) == Applied(ETAG, DATE_MS)
    assert regions(s3) == ["PUT us-east-1", "HEAD us-east-1", "PUT eu-west-1"]
    assert s3.sent[1].headers["x-amz-expected-bucket-owner"] == "111122223333"


def test_a_region_that_nobody_names_is_an_error(s3: MisbehavingS3) -> None:
    s3.will(error(301, "PermanentRedirect"), answer(400))
    with pytest.raises(BucketUnusable, match="is in another Region"):
        S3Store("locks").perform(CREATE)


def test_a_second_redirect_is_not_followed(s3: MisbehavingS3) -> None:
    s3.will(*[error(301, "PermanentRedirect", x_amz_bucket_region="eu-west-1")] * 3)
    with pytest.raises(BucketUnusable, match=r"another Region \(eu-west-1\)"):
        S3Store("locks").perform(CREATE)
    assert len(s3.sent) == 2


def test_a_conflict_after_a_redirect_means_unknown(s3: MisbehavingS3) -> None:
    """Two copies were sent. By what S3 says, the first was refused; a read settles it."""
    s3.will(REDIRECTS["temporary"], answer(412), answer(412))
    store = S3Store("locks")
    assert [type(store.perform(CREATE)) for _ in range(2)] == [Unknown, Conflict]


# --------------------------------------------------------------------- hostile answers

BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>"""
LISTED = page("a&b;", count=1)


@pytest.mark.parametrize(
    "body",
    [
        BOMB + LISTED,
        (BOMB + LISTED).decode().encode("utf-16"),
        b"<html>a login page</html>",
        page("a", count=1).replace(b"KeyCount>1", b"KeyCount>one"),
        page(count=0, rest="<IsTruncated>perhaps</IsTruncated>"),
        b"",
    ],
    ids=["entities", "entities in UTF-16", "HTML", "no number", "no boolean", "nothing"],
)
def test_a_list_that_s3_would_not_send_means_unknown(s3: MisbehavingS3, body: bytes) -> None:
    s3.will(answer(200, body))
    assert isinstance(S3Store("locks").perform(List("")), Unknown)


def test_a_document_type_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(ValueError, match="without a document type"):
        http_xml.parse(BOMB + page(count=0))


@pytest.mark.parametrize("status", [200, 503])
def test_an_answer_that_does_not_end_is_read_no_further_than_its_limit(
    s3: MisbehavingS3, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(http_client, "_MAX_BODY_BYTES", 100)
    s3.will(answer(status, page("a" * 200, count=1)))
    answered = S3Store("locks").perform(List(""))
    assert isinstance(answered, Unknown)
    assert "at most 100 bytes" in answered.cause


def test_a_list_without_or_with_the_namespace_of_s3_is_read_alike(s3: MisbehavingS3) -> None:
    plain = page("a", "b", count=2)
    space = b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    s3.will(answer(200, plain), answer(200, plain.replace(b"<ListBucketResult>", space)))
    store = S3Store("locks")
    assert [store.perform(List("")) for _ in range(2)] == [
        Listed(("a", "b"), truncated=False, date_ms=DATE_MS)
    ] * 2


@pytest.mark.parametrize("request_", [List(""), CREATE, Tag(KEY)], ids=["list", "put", "tag"])
def test_a_request_that_fails_after_a_200_means_unknown(
    s3: MisbehavingS3, client: StoreClient, request_: StoreRequest
) -> None:
    s3.will(error(200, "InternalError"), answer(200, b"<html>cut", ETag=ETAG))
    store = S3Store("locks", client=client)
    answered = store.perform(request_)
    assert isinstance(answered, Unknown)
    assert answered.cause.startswith("InternalError (HTTP 500)")
    assert isinstance(store.perform(request_), Unknown)


@pytest.mark.usefixtures("s3")
def test_a_store_of_its_own_client_imports_neither_boto3_nor_the_model_of_s3() -> None:
    code = """
import sys
from s3leader import Election
Election("e", bucket="locks")
print(*{"boto3", "botocore.session", "botocore.client"} & sys.modules.keys())
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "\n"
