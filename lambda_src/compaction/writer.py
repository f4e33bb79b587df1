"""All that compaction writes in the data bucket, except the manifest.

Each write is preceded by `ensure_held()`, and either creates what was not there, under a key of its
own, or deletes what the manifest says is committed or never will be. So none of them does harm if
it comes late, twice, or from a leader that leads no more.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Final

from botocore.exceptions import ClientError, HTTPClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from compaction.source import Input
    from s3leader import Term

log = logging.getLogger(__name__)

_TRIES: Final = 3
_PAGE: Final = 1000  # the most that one DeleteObjects takes
_TAKEN: Final = {"PreconditionFailed", "412"}
_AGAIN: Final = {"ConditionalRequestConflict", "OperationAborted", "RequestTimeout", "409"}
_DENIED: Final = {"AccessDenied", "AllAccessDisabled"}


class KeyTaken(Exception):  # noqa: N818 - says what is the matter
    """Something else stands at a key that nobody else can have drawn; nothing was committed."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"{key} exists, and is not what this leader wrote there. Nothing was committed. Does"
            f" something other than this job write below that prefix?"
        )
        self.key = key


class NotDeleted(Exception):  # noqa: N818
    """S3 did not delete committed inputs; the next term deletes them, before anything else."""

    def __init__(self, errors: dict[str, str]) -> None:
        key, code = next(iter(errors.items()))
        super().__init__(
            f"{len(errors)} objects that are committed could not be deleted, {key} the first:"
            f" {code}. They are named in the manifest, and the next term goes on there. If access"
            f" was denied, allow s3:DeleteObject."
        )
        self.errors = errors


class Writer:
    """Writes to `bucket` for as long as `term` is held."""

    def __init__(self, client: S3Client, bucket: str, term: Term) -> None:
        self._client = client
        self._bucket = bucket
        self._term = term

    def create(self, key: str, file: IO[bytes], *, sha256: str, content_type: str) -> None:
        """Put a new object; `key` has a nonce, so whatever is there already is an earlier try.

        The client may retry by itself and then meet its own work, as 412; so may this method.
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
                )
            except ClientError as error:
                if (code := _code(error)) in _TAKEN:
                    self._check_own(key, sha256)
                    return
                if not tries_left or not (code in _AGAIN or _status(error) >= 500):
                    raise
            except HTTPClientError:
                if not tries_left:
                    raise
            else:
                return
            log.warning("it is not known whether %s was written; trying again", key)

    def keep(self, item: Input, key: str) -> None:
        """Copy an input to a key of its own, without reading it.

        CopyObject has no If-None-Match in the SDKs that Lambda brings; the nonce stands in for it.
        """
        self._term.ensure_held()
        self._client.copy_object(
            Bucket=self._bucket,
            Key=key,
            CopySource={"Bucket": self._bucket, "Key": item.key},
            CopySourceIfMatch=item.etag,
            TaggingDirective="REPLACE",  # else it needs the right to read tags
        )

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; one that is gone already counts as deleted.

        Raises:
            NotDeleted: some are left, after several tries.
        """
        left = list(keys)
        errors: dict[str, str] = {}
        for _ in range(_TRIES):
            errors = {}
            for start in range(0, len(left), _PAGE):
                errors |= self._delete_page(left[start : start + _PAGE])
            left = list(errors)
            if not errors or _DENIED & set(errors.values()):
                break
        if errors:
            raise NotDeleted(errors)

    def _delete_page(self, keys: list[str]) -> dict[str, str]:
        errors: dict[str, str] = {}
        # DeleteObjects names keys in XML, which cannot say every character that a key may have.
        for key in (key for key in keys if not key.isprintable()):
            self._term.ensure_held()
            self._client.delete_object(Bucket=self._bucket, Key=key)
        if plain := [key for key in keys if key.isprintable()]:
            self._term.ensure_held()
            answer = self._client.delete_objects(
                Bucket=self._bucket,
                Delete={"Objects": [{"Key": key} for key in plain], "Quiet": True},
            )
            for error in answer.get("Errors", ()):
                if (code := error.get("Code", "unknown")) != "NoSuchKey":
                    errors[error["Key"]] = code
        return errors

    def _check_own(self, key: str, sha256: str) -> None:
        head = self._client.head_object(Bucket=self._bucket, Key=key)
        if head["Metadata"].get("sha256") != sha256:
            raise KeyTaken(key)


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
