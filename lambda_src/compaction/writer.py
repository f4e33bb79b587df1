"""Everything that compaction writes to the data bucket, except the manifest.

Each write is preceded by `ensure_held()`. It either creates an object under a new key, or deletes
an object of which the manifest says that it is committed or never can be. So a write does no harm
if it arrives late, twice, or from a leader that has been deposed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import ClientError

from compaction.s3_errors import (
    GONE,
    cannot_serve_key,
    code_of,
    is_transient,
    may_pass,
    refuses_key,
)
from s3leader import BucketUnusable
from s3leader._io.s3_client import is_amazon  # private, and shipped together with this job
from s3leader.fencing import create_until_known

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from compaction.batch import Packed
    from compaction.manifest import Entry
    from compaction.source import Input
    from s3leader import Term

_Answer = TypeVar("_Answer")
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
    """Writes to `bucket` while `term` is held."""

    def __init__(self, client: S3Client, bucket: str, term: Term) -> None:
        self._client = client
        self._bucket = bucket
        self._term = term

    def upload(self, key: str, packed: Packed) -> Entry | None:
        """Create the object `key` of the lines, if there are any; return the manifest's entry."""
        if not packed.lines:
            return None
        size, digest = packed.finished()
        self.create(key, packed.file, sha256=digest, content_type="application/gzip")
        return {
            "key": key,
            "term": self._term.number,
            "lines": packed.lines,
            "bytes": packed.bytes,
            "size": size,
            "sha256": digest,
        }

    def create(self, key: str, file: IO[bytes], *, sha256: str, content_type: str) -> None:
        """Create the object `key` from `file`, whose SHA-256 is `sha256` in hexadecimal.

        `create_until_known` settles a lost answer, as for locks. The digest in the metadata is the
        nonce by which a write recognises itself.

        Raises:
            KeyTaken: another object is at `key`.
            LeadershipLost: the term was lost before the object was created for certain.
            BucketUnusable: S3 refuses the write.
            StoreUnavailable: the lease has run out, and S3 has not said whether it was created.
        """

        def put() -> bool:
            file.seek(0)
            sent = self._ask(
                lambda: self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=file,
                    IfNoneMatch="*",
                    ContentType=content_type,
                    Metadata={"sha256": sha256},
                    **self._checksum(sha256),
                ),
                key,
                action="s3:PutObject",
            )
            return sent is not None

        def read_digest() -> str | None:
            head = self._ask(
                lambda: self._client.head_object(Bucket=self._bucket, Key=key),
                key,
                action="s3:GetObject",
            )
            return None if head is None else head["Metadata"].get("sha256", "")

        if not create_until_known(put, read_digest, key=key, nonce=sha256, term=self._term):
            raise KeyTaken(key)

    def _ask(self, request: Callable[[], _Answer], key: str, *, action: str) -> _Answer | None:
        """Return S3's answer, None for 404 and 412. An error that a retry may cure is raised."""
        try:
            return request()
        except ClientError as error:
            if code_of(error) in GONE:
                return None
            if may_pass(error):
                raise
            raise BucketUnusable(
                f"{action} failed for {key}: {error}. The inputs of this batch are not committed;"
                f" fix the cause, and the next term compacts them.",
                action=action,
                resource=f"arn:{self._client.meta.partition}:s3:::{self._bucket}/{key}",
                code=code_of(error),
            ) from error

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


def _refused(error: ClientError, keys: list[str]) -> dict[str, str]:
    """Return the refusal as one of each key; raise an error that does not depend on the keys."""
    if not refuses_key(error):
        raise error
    return {} if code_of(error) == "NoSuchKey" else dict.fromkeys(keys, code_of(error))
