"""The bucket that `certify` examines: stores on it, and what it is asked beyond elections."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from s3leader import BucketOptions
from s3leader._io.s3_store import S3Store
from s3leader.errors import without_credentials
from s3leader_cli.certify.check import NotChecked

from .clients import client

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from s3leader._core.requests import Store

_TIMEOUT: Final = timedelta(seconds=30)  # some servers answer contended writes late
FOLDER: Final = "s3leader-certify-"
"""How the name of each folder begins that certify writes to, and deletes."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, kw_only=True)
class BucketStore:
    """Makes a store with a client of its own, in this process or in another one.

    Where an answer has no `Date`, a store that is not `dated` takes this machine's time: the checks
    that do not need the time go on.
    """

    bucket: str
    region: str | None = None
    dated: bool = False

    def __call__(self) -> Store:
        """Return a new store."""
        options = replace(BucketOptions.from_environment(), region=self.region)
        clock_ms = None if self.dated else _now_ms
        return S3Store(self.bucket, options=options, timeout=_TIMEOUT, clock_ms=clock_ms)


class CertifiedBucket:
    """What a bucket is asked that no election asks."""

    def __init__(self, bucket: str, region: str | None) -> None:
        self._s3 = client("s3", region, read_timeout=_TIMEOUT.seconds)
        self._options = replace(BucketOptions.from_environment(), region=region)
        self._always = {"Bucket": bucket, **self._options.for_every_request()}
        self._versioned = False

    @property
    def endpoint(self) -> str:
        """The address of the server."""
        return without_credentials(self._s3.meta.endpoint_url)

    def server(self) -> str:
        """Return what the server calls itself, an empty string if it does not say."""
        try:
            answer = self._s3.list_objects_v2(**self._always, MaxKeys=1)
        except ClientError as error:
            answer = error.response
        except BotoCoreError:
            return ""
        said: str = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("server", "")
        return said

    def tags(self, key: str) -> Mapping[str, str]:
        """Return the tags of an object."""
        try:
            answer = self._s3.get_object_tagging(**self._always, Key=key)
        except (ClientError, BotoCoreError) as error:
            raise NotChecked(f"the tags cannot be read: {_code(error)}") from error
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def refusal(self, key: str, **condition: str) -> str:
        """Return how a PUT with a condition that does not hold is refused: `412 Code`."""
        try:
            self._s3.put_object(
                **self._always, **self._options.for_writes(), **condition, Key=key, Body=b"refuse"
            )
        except (ClientError, BotoCoreError) as error:
            return _code(error)
        return "200"

    def delete_folder(self, folder: str) -> str | None:
        """Delete every object below `folder`, and return what is left, None if nothing is.

        In a bucket with versioning, the versions are deleted too, as far as the rights suffice.
        """
        if FOLDER not in folder or not folder.endswith("/"):
            raise ValueError(f"expected a folder of certify's own, got {folder!r}")
        try:
            left = self._delete_all(self._keys(folder), "objects")
        except (ClientError, BotoCoreError) as error:
            return f"the objects below {folder}, which cannot be listed: {_code(error)}"
        try:
            left += self._delete_all(self._versions(folder), "old versions")
        except (ClientError, BotoCoreError) as error:
            left += [f"old versions, which cannot be listed: {_code(error)}"] * self._versioned
        return f"{' and '.join(left)}, below {folder}" if left else None

    def _delete_all(self, ones: Iterable[dict[str, str]], what: str) -> list[str]:
        """Return a description of those that could not be deleted, or nothing."""
        with ThreadPoolExecutor(8) as pool:
            refusals = [each for each in pool.map(self._delete, list(ones)) if each is not None]
        return [f"{len(refusals)} {what} ({refusals[0]})"] if refusals else []

    def _delete(self, one: dict[str, str]) -> str | None:
        """Delete an object or a version; return why it is still there, or None."""
        try:
            answer = self._s3.delete_object(**self._always, **one)
        except (ClientError, BotoCoreError) as error:
            return _code(error)
        self._versioned |= "VersionId" in answer
        return None

    def _keys(self, folder: str) -> Iterator[dict[str, str]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(**self._always, Prefix=folder)
        for page in pages:
            yield from ({"Key": item["Key"]} for item in page.get("Contents", ()))

    def _versions(self, folder: str) -> Iterator[dict[str, str]]:
        """Return what a bucket with versioning keeps of deleted objects."""
        paginator = self._s3.get_paginator("list_object_versions")
        for page in paginator.paginate(**self._always, Prefix=folder):
            for item in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
                if item.get("VersionId", "null") != "null":
                    yield {"Key": item["Key"], "VersionId": item["VersionId"]}


def _code(error: Exception) -> str:
    """Return the status and the code of an error: `412 PreconditionFailed`."""
    if not isinstance(error, ClientError):
        return type(error).__name__
    response: Any = error.response
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = response.get("Error", {}).get("Code", "")
    return f"{status} {code}" if code != str(status) else str(status)
