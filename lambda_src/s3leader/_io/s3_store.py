"""The store on Amazon S3, or on a compatible server that honours conditional writes.

Each request is sent once. Its result is translated once: into an answer, into `Unknown` if the
outcome is not known, or into `BucketUnusable` if only a human can help. Facts that S3 always sends
are never guessed: an answer without one of them counts as no answer.

Not guaranteed: `timeout` bounds each wait for the network, not the whole request, so a slow answer
can take longer. A client that is passed in has its own time-outs and retries. This module does not
check that the server honours `If-Match` and `If-None-Match`; an election's first candidate does
(R0).
"""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, assert_never

from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
    ParamValidationError,
    SSLError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

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
    StoreAnswer,
    StoreRequest,
    Tag,
    Unknown,
    describe_request,
)
from s3leader.errors import BucketUnusable, InvalidArgument, S3LeaderError, describe_error

from .s3_answers import IncompleteAnswerError, date_ms, etag, keys, modified_ms, required
from .s3_client import (
    ProcessClient,
    StoreClient,
    bucket_address,
    default_client,
    describe_unreachable,
    is_amazon,
)
from .s3_options import BucketOptions, check_bucket
from .s3_region import choose_region

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_s3 import S3Client

_OPERATIONS: Final = frozenset({"ListObjectsV2", "GetObject", "PutObject", "PutObjectTagging"})
# A single incomplete answer may have lost headers on its way. This many in a row, to requests of
# one type, show that a server or a proxy omits what S3 sends.
_MOST_INCOMPLETE: Final = 3

# The errors of botocore that mean a lost answer, or that may pass (credentials from an endpoint).
# Its other errors mean a missing or wrong setting.
_TRANSIENT: Final = (
    HTTPClientError,
    BotoConnectionError,
    IncompleteReadError,
    ChecksumError,
    FlexibleChecksumError,
    CredentialRetrievalError,
    MetadataRetrievalError,
)


