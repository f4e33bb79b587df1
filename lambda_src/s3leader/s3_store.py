"""A store on Amazon S3, or on a server that speaks its language and honours conditional writes.

Each request is sent once, and what comes of it is
translated once: into an answer, into `Unknown` if there was none to rely on, or into
`BucketUnusable` if only a human can help.

Not guaranteed: `timeout` bounds each wait for the network, not the whole request (an answer that
trickles in takes longer), and a client that is passed in brings its own time-outs and retries. A
server that ignores `If-Match` and `If-None-Match` cannot be told from one that honours them, and
elects several leaders.
"""

from __future__ import annotations

import re
import time
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, assert_never

from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    CredentialRetrievalError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    ParamValidationError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from .errors import BucketUnusable, InvalidArgument
from .s3_client import check_client, default_client
from .s3_refusals import check_bucket, passes, refusal
from .store import (
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
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_ETAG: Final = re.compile(r'"[^"]+"')
_DATE: Final = re.compile(r"\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d (?:GMT|[+-]\d{4})")
_CONTENT_TYPE: Final = "application/json"

# No answer came, or none that can be relied on. An OSError is what a socket raises while a body is
# read; CredentialRetrievalError is a credentials endpoint that may well answer the next time.
_NO_ANSWER: Final = (
    HTTPClientError,
    BotoConnectionError,
    IncompleteReadError,
    ResponseParserError,
    ChecksumError,
    FlexibleChecksumError,
    CredentialRetrievalError,
    HTTPError,
    OSError,
)


class S3Store:
    """The bucket `bucket`, seen as a store.

    `timeout` is what each try may wait to connect and again for each piece of the answer; a leader
    wants it to be a small part of its lease. `region` is the bucket's, where it is not the
    environment's; S3 would send each new client on from there. They and everything else about the
    connection are the caller's business when `client`, a boto3 S3 client, is given. `body_limit` is
    how many bytes of a body are read at most: a longer one comes back cut to it. `clock_ms` stands
    in for a `Date` header that is missing, which no real S3 leaves out; moto does.
    """

    def __init__(
        self,
        bucket: str,
        *,
        client: S3Client | None = None,
        region: str | None = None,
        timeout: timedelta = timedelta(seconds=3),
        body_limit: int | None = None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        check_bucket(bucket)
        self.bucket = bucket
        self._client = default_client(timeout, region) if client is None else client
        check_client(self._client)
        self._body_limit = body_limit
        self._clock_ms = clock_ms
        self._dated: set[str] = set()

    def perform(self, request: StoreRequest) -> StoreAnswer:
        """Send `request` once and return its answer; raise `BucketUnusable` if it is refused."""
        try:
            try:
                return self._send(request)
            except ClientError as error:
                return self._translated(request, error)
        except _NO_ANSWER as error:
            return Unknown(f"{type(error).__name__}: {error}")
        except KeyError as error:
            return Unknown(f"the answer lacks {error}")
        except ParamValidationError as error:
            raise InvalidArgument(f"bucket {self.bucket!r}, {request}: {error}") from error
        except BotoCoreError as error:
            # No credentials, no such profile, an unusable endpoint: nothing was sent.
            raise self._refused(request, type(error).__name__, str(error), {}) from error
        except InvalidArgument:
            raise
        except ValueError as error:  # what botocore makes of a head that broke off in a value
            return Unknown(f"{type(error).__name__}: {error}")

    def _send(self, request: StoreRequest) -> StoreAnswer:
        match request:
            case List():
                return self._list(request)
            case Read():
                return self._read(request)
            case Create():
                return self._written(
                    self._client.put_object(
                        Bucket=self.bucket,
                        Key=request.key,
                        Body=request.body,
                        ContentType=_CONTENT_TYPE,
                        IfNoneMatch="*",
                    )
                )
            case Replace():
                return self._replace(request)
            case Tag():
                tagged = self._client.put_object_tagging(
                    Bucket=self.bucket,
                    Key=request.key,
                    Tagging={"TagSet": [{"Key": "superseded", "Value": "true"}]},
                )
                return Applied("", self._date_ms(tagged, "tag"))
            case _:
                assert_never(request)

    def _list(self, request: List) -> Listed:
        start = {"StartAfter": request.start_after, "ContinuationToken": request.token}
        if request.token is not None:
            del start["StartAfter"]  # S3 ignores it; other servers may prefer it to the token
        page = self._client.list_objects_v2(
            Bucket=self.bucket,
            Prefix=request.prefix,
            MaxKeys=1000,
            **{name: value for name, value in start.items() if value is not None},  # type: ignore[arg-type]  # a TypedDict of optional keys
        )
        keys = tuple(item["Key"] for item in page.get("Contents", ()))
        truncated = page["IsTruncated"]
        # Without a token nobody can ask for the rest, so such a page is no answer.
        token = page["NextContinuationToken"] if truncated else None
        return Listed(keys, truncated, self._date_ms(page, "list"), token)

    def _read(self, request: Read) -> Found | Unknown:
        got = self._client.get_object(Bucket=self.bucket, Key=request.key)
        body = self._body(got)
        if body is None:
            return Unknown("the body broke off before its end")
        modified_ms = int(got["LastModified"].timestamp()) * 1000
        return Found(body, got["ETag"], self._date_ms(got, "read"), modified_ms)

    def _body(self, got: GetObjectOutputTypeDef) -> bytes | None:
        stream, length, limit = got["Body"], got["ContentLength"], self._body_limit
        try:
            body = stream.read(limit)
        finally:
            stream.close()
        # botocore notices a body that breaks off only where it reads to the end.
        due = length if limit is None else min(length, limit)
        return body if len(body) == due else None

    def _replace(self, request: Replace) -> Applied:
        if request.etag in {"", "*"}:
            # An empty If-Match may be taken for none at all, and "*" matches whatever is there.
            raise InvalidArgument(f"cannot compare and swap {request.key} on ETag {request.etag!r}")
        return self._written(
            self._client.put_object(
                Bucket=self.bucket,
                Key=request.key,
                Body=request.body,
                ContentType=_CONTENT_TYPE,
                IfMatch=request.etag,
            )
        )

    def _written(self, put: Mapping[str, Any]) -> Applied:
        if not _ETAG.fullmatch(put["ETag"]):
            raise ResponseParserError(f"the answer broke off in its ETag: {put['ETag']!r}")
        return Applied(put["ETag"], self._date_ms(put, "put"))

    def _translated(self, request: StoreRequest, error: ClientError) -> StoreAnswer:
        response: Mapping[str, Any] = error.response
        meta = response.get("ResponseMetadata", {})
        status = meta.get("HTTPStatusCode", 0)
        code = response.get("Error", {}).get("Code", "") or str(status)
        writes = isinstance(request, Create | Replace)
        # By its code first: a 412 has been seen under status 200.
        if writes and (code == "PreconditionFailed" or status == HTTPStatus.PRECONDITION_FAILED):
            return self._conflict(code, response)
        if isinstance(request, Replace) and code == "NoSuchKey":
            return self._conflict(code, response)
        deleted = meta.get("HTTPHeaders", {}).get("x-amz-delete-marker") == "true"
        if isinstance(request, Read | Tag) and (code == "NoSuchKey" or deleted):
            return Missing(self._date_ms(response))
        broke_off = status == HTTPStatus.NOT_FOUND and code == "404"
        if broke_off or passes(code, status):
            return Unknown(f"{code} (HTTP {status}): {error}")
        message = response.get("Error", {}).get("Message", "")
        raise self._refused(request, code, message, meta.get("HTTPHeaders", {})) from error

    def _conflict(self, code: str, response: Mapping[str, Any]) -> Conflict | Unknown:
        # A client with retries of its own may have sent the write before, lost the answer, and
        # now be told of a conflict with itself.
        retries = response["ResponseMetadata"].get("RetryAttempts", 0)
        if retries:
            return Unknown(f"{code} after {retries} retries by the client")
        return Conflict(self._date_ms(response))

    def _refused(
        self, request: StoreRequest, code: str, message: str, headers: Mapping[str, str]
    ) -> BucketUnusable:
        return refusal(
            request,
            bucket=self.bucket,
            partition=self._client.meta.partition,
            code=code,
            message=message,
            bucket_region=headers.get("x-amz-bucket-region"),
        )

    def _date_ms(self, response: Mapping[str, Any], of: str = "error") -> int:
        headers = response["ResponseMetadata"]["HTTPHeaders"]
        date = headers.get("date")
        if not headers:
            raise ResponseParserError("the answer broke off in its head")
        if date is None and of not in self._dated:
            return self._clock_ms() // 1000 * 1000
        # What had a Date once always has; and a part of one may pass for another time.
        if date is None or not _DATE.fullmatch(date):
            raise ResponseParserError(f"unusable Date: {date!r}")
        self._dated.add(of)
        return int(parsedate_to_datetime(date).timestamp()) * 1000
