"""A client of S3 for the five requests of a store: botocore without its model of all of S3.

Four methods of a boto3 client cover them (a create and a replace are both PutObject), with boto3's
arguments, answers and exceptions, as far as `S3Store` uses them. botocore's parts do the work: its
credentials, its signer, its HTTP on top of urllib3 with proxies and certificates, and S3's ruleset
for endpoints. What is left out takes more than half of a cold process's CPU (decision 0037): the
service model, the parsers, events and retries.

Each request is sent once. Only where S3 refuses it because the bucket is in another Region is it
sent once more, to that Region, as botocore does. If S3 does not name the Region, a HeadBucket asks.
"""

from __future__ import annotations

import base64
import os
import socket
import sys
import zlib
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import quote, urlsplit

import botocore
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.httpsession import URLLib3Session
from botocore.utils import percent_encode_sequence, validate_region_name

from . import http_xml
from .http_endpoints import Endpoints
from .http_settings import proxies_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.credentials import ReadOnlyCredentials

    from .http_settings import HttpSettings

_HEADERS: Final = {
    "ChecksumAlgorithm": "x-amz-sdk-checksum-algorithm",
    "ChecksumCRC32": "x-amz-checksum-crc32",
    "ContentType": "Content-Type",
    "ExpectedBucketOwner": "x-amz-expected-bucket-owner",
    "IfMatch": "If-Match",
    "IfNoneMatch": "If-None-Match",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "ServerSideEncryption": "x-amz-server-side-encryption",
}
_QUERY: Final = {
    "ContinuationToken": "continuation-token",
    "MaxKeys": "max-keys",
    "Prefix": "prefix",
    "StartAfter": "start-after",
}
_AGENT: Final = f"s3leader Botocore/{botocore.__version__}"
# A page of 1,000 keys, each of 1,024 bytes that are all percent-encoded, is below 4 MB.
_MAX_BODY_BYTES: Final = 8 * 1024 * 1024
_SOCKET_OPTIONS: Final = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
]
_REDIRECT_STATUSES: Final = frozenset(
    {HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND, HTTPStatus.TEMPORARY_REDIRECT}
)
_WRONG_REGION_CODES: Final = frozenset({"PermanentRedirect", "IllegalLocationConstraintException"})


class _Call(NamedTuple):
    """A request, except for its host and its signature."""

    operation: str
    method: str
    bucket: str
    headers: Mapping[str, str]
    key: str | None = None
    query: str = ""
    body: bytes = b""


class ClientMeta(NamedTuple):
    """The endpoint and the Region that error messages name."""

    endpoint_url: str
    region_name: str
    endpoints: Endpoints

    @property
    def partition(self) -> str:
        """The partition of the Region."""
        return self.endpoints.partition


