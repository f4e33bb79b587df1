"""S3 in memory, as boto3's client shows it: conditions, ETags, pages, and a hook at each request.

Atomic, unlike moto's conditional writes, and fast enough to crash at every write there is.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

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

Perform = Callable[[], Any]
Hook = Callable[[str, dict[str, Any], Perform], Any]


@dataclass(slots=True)
class Stored:
    body: bytes
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


class FakeS3:
    """One bucket. `hook(name, arguments, perform)` stands in for the network, if there is one."""

    def __init__(self, *, page_size: int = 1000) -> None:
        self.meta = _META
        self.objects: dict[str, Stored] = {}
        self.hook: Hook | None = None
        self.undeletable: dict[str, str] = {}  # S3's error code for each of these keys
        self.page_size = page_size
        self.log: list[str] = []
        self._step = threading.RLock()

    def client(self) -> S3Client:
        return cast("S3Client", self)

    def keys(self, prefix: str = "") -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))

    # ------------------------------------------------------------------ what boto3 calls

    def get_object(self, **given: Any) -> Any:
        return self._request("get_object", given)

    def head_object(self, **given: Any) -> Any:
        return self._request("head_object", given)

    def put_object(self, **given: Any) -> Any:
        body = given["Body"]
        return self._request(
            "put_object", {**given, "Body": body if isinstance(body, bytes) else body.read()}
        )

    def copy_object(self, **given: Any) -> Any:
        return self._request("copy_object", given)

    def delete_object(self, **given: Any) -> Any:
        return self._request("delete_object", given)

    def delete_objects(self, **given: Any) -> Any:
        return self._request("delete_objects", given)

    def list_objects_v2(self, **given: Any) -> Any:
        return self._request("list_objects_v2", given)

    def get_paginator(self, name: str) -> FakePaginator:
        return FakePaginator(self)

    # --------------------------------------------------------------------- what S3 does

    def _request(self, name: str, given: dict[str, Any]) -> Any:
        def perform() -> Any:
            with self._step:
                self.log.append(name)
                answer = getattr(self, f"_{name}")(**given)
            answer["ResponseMetadata"] = {"HTTPHeaders": {"date": _DATE}, "RetryAttempts": 0}
            return answer

        return perform() if self.hook is None else self.hook(name, given, perform)

    def _get_object(self, *, Key: str, IfMatch: str | None = None, **_: Any) -> dict[str, Any]:
        there = self._found("GetObject", Key)
        if IfMatch not in {None, there.etag}:
            raise refusal("GetObject", "PreconditionFailed", 412)
        body = StreamingBody(io.BytesIO(there.body), len(there.body))
        return {
            "Body": body,
            "ETag": there.etag,
            "ContentLength": len(there.body),
            "LastModified": datetime(2026, 11, 23, tzinfo=UTC),
        }

    def _head_object(self, *, Key: str, **_: Any) -> dict[str, Any]:
        there = self._found("HeadObject", Key)
        return {"Metadata": there.metadata, "ETag": there.etag}

    def _put_object(
        self,
        *,
        Key: str,
        Body: bytes,
        IfMatch: str | None = None,
        IfNoneMatch: str | None = None,
        Metadata: dict[str, str] | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        there = self.objects.get(Key)
        if IfNoneMatch is not None and there is not None:
            raise refusal("PutObject", "PreconditionFailed", 412)
        if IfMatch is not None and (there is None or there.etag != IfMatch):
            raise refusal("PutObject", "PreconditionFailed", 412)
        self.objects[Key] = Stored(Body, Metadata or {})
        return {"ETag": self.objects[Key].etag}

    def _copy_object(
        self, *, Key: str, CopySource: dict[str, str], CopySourceIfMatch: str, **_: Any
    ) -> dict[str, Any]:
        there = self._found("CopyObject", CopySource["Key"])
        if there.etag != CopySourceIfMatch:
            raise refusal("CopyObject", "PreconditionFailed", 412)
        self.objects[Key] = Stored(there.body, there.metadata)
        return {}

    def _delete_object(self, *, Key: str, **_: Any) -> dict[str, Any]:
        if (code := self.undeletable.get(Key)) is not None:
            raise refusal("DeleteObject", code, 403)
        self.objects.pop(Key, None)
        return {}

    def _delete_objects(self, *, Delete: Any, **_: Any) -> dict[str, Any]:
        assert len(Delete["Objects"]) <= 1000
        keys = [item["Key"] for item in Delete["Objects"]]
        assert all(key.isprintable() for key in keys), "MalformedXML"
        refused = {key: self.undeletable[key] for key in keys if key in self.undeletable}
        for key in keys:
            if key not in refused:
                self.objects.pop(key, None)
        return {"Errors": [{"Key": key, "Code": code} for key, code in refused.items()]}

    def _list_objects_v2(self, *, Prefix: str, StartAfter: str = "", **_: Any) -> dict[str, Any]:
        keys = [key for key in self.keys(Prefix) if key > StartAfter]
        page = keys[: self.page_size]
        contents = [
            {"Key": key, "ETag": self.objects[key].etag, "Size": len(self.objects[key].body)}
            for key in page
        ]
        return {"IsTruncated": len(keys) > len(page), **({"Contents": contents} if page else {})}

    def _found(self, operation: str, key: str) -> Stored:
        there = self.objects.get(key)
        if there is None:
            raise refusal(operation, "NoSuchKey", 404)
        return there


class FakePaginator:
    def __init__(self, s3: FakeS3) -> None:
        self._s3 = s3

    def paginate(self, *, StartAfter: str = "", **given: Any) -> Iterator[Any]:
        after = StartAfter
        while True:
            page = self._s3.list_objects_v2(StartAfter=after, **given)
            yield page
            if not page["IsTruncated"]:
                return
            after = page["Contents"][-1]["Key"]


def refusal(operation: str, code: str, status: int) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "refused"},
            "ResponseMetadata": {  # type: ignore[typeddict-item]  # as much as is looked at
                "HTTPStatusCode": status,
                "HTTPHeaders": {"date": _DATE},
                "RetryAttempts": 0,
            },
        },
        operation,
    )


_DATE = "Mon, 23 Nov 2026 06:00:00 GMT"
