"""Read the data bucket by its manifest, without any code of the job."""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bird_strikes.checks import Rejection
from bird_strikes.producer import PREFIX

MANIFEST = "compacted/manifest.json"


class DataBucket:
    """Reads what has been committed to a bucket."""

    def __init__(self, client: Any, name: str) -> None:  # noqa: ANN401 - a boto3 S3 client
        """Read through `client`."""
        self._client = client
        self.name = name

    def put(self, key: str, body: bytes) -> None:
        """Store an input."""
        self._client.put_object(Bucket=self.name, Key=key, Body=body)

    def manifest(self) -> dict[str, Any]:
        """Return the manifest, empty if it does not exist."""
        try:
            return self._json(MANIFEST)
        except self._client.exceptions.NoSuchKey:
            return {}

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """Return all entries of a kind, `parts` or `rejected`, including those in segments."""
        found: list[dict[str, Any]] = []
        block: dict[str, Any] = self.manifest()
        while True:
            found = [*block.get(kind, []), *found]
            earlier = block.get("earlier")
            if earlier is None:
                return found
            block = self._json(earlier)

    def events(self) -> Counter[bytes]:
        """Count each committed line."""
        return Counter(line for entry in self.entries("parts") for line in self._lines(entry))

    def rejections(self) -> list[Rejection]:
        """Return the records of malformed lines."""
        records = [
            json.loads(line) for entry in self.entries("rejected") for line in self._lines(entry)
        ]
        return [
            Rejection(key=record["key"], line=record["line"], reason=record.get("reason", ""))
            for record in records
        ]

    def inputs(self) -> list[str]:
        """Return the keys of the inputs that still exist."""
        pages = self._client.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.name, Prefix=PREFIX)
        return [item["Key"] for page in found for item in page.get("Contents", ())]

    def _lines(self, entry: dict[str, Any]) -> Iterator[bytes]:
        body = self._body(entry["key"])
        if hashlib.sha256(body).hexdigest() != entry["sha256"]:
            raise ValueError(f"{entry['key']} has another SHA-256 than the manifest says")
        lines = gzip.decompress(body).split(b"\n")[:-1]
        if len(lines) != entry["lines"]:
            raise ValueError(f"{entry['key']} has {len(lines)} lines, expected {entry['lines']}")
        yield from lines

    def _json(self, key: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self._body(key))
        return value

    def _body(self, key: str) -> bytes:
        body: bytes = self._client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return body
