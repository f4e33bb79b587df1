"""boto3's client: as it comes, and without `Expect: 100-continue`."""

from __future__ import annotations

import boto3
from botocore.handlers import add_expect_header


class Boto3Client:
    """A boto3 client of its own session."""

    def __init__(self, bucket: str, *, expect: bool) -> None:
        self._bucket = bucket
        self._client = boto3.session.Session().client("s3")
        if not expect:
            self._client.meta.events.unregister("before-call.s3", add_expect_header)

    def list(self, prefix: str) -> list[str]:
        """Return the keys of the first page."""
        page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix)
        return [item["Key"] for item in page["Contents"]]

    def get(self, key: str) -> str:
        """Read an object."""
        got = self._client.get_object(Bucket=self._bucket, Key=key)
        got["Body"].read()
        return got["ETag"]

    def create(self, key: str, body: bytes) -> str:
        """Write with `If-None-Match: *`."""
        put = self._client.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")
        return put["ETag"]

    def replace(self, key: str, body: bytes, etag: str) -> str:
        """Write with `If-Match`."""
        put = self._client.put_object(Bucket=self._bucket, Key=key, Body=body, IfMatch=etag)
        return put["ETag"]

    def tag(self, key: str) -> None:
        """Tag an object as superseded."""
        tags = {"TagSet": [{"Key": "superseded", "Value": "true"}]}
        self._client.put_object_tagging(Bucket=self._bucket, Key=key, Tagging=tags)  # type: ignore[arg-type]