class S3Store:
    """The store on `bucket`.

    `timeout` is how long each try may wait to connect, and again for each piece of the answer; a
    leader wants it to be a small part of its lease. A boto3 S3 `client` that is given brings its
    own time-outs and Region, and serves only the process that passed it, not a fork. At most
    `body_limit` bytes of a body are read: a longer body is cut off there.

    `clock_ms` (milliseconds since 1970) replaces a missing `Date` header. It is for test doubles
    that send none, such as moto. Never pass it for a real server: with it, two hosts whose clocks
    disagree could both lead.
    """

    def __init__(
        self,
        bucket: str,
        *,
        client: S3Client | StoreClient | None = None,
        options: BucketOptions | None = None,
        timeout: timedelta = timedelta(seconds=3),
        body_limit: int | None = None,
        clock_ms: Callable[[], int] | None = None,
    ) -> None:
        check_bucket(bucket)
        options = options or BucketOptions()
        self.bucket = bucket
        self._clients = ProcessClient(client, lambda: default_client(timeout, options.region))
        self._region = choose_region(options.region, client_given=client is not None)
        self._always = {"Bucket": bucket, **options.for_every_request()}
        self._on_put = {"ContentType": "application/json", **options.for_writes()}
        checksum = options.checksum
        self._checksum = is_amazon(self._client) if checksum is None else checksum
        self.address = bucket_address(self._client, bucket)
        self._body_limit = body_limit
        self._clock_ms = clock_ms
        self._incomplete: Counter[type[StoreRequest]] = Counter()

    @property
    def _client(self) -> StoreClient:
        return self._clients.of_this_process()

    def perform(self, request: StoreRequest) -> StoreAnswer:
        """Send `request` once and return its answer; raise `BucketUnusable` if it is refused."""
        try:
            answer = self._send_and_translate(request)
        except S3LeaderError:
            raise
        except IncompleteAnswerError as error:
            self._incomplete[type(request)] += 1
            if self._incomplete[type(request)] < _MOST_INCOMPLETE:
                return Unknown(f"the answer is incomplete: {error}")
            raise self._refused(request, "IncompleteAnswer", str(error), {}) from error
        except ParamValidationError as error:
            text = f"bucket {self.bucket!r}, {describe_request(request)}: {error}"
            raise InvalidArgument(text) from error
        except SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" not in str(error):
                return Unknown(describe_error(error))
            raise self._refused(request, "CertificateNotTrusted", str(error), {}) from error
        except EndpointConnectionError as error:
            return Unknown(describe_unreachable(error, self._region))
        except _TRANSIENT as error:
            return Unknown(describe_error(error))
        except BotoCoreError as error:
            # No credentials, an unknown profile, an unusable endpoint: nothing was sent.
            raise self._refused(request, type(error).__name__, str(error), {}) from error
        except Exception as error:  # noqa: BLE001
            # A socket's OSError, a parser's ValueError, botocore's RuntimeError for refreshed
            # credentials that have expired already: the request may have been sent.
            return Unknown(describe_error(error))
        if isinstance(answer, Listed | Found | Applied):  # some servers send Date on errors only
            del self._incomplete[type(request)]
        return answer

    def _send_and_translate(self, request: StoreRequest) -> StoreAnswer:
        try:
            return self._send(request)
        except ClientError as error:
            return self._translate(request, error)

    def _send(self, request: StoreRequest) -> StoreAnswer:
        client = self._client
        match request:
            case List():
                return self._list(client, request)
            case Read():
                return self._read(client, request)
            case Create():
                return self._put(client, request, IfNoneMatch="*")
            case Replace():
                if request.etag in {"", "*"}:
                    # A server may ignore an empty If-Match, and "*" matches any object.
                    raise InvalidArgument(
                        f"expected the ETag of {request.key} for a compare-and-swap, got"
                        f" {request.etag!r}"
                    )
                return self._put(client, request, IfMatch=request.etag)
            case Tag():
                tagged = client.put_object_tagging(
                    **self._always,
                    Key=request.key,
                    Tagging={"TagSet": [{"Key": "superseded", "Value": "true"}]},
                )
                return Applied("", self._date_ms(tagged))
            case _:
                assert_never(request)

    def _list(self, client: StoreClient, request: List) -> Listed:
        # S3 ignores StartAfter if there is a token; other servers may ignore the token.
        after = request.start_after if request.token is None else None
        start = {"StartAfter": after, "ContinuationToken": request.token}
        page = client.list_objects_v2(
            **self._always,
            Prefix=request.prefix,
            MaxKeys=1000,
            **{name: value for name, value in start.items() if value is not None},
        )
        found = keys(page)
        early = after is not None and found[:1] <= (after,) and found != ()
        if early or list(found) != sorted(found):  # the highest lock cannot be found
            raise self._refused(request, "UnorderedList", f"{found[0]!r} to {found[-1]!r}", {})
        truncated = required(page, "IsTruncated")
        token = required(page, "NextContinuationToken") if truncated else None
        return Listed(found, truncated, self._date_ms(page), token)

    def _read(self, client: StoreClient, request: Read) -> Found | Unknown:
        got = client.get_object(**self._always, Key=request.key)
        stream, limit = got["Body"], self._body_limit
        try:
            length = required(got, "ContentLength")
            body = stream.read(limit)
        finally:
            stream.close()
        # botocore detects a truncated body only if it reads to the end.
        if len(body) != (length if limit is None else min(length, limit)):
            return Unknown("the body was truncated")
        return Found(body, etag(got), self._date_ms(got), modified_ms(got))

    def _put(self, client: StoreClient, request: Create | Replace, **condition: str) -> Applied:
        extra = dict(self._on_put)
        if self._checksum:
            # Computed here, because recent botocore sends the one it computes in a trailer.
            crc = zlib.crc32(request.body).to_bytes(4, "big")
            extra["ChecksumCRC32"] = base64.b64encode(crc).decode()
            extra["ChecksumAlgorithm"] = "CRC32"  # required for Object Lock by S3's documentation
        put = client.put_object(
            **self._always, Key=request.key, Body=request.body, **extra, **condition
        )
        return Applied(etag(put), self._date_ms(put))

    def _translate(self, request: StoreRequest, error: ClientError) -> StoreAnswer:
        response: Mapping[str, Any] = error.response
        meta = response.get("ResponseMetadata", {})
        status = meta.get("HTTPStatusCode", 0)
        code = response.get("Error", {}).get("Code", "") or str(status)
        message = response.get("Error", {}).get("Message", "")
        ours = error.operation_name in _OPERATIONS  # not STS's, for credentials
        # By its code first: a PreconditionFailed with status 200 has been reported.
        failed = code == "PreconditionFailed" or status == HTTPStatus.PRECONDITION_FAILED
        if ours and isinstance(request, Create | Replace) and failed:
            return self._conflict(code, response)
        if ours and isinstance(request, Replace) and code == "NoSuchKey":
            return self._conflict(code, response)
        headers = meta.get("HTTPHeaders", {})
        missing = code == "NoSuchKey" or headers.get("x-amz-delete-marker") == "true"
        if ours and isinstance(request, Read | Tag) and missing:
            return Missing(self._date_ms(response))
        from . import s3_refusals  # noqa: PLC0415 - few processes need its messages

        truncated = status == HTTPStatus.NOT_FOUND and code == "404"
        if truncated or s3_refusals.is_transient_error(code, status):
            return Unknown(f"{code} (HTTP {status}): {error}")
        if not ours:
            raise s3_refusals.refusal_elsewhere(
                error.operation_name, code=code, message=message
            ) from error
        raise self._refused(request, code, message, headers) from error

    def _conflict(self, code: str, response: Mapping[str, Any]) -> Conflict | Unknown:
        # A client that retries may have lost the answer to a first copy of the write, and now
        # report the conflict of a second copy with the first.
        retries = response["ResponseMetadata"].get("RetryAttempts")
        if retries != 0:
            return Unknown(f"{code} after {retries} retries by the client")
        return Conflict(self._date_ms(response))

    def _refused(
        self,
        request: StoreRequest,
        code: str,
        message: str,
        headers: Mapping[str, str],
    ) -> BucketUnusable:
        from .s3_refusals import refusal  # noqa: PLC0415 - as above

        client = self._client
        return refusal(
            request,
            bucket=self.bucket,
            partition=client.meta.partition,
            code=code,
            message=message,
            bucket_region=headers.get("x-amz-bucket-region"),
            endpoint=client.meta.endpoint_url,
            region=self._region,
            bucket_owner=self._always.get("ExpectedBucketOwner"),
        )

    def _date_ms(self, response: Mapping[str, Any]) -> int:
        return date_ms(response, self._clock_ms)
