"""Bodies on S3: objects that are written once, under new keys, and read as streams.

A body that is written says in its metadata which nonce, token and SHA-256 it has. For a driver it
is a store of one object, so that `write_until_known` settles a lost answer.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError

from s3leader._core.fenced_body import Body, BytesVersion
from s3leader._core.requests import (
    Applied,
    Conflict,
    Create,
    Found,
    Missing,
    Read,
    Store,
    StoreAnswer,
    StoreRequest,
)
from s3leader.errors import BucketUnusable, CorruptObject, StoreUnavailable, describe_error

from .boto3_client import make_boto3_client
from .s3_client import ProcessClient, StoreClient, is_amazon
from .s3_options import BucketOptions
from .s3_refusals import is_transient_error, refusal
from .s3_region import choose_region

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined]  # of Python 3.12

    from mypy_boto3_s3 import S3Client

_TIMEOUT_S: Final = 60.0  # S3 answers a large upload only when it has stored it
_GONE: Final = {"NoSuchKey", "404"}
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Bodies:
    """The bodies in `bucket`."""

    bucket: str
    clients: ProcessClient
    options: BucketOptions

    @classmethod
    def made_for(cls, bucket: str, client: S3Client | None, options: BucketOptions) -> Bodies:
        """Return the bodies of a bucket; without a `client`, boto3 makes one."""

        def make() -> StoreClient:  # the client of locks knows too few operations
            region = choose_region(options.region).name
            return cast("StoreClient", make_boto3_client(_TIMEOUT_S, region))

        return cls(bucket, ProcessClient(client, make), options)

    @property
    def client(self) -> S3Client:
        """The client of this process."""
        return cast("S3Client", self.clients.of_this_process())

    def open(self, version: BytesVersion, body: Body) -> BodyStream | None:
        """Begin to read a body; return None if there is none. Raises `StoreUnavailable`."""
        got = self._ask(
            Read(body.key), lambda: self.client.get_object(Key=body.key, **self.always())
        )
        return None if got is None else BodyStream(version, body, got["Body"])

    def delete(self, key: str) -> None:
        """Delete a body, or nothing if there is none."""
        try:
            self.client.delete_object(Key=key, **self.always())
        except ClientError as error:
            code = _code(error)
            if is_transient_error(code, _status(error)):
                raise _unanswered(error) from error
            raise BucketUnusable(
                f"S3 refused to delete {key}: {error}. Allow s3:DeleteObject on such keys.",
                action="s3:DeleteObject",
                resource=f"arn:{self.client.meta.partition}:s3:::{self.bucket}/{key}",
                code=code,
            ) from error
        except (BotoCoreError, OSError) as error:
            raise _unanswered(error) from error

    def always(self) -> Any:  # noqa: ANN401 - arguments of boto3
        """Return the arguments of every request."""
        return {"Bucket": self.bucket, **self.options.for_every_request()}

    def _ask(self, request: StoreRequest, send: Callable[[], _Answer]) -> _Answer | None:
        try:
            return send()
        except ClientError as error:
            if _code(error) in _GONE:
                return None
            self.raise_if_refused(request, error)
            raise _unanswered(error) from error
        except (BotoCoreError, OSError) as error:
            raise _unanswered(error) from error

    def raise_if_refused(self, request: StoreRequest, error: ClientError) -> None:
        """Raise `BucketUnusable` unless S3 may answer the same request otherwise later."""
        code, status = _code(error), _status(error)
        if not is_transient_error(code, status):
            message = error.response.get("Error", {}).get("Message", "")
            partition = self.client.meta.partition
            raise refusal(
                request,
                bucket=self.bucket,
                partition=partition,
                code=code or str(status),
                message=message,
                bucket_owner=self.options.bucket_owner,
            ) from error


@dataclass(frozen=True, slots=True)
class WithNewBody:
    """A store with one more object, which is created from `file`, `metadata["nonce"]` included."""

    store: Store
    bodies: Bodies
    body: Body
    file: IO[bytes]
    metadata: dict[str, str]

    def perform(self, request: StoreRequest) -> StoreAnswer:
        """Send a request. Exceptions leave open whether it was applied."""
        if not isinstance(request, Create | Read) or request.key != self.body.key:
            return self.store.perform(request)
        try:
            return self._create() if isinstance(request, Create) else self._read()
        except ClientError as error:
            if (
                _code(error) == "PreconditionFailed"
                or _status(error) == HTTPStatus.PRECONDITION_FAILED
            ):
                return Conflict(0)
            if _code(error) in _GONE and isinstance(request, Read):
                return Missing(0)
            self.bodies.raise_if_refused(request, error)
            raise

    def _create(self) -> Applied:
        client, options = self.bodies.client, self.bodies.options
        extra = options.for_writes()
        if is_amazon(client) if options.checksum is None else options.checksum:
            digest = base64.b64encode(bytes.fromhex(self.body.sha256)).decode()
            extra |= {"ChecksumSHA256": digest, "ChecksumAlgorithm": "SHA256"}
        self.file.seek(0)
        client.put_object(
            Key=self.body.key,
            Body=self.file,
            ContentLength=self.body.size,
            ContentType=self.body.content_type,
            IfNoneMatch="*",
            Metadata=self.metadata,
            **extra,  # type: ignore[arg-type]  # a TypedDict of optional keys
            **self.bodies.always(),
        )
        return Applied("", 0)

    def _read(self) -> Found:
        head = self.bodies.client.head_object(Key=self.body.key, **self.bodies.always())
        return Found(head["Metadata"].get("nonce", "").encode(), "", 0, 0)


class BodyStream(io.RawIOBase):
    """The content of `version`, verified at its end. Close it, or use it in a `with` statement.

    What was read is good only once the end has been reached: then the size and the SHA-256 have
    been compared, or the read has raised `CorruptObject`. A lost connection is `StoreUnavailable`.
    """

    def __init__(self, version: BytesVersion, body: Body, stream: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.version = version
        self.body = body
        self._stream = stream
        self._digest = sha256()
        self._size = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Read into `buffer`; return the number of bytes, 0 at the end."""
        view = memoryview(buffer).cast("B")
        try:
            data = self._stream.read(len(view)) if len(view) else b""
        except Exception as error:  # of botocore, urllib3 or a socket
            raise StoreUnavailable(
                f"the body {self.body.key} could not be read to its end:"
                f" {describe_error(error)}. Open it again."
            ) from error
        view[: len(data)] = data
        self._digest.update(data)
        self._size += len(data)
        if not data and len(view):
            self._verify()
        return len(data)

    def close(self) -> None:
        """Close the connection, or give it back."""
        if not self.closed:
            self._stream.close()
        super().close()

    def _verify(self) -> None:
        found = self._digest.hexdigest()
        if (self._size, found) != (self.body.size, self.body.sha256):
            raise CorruptObject(
                key=self.body.key,
                problem=f"expected {self.body.size} bytes with SHA-256 {self.body.sha256}, got"
                f" {self._size} with {found}",
                remedy="The file was changed while it was uploaded, or the object afterwards:"
                " write it again.",
            )


def _unanswered(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"S3 did not answer: {describe_error(error)}. Try again later.")


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
