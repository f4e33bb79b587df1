"""Find and delete orphans: files of batches that were not committed and never can be."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING

from compaction.layout import COMPACTED, REJECTED, batch_of, term_folder, term_of
from compaction.manifest import Manifest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from compaction.writer import Writer

log = logging.getLogger(__name__)


def find_orphans(
    client: S3Client, bucket: str, manifest: Manifest, *, since: int, before: int
) -> Iterator[str]:
    """Yield the keys of the orphans of terms from `since` to `before` - 1.

    `manifest` must have been read after the term `before` was written to it: from then on no lower
    term can commit, so an orphan stays one.
    """
    committed = {batch_of(key) for key in _committed(client, bucket, manifest, since)}
    pages = client.get_paginator("list_objects_v2")
    for prefix in (COMPACTED, REJECTED):
        after = prefix + term_folder(since)
        for page in pages.paginate(Bucket=bucket, Prefix=f"{prefix}term_", StartAfter=after):
            for item in page.get("Contents", ()):
                batch = batch_of(item["Key"])
                if batch is not None and term_of(batch) < before and batch not in committed:
                    yield item["Key"]


def delete_orphans(writer: Writer, keys: Iterator[str]) -> tuple[int, int]:
    """Delete orphans; return how many were deleted, and how many S3 refused to delete.

    A refusal does not stop the job, as no reader sees an orphan.
    """
    deleted = 0
    refused: dict[str, str] = {}
    while some := list(islice(keys, 1000)):
        errors = writer.delete(some)
        deleted += len(some) - len(errors)
        refused |= errors
    if refused:
        key, code = next(iter(refused.items()))
        log.warning("%d orphans are left, the first is %s: %s", len(refused), key, code)
    return deleted, len(refused)


def links(client: S3Client, bucket: str, manifest: Manifest) -> Iterator[Manifest]:
    """Yield the manifest and its segments, newest first; each is read when it is asked for."""
    yield manifest
    while manifest.earlier is not None:
        got = client.get_object(Bucket=bucket, Key=manifest.earlier)
        with closing(got["Body"]) as body:
            manifest = Manifest.parsed(json.loads(body.read()))
        yield manifest


def _committed(client: S3Client, bucket: str, manifest: Manifest, since: int) -> Iterator[str]:
    """Yield the keys of all entries of terms from `since`, and of some older ones."""
    for link in links(client, bucket, manifest):
        keys = [entry["key"] for entry in (*link.parts, *link.rejected)]
        yield from keys
        # Terms commit in ascending order, so all segments behind an older term are older too.
        if any((batch := batch_of(key)) and term_of(batch) < since for key in keys):
            return
