"""A store on Amazon S3, or on a server that speaks its language and honours conditional writes.

Each request is sent once, and what comes of it is translated once: into an answer, into `Unknown`
if there was none to rely on, or into `BucketUnusable` if only a human can help. Facts that S3
always sends are never guessed: an answer that lacks one is no answer.

Not guaranteed: `timeout` bounds each wait for the network, not the whole request (an answer that
trickles in takes longer), and a client that is passed in brings its own time-outs and retries. That
a server honours `If-Match` and `If-None-Match` is not seen here: an election's first candidate
proves it (R0).
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
from .s3_client import ProcessClient, default_client, describe_unreachable, is_amazon
from .s3_options import BucketOptions, check_bucket
from .s3_refusals import passes, refusal, refusal_elsewhere
from .s3_region import choose_region

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_s3 import S3Client

_OPERATIONS: Final = frozenset({"ListObjectsV2", "GetObject", "PutObject", "PutObjectTagging"})
# One incomplete answer may have broken off in its head. So many to requests of one type, with no
# success between, come from a server, or a proxy, that leaves out what S3 sends.
_INCOMPLETE_FOR_GOOD: Final = 3

# Of botocore's own errors, those that come of an answer that was lost, or may well come the next
# time (credentials from an endpoint). The others come of what nobody has set or set wrongly.
_NO_ANSWER: Final = (
    HTTPClientError,
    BotoConnectionError,
    IncompleteReadError,
    ChecksumError,
    FlexibleChecksumError,
    CredentialRetrievalError,
    MetadataRetrievalError,
)


class S3Store:
    """The bucket `bucket`, seen as a store.

    `timeout` is how long each try may wait to connect, and again for each piece of the answer; a
    leader wants it to be a small part of its lease. A boto3 S3 `client` that is given brings its
    own time-outs and Region, and serves only the process that passed it, not a fork. At most
    `body_limit` bytes of a body are read: a longer body is cut off there.

    `clock_ms` (milliseconds since 1970) stands in for a `Date` header that is missing. It is for
    test doubles that send none, such as moto. Never give it for a real server: two hosts whose
    clocks disagree would both lead.
    """

    def __init__(
        self,
        bucket: str,
        *,
        client: S3Client | None = None,
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
        self._body_limit = body_limit
        self._clock_ms = clock_ms
        self._incomplete: Counter[type[StoreRequest]] = Counter()

    @property
    def _client(self) -> S3Client:
        return self._clients.of_this_process()

    def perform(self, request: StoreRequest) -> StoreAnswer:
        """Send `request` once and return its answer; raise `BucketUnusable` if it is refused."""
        try:
            answer = self._asked(request)
        except S3LeaderError:
            raise
        except IncompleteAnswerError as error:
            self._incomplete[type(request)] += 1
            if self._incomplete[type(request)] < _INCOMPLETE_FOR_GOOD:
                return Unknown(f"the answer is incomplete: {error}")
            raise self._refused(request, "IncompleteAnswer", str(error), {}) from error
        except ParamValidationError as error:
            asked = describe_request(request)
            raise InvalidArgument(f"bucket {self.bucket!r}, {asked}: {error}") from error
        except SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" not in str(error):
                return Unknown(f"SSLError: {error}")
            raise self._refused(request, "CertificateNotTrusted", str(error), {}) from error
        except EndpointConnectionError as error:
            return Unknown(describe_unreachable(error, self._region))
        except _NO_ANSWER as error:
            return Unknown(describe_error(error))
        except BotoCoreError as error:
            # No credentials, no such profile, an unusable endpoint: nothing was sent.
            raise self._refused(request, type(error).__name__, str(error), {}) from error
        except Exception as error:  # noqa: BLE001
            # Whatever it is (a socket's OSError, a parser's ValueError, the RuntimeError of
            # credentials that expired as they were fetched), the request may have been sent.
            return Unknown(describe_error(error))
        if isinstance(answer, Listed | Found | Applied):  # a server may date its errors alone
            del self._incomplete[type(request)]
        return answer

    def _asked(self, request: StoreRequest) -> StoreAnswer:
        try:
            return self._sent(request)
        except ClientError as error:
            return self._translated(request, error)

    def _sent(self, request: StoreRequest) -> StoreAnswer:
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
                    # An empty If-Match may be taken for none at all, and "*" matches anything.
                    raise InvalidArgument(
                        f"cannot compare and swap {request.key} on ETag {request.etag!r}"
                    )
                return self._put(client, request, IfMatch=request.etag)
            case Tag():
                tagged = client.put_object_tagging(
                    **self._always,  # type: ignore[arg-type]  # a TypedDict of optional keys
                    Key=request.key,
                    Tagging={"TagSet": [{"Key": "superseded", "Value": "true"}]},
                )
                return Applied("", self._date_ms(tagged))
            case _:
                assert_never(request)

    def _list(self, client: S3Client, request: List) -> Listed:
        # S3 ignores StartAfter beside a token; other servers may prefer it to the token.
        after = request.start_after if request.token is None else None
        start = {"StartAfter": after, "ContinuationToken": request.token}
        page = client.list_objects_v2(
            **self._always,  # type: ignore[arg-type]  # a TypedDict of optional keys
            Prefix=request.prefix,
            MaxKeys=1000,
            **{name: value for name, value in start.items() if value is not None},  # type: ignore[arg-type]  # the same
        )
        found = keys(page)
        unasked = after is not None and found[:1] <= (after,) and found != ()
        if unasked or list(found) != sorted(found):  # so nothing tells which lock is the highest
            raise self._refused(request, "UnorderedList", f"{found[0]!r} to {found[-1]!r}", {})
        truncated = required(page, "IsTruncated")
        token = required(page, "NextContinuationToken") if truncated else None
        return Listed(found, truncated, self._date_ms(page), token)

    def _read(self, client: S3Client, request: Read) -> Found | Unknown:
        got = client.get_object(**self._always, Key=request.key)  # type: ignore[arg-type]  # the same
        stream, limit = got["Body"], self._body_limit
        try:
            length = required(got, "ContentLength")
            body = stream.read(limit)
        finally:
            stream.close()
        # botocore notices a body that breaks off only where it reads to the end.
        if len(body) != (length if limit is None else min(length, limit)):
            return Unknown("the body broke off before its end")
        return Found(body, etag(got), self._date_ms(got), modified_ms(got))

    def _put(self, client: S3Client, request: Create | Replace, **condition: str) -> Applied:
        extra = dict(self._on_put)
        if self._checksum:
            # Computed here: what botocore computes it sends in a trailer, if it is new enough.
            crc = zlib.crc32(request.body).to_bytes(4, "big")
            extra["ChecksumCRC32"] = base64.b64encode(crc).decode()
            extra["ChecksumAlgorithm"] = "CRC32"  # Object Lock is documented to ask for its header
        put = client.put_object(
            **self._always,  # type: ignore[arg-type]  # a TypedDict of optional keys
            Key=request.key,
            Body=request.body,
            **extra,  # type: ignore[arg-type]  # the same
            **condition,  # type: ignore[arg-type]  # the same
        )
        return Applied(etag(put), self._date_ms(put))

    def _translated(self, request: StoreRequest, error: ClientError) -> StoreAnswer:
        response: Mapping[str, Any] = error.response
        meta = response.get("ResponseMetadata", {})
        status = meta.get("HTTPStatusCode", 0)
        code = response.get("Error", {}).get("Code", "") or str(status)
        message = response.get("Error", {}).get("Message", "")
        ours = error.operation_name in _OPERATIONS  # and not STS's, for credentials
        # By its code first: a 412 has been seen under status 200.
        failed = code == "PreconditionFailed" or status == HTTPStatus.PRECONDITION_FAILED
        if ours and isinstance(request, Create | Replace) and failed:
            return self._conflict(code, response)
        if ours and isinstance(request, Replace) and code == "NoSuchKey":
            return self._conflict(code, response)
        headers = meta.get("HTTPHeaders", {})
        missing = code == "NoSuchKey" or headers.get("x-amz-delete-marker") == "true"
        if ours and isinstance(request, Read | Tag) and missing:
            return Missing(self._date_ms(response))
        broke_off = status == HTTPStatus.NOT_FOUND and code == "404"
        if broke_off or passes(code, status):
            return Unknown(f"{code} (HTTP {status}): {error}")
        if not ours:
            raise refusal_elsewhere(error.operation_name, code=code, message=message) from error
        raise self._refused(request, code, message, headers) from error

    def _conflict(self, code: str, response: Mapping[str, Any]) -> Conflict | Unknown:
        # A client with retries of its own may have sent the write before, lost the answer, and
        # now hear of a conflict with itself.
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