class HttpS3Client:
    """A client with `settings`; `timeout_s` bounds connecting, and each wait for an answer.

    Threads may share it, processes may not.
    """

    def __init__(self, settings: HttpSettings, timeout_s: float) -> None:
        self._endpoints = Endpoints(settings)
        self._credentials = settings.credentials
        self._redirected: dict[str, str] = {}  # bucket: the Region that S3 referred us to
        default = self._endpoints.resolve(None)
        url = settings.endpoint_url or default.url
        self.meta = ClientMeta(url, default.region, self._endpoints)
        self._http = URLLib3Session(
            verify=settings.verify,  # type: ignore[arg-type]  # a file too
            proxies=proxies_for(url),
            proxies_config=settings.proxies_config,
            timeout=(timeout_s, timeout_s),  # type: ignore[arg-type]  # the stub knows no pair
            max_pool_connections=50,  # are kept open; more threads open, and close, their own
            socket_options=_SOCKET_OPTIONS,  # type: ignore[arg-type]  # the stub is wrong
        )

    def list_objects_v2(self, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's
        """ListObjectsV2."""
        named = {_QUERY[name]: str(params[name]) for name in params if name in _QUERY}
        query = percent_encode_sequence({"list-type": "2", "encoding-type": "url", **named})
        call = self._call("ListObjectsV2", "GET", params, query)
        response, meta = self._send(call)
        root = http_xml.parse(_read(response))
        _raise_late_error(call, root, meta)
        return {**http_xml.page(root), **meta}

    def get_object(self, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's
        """GetObject; close its `Body`."""
        response, meta = self._send(self._call("GetObject", "GET", params))
        headers = meta["ResponseMetadata"]["HTTPHeaders"]
        answer: dict[str, Any] = {"Body": response.raw, **meta}
        if "content-length" in headers:
            answer["ContentLength"] = int(headers["content-length"])
        if "last-modified" in headers:
            answer["LastModified"] = parsedate_to_datetime(headers["last-modified"])
        return answer

    def put_object(self, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's
        """PutObject."""
        return self._write(self._call("PutObject", "PUT", params, body=params["Body"]))

    def put_object_tagging(self, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's
        """PutObjectTagging."""
        body = http_xml.tagging(params["Tagging"]["TagSet"])
        crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
        params |= {"ChecksumCRC32": crc, "ChecksumAlgorithm": "CRC32"}  # S3 demands a checksum
        return self._write(self._call("PutObjectTagging", "PUT", params, "tagging", body))

    @staticmethod
    def _call(
        operation: str, method: str, params: Mapping[str, Any], query: str = "", body: bytes = b""
    ) -> _Call:
        return _Call(
            operation=operation,
            method=method,
            bucket=params["Bucket"],
            key=params.get("Key"),
            query=query,
            headers={_HEADERS[name]: params[name] for name in params if name in _HEADERS},
            body=body,
        )

    def _write(self, call: _Call) -> dict[str, Any]:
        response, meta = self._send(call)
        if body := _read(response):
            _raise_late_error(call, http_xml.parse(body), meta)
        return meta

    def _send(self, call: _Call) -> tuple[AWSResponse, dict[str, Any]]:
        """Return the answer, and its head in boto3's form; raise `ClientError` for an error."""
        response = self._send_once(call)
        meta, error = _meta(response, retries=0), _error(response)
        if error is not None and (region := self._other_region(call, meta, error)):
            self._redirected[call.bucket] = region
            response = self._send_once(call)
            meta, error = _meta(response, retries=1), _error(response)
        if error is not None:
            raise _client_error(call, error, meta)
        return response, meta

    def _send_once(self, call: _Call) -> AWSResponse:
        endpoint = self._endpoints.resolve(call.bucket, self._redirected.get(call.bucket))
        url = endpoint.url
        if call.key is not None:
            url = url.rstrip("/") + "/" + quote(call.key)
        elif not urlsplit(url).path:
            url += "/"
        if call.query:
            url += "?" + call.query
        headers = {**call.headers, "User-Agent": _AGENT, **_trace()}
        request = AWSRequest(call.method, url, headers, call.body, stream_output=True)
        if self._credentials is None:
            raise NoCredentialsError
        # get_frozen_credentials refreshes credentials that expire soon.
        keys = cast("ReadOnlyCredentials", self._credentials.get_frozen_credentials())
        S3SigV4Auth(keys, endpoint.service, endpoint.region).add_auth(request)
        prepared = request.prepare()
        answer = _answer_of_handler(call.operation, prepared)
        return self._http.send(prepared) if answer is None else answer

    def _other_region(
        self, call: _Call, meta: Mapping[str, Any], error: Mapping[str, str]
    ) -> str | None:
        """Return the Region that S3 refers this request to; None if it does not."""
        if call.bucket.startswith("arn:"):  # the endpoint of an access point names its Region
            return None
        code, status = error["Code"], meta["ResponseMetadata"]["HTTPStatusCode"]
        wrongly_signed = code == "AuthorizationHeaderMalformed" and "Region" in error
        if not (wrongly_signed or status in _REDIRECT_STATUSES or code in _WRONG_REGION_CODES):
            return None
        headers = meta["ResponseMetadata"]["HTTPHeaders"]
        region: str | None = headers.get("x-amz-bucket-region") or error.get("Region")
        if not region:
            name = _HEADERS["ExpectedBucketOwner"]
            kept = {name: call.headers[name]} if name in call.headers else {}
            head = self._send_once(_Call("HeadBucket", "HEAD", call.bucket, kept))
            head.raw.read()
            region = head.headers.get("x-amz-bucket-region")
        if region:
            validate_region_name(region)
        return region or None


def _answer_of_handler(operation: str, request: AWSPreparedRequest) -> AWSResponse | None:
    """Return the answer of one of botocore's global handlers, such as moto's; None if none does."""
    handlers = getattr(sys.modules.get("botocore.handlers"), "BUILTIN_HANDLERS", ())
    event = f"before-send.s3.{operation}"
    for name, handler, *_ in handlers:
        if name.startswith("before-send") and f"{event}.".startswith(f"{name}."):
            answer: AWSResponse | None = handler(event_name=event, request=request)
            if answer is not None:
                return answer
    return None


def _trace() -> dict[str, str]:
    """Return the header by which Lambda detects functions that invoke themselves in a loop."""
    trace = os.environ.get("_X_AMZN_TRACE_ID")
    if trace is None or "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return {}
    return {"X-Amzn-Trace-Id": quote(trace, safe="-=;:+&[]{}\"',")}  # botocore's set for it


def _meta(response: AWSResponse, retries: int) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in response.headers.items()}
    meta: dict[str, Any] = {
        "ResponseMetadata": {
            "HTTPStatusCode": response.status_code,
            "HTTPHeaders": headers,
            "RetryAttempts": retries,
        }
    }
    if "etag" in headers:
        meta["ETag"] = headers["etag"]
    return meta


def _client_error(call: _Call, error: Mapping[str, str], meta: Mapping[str, Any]) -> ClientError:
    return ClientError(cast("Any", {"Error": error, **meta}), call.operation)


def _raise_late_error(call: _Call, root: Element, meta: dict[str, Any]) -> None:
    """Raise the `ClientError` of a request that failed after S3 had sent its 200.

    Its status becomes 500, as in botocore: the outcome of a write is then unknown.
    """
    if refused := http_xml.error(root):
        meta["ResponseMetadata"]["HTTPStatusCode"] = HTTPStatus.INTERNAL_SERVER_ERROR
        raise _client_error(call, refused, meta)


def _error(response: AWSResponse) -> dict[str, str] | None:
    """Return the error of an answer, if it is one; its status stands in for a missing code."""
    if response.status_code < HTTPStatus.MULTIPLE_CHOICES:
        return None
    body, status = _read(response), response.status_code
    with suppress(ValueError):
        said = http_xml.error(http_xml.parse(body))
        if said.get("Code"):
            return said
    return {"Code": str(status), "Message": responses.get(status, "")}


def _read(response: AWSResponse) -> bytes:
    """Return the whole body, which also gives the connection back to its pool."""
    raw = response.raw
    try:
        body: bytes = raw.read(_MAX_BODY_BYTES + 1)
    finally:
        raw.close()
    if len(body) > _MAX_BODY_BYTES:
        raise ValueError(f"expected an answer of at most {_MAX_BODY_BYTES} bytes, got more")
    return body
