"""All that compaction writes in the data bucket, except the manifest.

Each write is preceded by `ensure_held()`, and either creates what was not there, under a key of its
own, or deletes what the manifest says is committed or never will be. So none of them does harm if
it comes late, twice, or from a leader that leads no more.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, HTTPClientError

from compaction.s3_errors import (
    asks_for_another_try,
    cannot_serve_key,
    code_of,
    is_transient,
    refuses_key,
)
from s3leader._io.s3_client import is_amazon

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from compaction.source import Input
    from s3leader import Term

log = logging.getLogger(__name__)

_TRIES: Final = 3
_PAGE: Final = 1000  # the most that one DeleteObjects takes
_TAKEN: Final = {"PreconditionFailed", "412"}
_AGAIN: Final = {"ConditionalRequestConflict", "OperationAborted", "RequestTimeout", "409"}


class KeyTaken(Exception):  # noqa: N818 - says what is the matter
    """Something else stands at a key that nobody else can have drawn; nothing was committed."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"{key} exists, and is not what this leader wrote there. Nothing was committed. Does"
            f" something other than this job write below that prefix?"
        )
        self.key = key


class Writer:
    """Writes to `bucket` for as long as `term` is held."""

    def __init__(self, client: S3Client, bucket: str, term: Term) -> None:
        self._client = client
        self._bucket = bucket
        self._term = term

    def create(self, key: str, file: IO[bytes], *, sha256: str, content_type: str) -> None:
        """Put a new object; `key` has a nonce, so whatever is there already is an earlier try.

        `sha256` is the file's, in hexadecimal. The client may retry by itself and then meet its own
        work, as 412; so may this method.
        """
        for tries_left in reversed(range(_TRIES)):
            self._term.ensure_held()
            file.seek(0)
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=file,
                    ContentType=content_type,
                    IfNoneMatch="*",
                    Metadata={"sha256": sha256},
                    **self._checksum(sha256),
                )
            except ClientError as error:
                if (code := code_of(error)) in _TAKEN:
                    self._check_own(key, sha256)
                    return
                if not tries_left or not (code in _AGAIN or asks_for_another_try(error)):
                    raise
            except HTTPClientError:
                if not tries_left:
                    raise
            else:
                return
            log.warning("it is not known whether %s was written; trying again", key)

    def keep(self, item: Input, key: str) -> str | None:
        """Copy an input, with its metadata and without reading it, to a key of its own.

        Returns S3's error code if it does not copy this very object, None if it has been copied.
        After an `InternalError` there may be a copy all the same, which no record names. CopyObject
        has no If-None-Match in the SDKs that Lambda brings; the nonce in the key makes
        it unnecessary.
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

        One that is gone already counts as deleted. A refusal is final; an error that may pass is
        tried again, several times.
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
        # DeleteObjects names keys in XML, which cannot say every character that a key may have.
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
        """Return the checksum that Amazon S3 asks for where Object Lock retains by default.

        Other servers get none: some refuse one.
        """
        if not is_amazon(self._client):
            return {}
        digest = base64.b64encode(bytes.fromhex(sha256)).decode()
        return {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": digest}

    def _check_own(self, key: str, sha256: str) -> None:
        head = self._client.head_object(Bucket=self._bucket, Key=key)
        if head["Metadata"].get("sha256") != sha256:
            raise KeyTaken(key)


def _refused(error: ClientError, keys: list[str]) -> dict[str, str]:
    """Return the refusal as one of each key; raise what does not depend on the keys."""
    if not refuses_key(error):
        raise error
    return {} if code_of(error) == "NoSuchKey" else dict.fromkeys(keys, code_of(error))
