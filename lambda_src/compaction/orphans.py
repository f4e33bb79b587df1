"""Files of batches that were written and never committed, and never will be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from compaction.layout import batch_of, term_folder, term_of
from compaction.manifest import Manifest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from compaction.layout import Layout


def orphans(
    client: S3Client, layout: Layout, manifest: Manifest, *, since: int, before: int
) -> Iterator[str]:
    """Yield the keys that terms from `since` and below `before` wrote for uncommitted batches.

    `manifest` must have been read after `before` was claimed on it: from then on no lower term can
    commit, so what is an orphan stays one, and may be deleted at any time and by anybody.
    """
    committed = {batch_of(key) for key in _committed(client, layout, manifest, since)}
    pages = client.get_paginator("list_objects_v2")
    for prefix in (layout.compacted, layout.rejected):
        after = prefix + term_folder(since).rstrip("/")
        for page in pages.paginate(Bucket=layout.bucket, Prefix=f"{prefix}term_", StartAfter=after):
            keys = [item["Key"] for item in page.get("Contents", ())]
            batches = [(key, batch_of(key)) for key in keys]
            for key, batch in batches:
                if batch is not None and term_of(batch) < before and batch not in committed:
                    yield key


def earlier(client: S3Client, layout: Layout, manifest: Manifest) -> Manifest | None:
    """Read the segment that a manifest or a segment links to, if there is one."""
    if manifest.earlier is None:
        return None
    got = client.get_object(Bucket=layout.bucket, Key=manifest.earlier)
    with closing(got["Body"]) as body:
        return Manifest.parsed(json.loads(body.read()))


def _committed(client: S3Client, layout: Layout, manifest: Manifest, since: int) -> Iterator[str]:
    """Yield the keys of all entries since that term, and of some before it."""
    at: Manifest | None = manifest
    while at is not None:
        keys = [entry["key"] for entry in (*at.parts, *at.rejected)]
        yield from keys
        # Terms commit in ascending order, so once an older one is met, all further back are older.
        if any((batch := batch_of(key)) and term_of(batch) < since for key in keys):
            return
        at = earlier(client, layout, at)
