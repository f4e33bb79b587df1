"""Everything that compaction writes to the data bucket, except the manifest.

Each write is preceded by `ensure_held()`. It either creates an object under a new key, or deletes
an object of which the manifest says that it is committed or never can be. So a write does no harm
if it arrives late, twice, or from a leader that has been deposed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from compaction.s3_errors import (
    NO_ANSWER,
    cannot_serve_key,
    code_of,
    is_transient,
    outcome_of,
    refuses_key,
)
from s3leader._core.conditional_write import WriteConflict, write_until_known
from s3leader._core.requests import Applied, Create, Found, Read
from s3leader._io.driver import Driver
from s3leader._io.s3_client import is_amazon
from s3leader.errors import BucketUnusable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from compaction.source import Input
    from s3leader import Term
    from s3leader._core.requests import StoreAnswer, StoreRequest

_PATIENCE_MS: Final = 60_000
_TRIES: Final = 3
_PAGE: Final = 1000  # the largest number of keys in one DeleteObjects


class KeyTaken(Exception):  # noqa: N818 - the name says what happened
    """Another object is at a key that only this leader can have chosen; nothing was committed."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"expected no object at {key}, found one that this leader did not write. Nothing was"
            f" committed. Check whether another program writes below that prefix."
        )
        self.key = key


class Writer:
    """Writes to `bucket` while `term` is held. `driver` makes the driver of each create."""

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        term: Term,
        *,
        driver: Callable[..., Driver] = Driver,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._term = term
        self._driver = driver

    def create(self, key: str, file: IO[bytes], *, sha256: str, content_type: str) -> None:
        """Create the object `key` from `file`, whose SHA-256 is `sha256` in hexadecimal.

        `write_until_known` sends the write until its outcome is known, as it does for locks. The
        digest in the object's metadata is the nonce by which a write recognises itself.

        Raises:
            KeyTaken: another object is at `key`.
            BucketUnusable: S3 refuses the write.
            StoreUnavailable: after a minute of tries the outcome is still unknown.
        """
        put = {
            "Body": file,
            "ContentType": content_type,
            "Metadata": {"sha256": sha256},
            **self._checksum(sha256),
        }
        store = _FileStore(self._client, self._bucket, self._term, put)
        steps = write_until_known(
            Create(key, b""), sha256, patience_ms=_PATIENCE_MS, nonce_of=_digest_of
        )
        if isinstance(self._driver(store=store).run(steps), WriteConflict):
            raise KeyTaken(key)

    def keep(self, item: Input, key: str) -> str | None:
        """Copy an input, with its metadata and without reading it, to the new key `key`.

        Returns None if it was copied, or else S3's error code. After an `InternalError` there may
        be a copy, which no record names. CopyObject has no `If-None-Match` in the SDKs that Lambda
        brings; the nonce in the key makes it unnecessary.
        """
        self._term.ensure_held()
        try:
            self._client.copy_object(
                Bucket=self._bucket,
                Key=key,
                CopySource={"Bucket": self._bucket, "Key": item.key},
                CopySourceIfMatch=item.etag,
                TaggingDirective="REPLACE",  # else it needs the right to read tags
            )
        except ClientError as error:
            if not cannot_serve_key(error):
                raise
            return code_of(error)
        return None

    def delete(self, keys: Sequence[str]) -> dict[str, str]:
        """Delete objects; return S3's error code for each that may still exist.

        A missing object counts as deleted. Transient errors are retried, refusals are not.
        """
        refused: dict[str, str] = {}
        left = list(keys)
        for _ in range(_TRIES):
            for key in left:
                refused.pop(key, None)
            for start in range(0, len(left), _PAGE):
                refused |= self._delete_page(left[start : start + _PAGE])
            left = [key for key, code in refused.items() if is_transient(code)]
            if not left:
                break
        return refused

    def _delete_page(self, keys: list[str]) -> dict[str, str]:
        errors: dict[str, str] = {}
        # DeleteObjects sends keys as XML, which cannot hold all characters of a key.
        for key in (key for key in keys if not key.isprintable()):
            self._term.ensure_held()
            try:
                self._client.delete_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                errors |= _refused(error, [key])
        if plain := [key for key in keys if key.isprintable()]:
            self._term.ensure_held()
            try:
                answer = self._client.delete_objects(
                    Bucket=self._bucket,
                    Delete={"Objects": [{"Key": key} for key in plain], "Quiet": True},
                )
            except ClientError as error:
                return errors | _refused(error, plain)
            for problem in answer.get("Errors", ()):
                if (code := problem.get("Code", "unknown")) != "NoSuchKey":
                    errors[problem["Key"]] = code
        return errors

    def _checksum(self, sha256: str) -> dict[str, Any]:
        """Return the checksum that Amazon S3 requires where Object Lock retains by default.

        Other servers get none: some refuse it.
        """
        if not is_amazon(self._client):
            return {}
        digest = base64.b64encode(bytes.fromhex(sha256)).decode()
        return {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": digest}


class _FileStore:
    """A store for the create of one file: `Create` uploads the file, `Read` reads its metadata.

    `put` are the arguments of PutObject. The answers carry no times, as none of them is used.
    """

    def __init__(self, client: S3Client, bucket: str, term: Term, put: dict[str, Any]) -> None:
        self._client = client
        self._bucket = bucket
        self._term = term
        self._put = put

    def perform(self, request: StoreRequest) -> StoreAnswer:
        """Perform a `Create` or a `Read`; raise `BucketUnusable` if S3 refuses it."""
        if not isinstance(request, Create | Read):
            raise TypeError(f"expected a Create or a Read, got {request!r}")
        try:
            return self._send(request)
        except (ClientError, *NO_ANSWER) as error:
            if (answer := outcome_of(error)) is not None:
                return answer
            action = "s3:PutObject" if isinstance(request, Create) else "s3:GetObject"
            raise BucketUnusable(
                f"{action} failed for {request.key}: {error}. The inputs of this batch are not"
                f" committed; fix the cause, and the next term compacts them.",
                action=action,
                resource=f"arn:{self._client.meta.partition}:s3:::{self._bucket}/{request.key}",
                code=error.response["Error"]["Code"] if isinstance(error, ClientError) else "",
            ) from error

    def _send(self, request: Create | Read) -> StoreAnswer:
        bucket, key = self._bucket, request.key
        if isinstance(request, Create):
            self._term.ensure_held()
            self._put["Body"].seek(0)
            self._client.put_object(Bucket=bucket, Key=key, IfNoneMatch="*", **self._put)
            return Applied("", 0)
        head = self._client.head_object(Bucket=bucket, Key=key)
        return Found(head["Metadata"].get("sha256", "").encode(), head["ETag"], 0, 0)


def _digest_of(found: Found) -> str:
    return found.body.decode()


def _refused(error: ClientError, keys: list[str]) -> dict[str, str]:
    """Return the refusal as one of each key; raise an error that does not depend on the keys."""
    if not refuses_key(error):
        raise error
    return {} if code_of(error) == "NoSuchKey" else dict.fromkeys(keys, code_of(error))
