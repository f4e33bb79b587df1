"""A boto3 S3 client over a `MemoryStore`: what boto3 adds, and a hook at each request.

`MemoryStore` decides conditions, ETags and pages. This adapter translates to boto3's arguments and
answers, and adds object metadata, CopyObject and DeleteObjects.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from s3leader._core.requests import Conflict, Create, Found, List, Listed, Read, Replace
from s3leader._io.memory_store import MemoryStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WRITES = {"put_object", "copy_object", "delete_object", "delete_objects"}
REQUESTS = {*WRITES, "get_object", "head_object", "list_objects_v2"}
_META = (
    boto3.session.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )
    .client("s3")
    .meta
)
_HEADERS = {"HTTPHeaders": {"date": "Mon, 23 Nov 2026 06:00:00 GMT"}, "RetryAttempts": 0}

Perform = Callable[[], Any]
Hook = Callable[[str, dict[str, Any], Perform], Any]


class FakeS3:
    """One bucket. If `hook` is set, `hook(name, arguments, perform)` answers each request.

    `undeletable` holds S3's error code for each key that S3 refuses to delete. `log` holds the name
    of each request that S3 performed.
    """

    def __init__(self, *, page_size: int = 1000) -> None:
        self.meta = _META
        self.hook: Hook | None = None
        self.undeletable: dict[str, str] = {}
        self.log: list[str] = []
        self._store = MemoryStore(page_size=page_size)
        self._metadata: dict[str, dict[str, str]] = {}
        self._step = threading.RLock()

    def before(
        self, operation: str, call: Callable[[], object], *, keys: Collection[str] | None = None
    ) -> None:
        """Call something before each request of `operation`, only of those for `keys` if given."""

        def hook(name: str, given: dict[str, Any], perform: Perform) -> Any:
            if name == operation and (keys is None or given["Key"] in keys):
                call()
            return perform()

        self.hook = hook

    def fail(
        self,
        operation: str,
        error: Exception,
        *,
        keys: Collection[str] | None = None,
        times: int | None = None,
    ) -> None:
        """Let such requests end in `error`, only so many `times` if given."""
        requests = count()

        def refuse() -> None:
            if times is None or next(requests) < times:
                raise error

        self.before(operation, refuse, keys=keys)

    def client(self) -> S3Client:
        return cast("S3Client", self)

    def list_keys(self, prefix: str = "") -> list[str]:
        return [*filter(lambda key: key.startswith(prefix), self._store.keys())]

    def body(self, key: str) -> bytes:
        return self._store.body(key)

    def metadata(self, key: str) -> dict[str, str]:
        return self._metadata.get(key, {})

    def put(self, key: str, body: bytes = b"", metadata: dict[str, str] | None = None) -> None:
        self._store.put(key, body)
        self._metadata[key] = metadata or {}

    def delete(self, key: str) -> None:
        with suppress(KeyError):
            self._store.delete(key)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in REQUESTS:
            raise AttributeError(name)
        return lambda **given: self._request(name, given)

    def get_paginator(self, name: str) -> Any:
        def paginate(**given: Any) -> Iterator[Any]:
            page: Any = {"IsTruncated": True}
            while page["IsTruncated"]:
                page = self._request(name, given)
                yield page
                if page["IsTruncated"]:
                    given["StartAfter"] = page["Contents"][-1]["Key"]

        return SimpleNamespace(paginate=paginate)

    def _request(self, name: str, given: dict[str, Any]) -> Any:
        if hasattr(given.get("Body"), "read"):
            given["Body"] = given["Body"].read()  # a late copy has the bytes that were sent

        def perform() -> Any:
            with self._step:
                self.log.append(name)
                return {**getattr(self, f"_{name}")(**given), "ResponseMetadata": _HEADERS}

        return perform() if self.hook is None else self.hook(name, given, perform)

    def _get_object(self, *, Key: str, IfMatch: str | None = None, **_: Any) -> dict[str, Any]:
        found = self._found("GetObject", Key, IfMatch)
        return {
            "Body": StreamingBody(io.BytesIO(found.body), len(found.body)),
            "ETag": found.etag,
            "ContentLength": len(found.body),
            "LastModified": datetime.fromtimestamp(found.modified_ms / 1000, UTC),
        }

    def _head_object(self, *, Key: str, **_: Any) -> dict[str, Any]:
        return {"ETag": self._found("HeadObject", Key).etag, "Metadata": self.metadata(Key)}

    def _put_object(
        self,
        *,
        Key: str,
        Body: bytes,
        Metadata: Any = None,
        IfMatch: str | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        assert IfMatch is not None or more["IfNoneMatch"] == "*", "no write is unconditional"
        write = Create(Key, Body) if IfMatch is None else Replace(Key, Body, IfMatch)
        answer = self._store.perform(write)
        if isinstance(answer, Conflict):
            raise s3_error("PutObject", "PreconditionFailed", 412)
        self._metadata[Key] = Metadata or {}
        return {"ETag": cast("Any", answer).etag}

    def _copy_object(
        self, *, Key: str, CopySource: Any, CopySourceIfMatch: str, **_: Any
    ) -> dict[str, Any]:
        found = self._found("CopyObject", CopySource["Key"], CopySourceIfMatch)
        self.put(Key, found.body, self.metadata(CopySource["Key"]))
        return {}

    def _delete_object(self, *, Key: str, **_: Any) -> dict[str, Any]:
        if (code := self.undeletable.get(Key)) is not None:
            raise s3_error("DeleteObject", code, 403)
        self.delete(Key)
        return {}

    def _delete_objects(self, *, Delete: Any, **_: Any) -> dict[str, Any]:
        keys = [item["Key"] for item in Delete["Objects"]]
        assert len(keys) <= 1000
        assert all(key.isprintable() for key in keys), "MalformedXML"
        for key in keys:
            if key not in self.undeletable:
                self.delete(key)
        refused = [key for key in keys if key in self.undeletable]
        return {"Errors": [{"Key": key, "Code": self.undeletable[key]} for key in refused]}

    def _list_objects_v2(
        self,
        *,
        Prefix: str,
        StartAfter: str | None = None,
        ContinuationToken: str | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        page = self._store.perform(List(Prefix, StartAfter, ContinuationToken))
        assert isinstance(page, Listed)
        found = [(key, self._found("GetObject", key)) for key in page.keys]
        contents = [{"Key": key, "ETag": one.etag, "Size": len(one.body)} for key, one in found]
        return {
            "IsTruncated": page.truncated,
            "KeyCount": len(contents),
            "ResponseMetadata": _HEADERS,
            **({"Contents": contents} if contents else {}),
            **({"NextContinuationToken": page.next_token} if page.truncated else {}),
        }

    def _found(self, operation: str, key: str, if_match: str | None = None) -> Found:
        found = self._store.perform(Read(key))
        if not isinstance(found, Found):
            raise s3_error(operation, "NoSuchKey", 404)
        if if_match not in {None, found.etag}:
            raise s3_error(operation, "PreconditionFailed", 412)
        return found


def s3_error(operation: str, code: str, status: int) -> ClientError:
    metadata: Any = {**_HEADERS, "HTTPStatusCode": status}
    error: Any = {"Code": code, "Message": "refused"}
    return ClientError({"Error": error, "ResponseMetadata": metadata}, operation)
