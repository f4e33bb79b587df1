"""Read committed lines: those of the files that the manifest names."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from compaction.layout import MANIFEST
from compaction.manifest import Entry, Manifest
from compaction.orphans import links
from s3leader.fencing import FencedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MEMORY: Final = 8 * 1024 * 1024


class Damaged(Exception):  # noqa: N818 - the name says what happened
    """A committed object has another content than the one that was committed."""


@dataclass(frozen=True, slots=True)
class Committed:
    """All entries of the manifest and its segments, oldest first, and their totals."""

    parts: tuple[Entry, ...]
    rejected: tuple[Entry, ...]
    totals: dict[str, int]


def committed(client: S3Client, bucket: str, *, manifest: FencedObject | None = None) -> Committed:
    """Read the manifest and its segments. Without a manifest, nothing is committed."""
    document = FencedObject(MANIFEST, bucket=bucket) if manifest is None else manifest
    snapshot = document.read()
    newest = Manifest.parsed({} if snapshot is None else snapshot.value)
    chain = [*links(client, bucket, newest)][::-1]
    return Committed(
        parts=tuple(entry for link in chain for entry in link.parts),
        rejected=tuple(entry for link in chain for entry in link.rejected),
        totals=newest.totals,
    )


def lines(client: S3Client, bucket: str, entry: Entry) -> Iterator[bytes]:
    """Yield the lines of a part, or the records of rejected lines, without their newlines.

    Raises:
        Damaged: the object's SHA-256 is not the manifest's.
    """
    with SpooledTemporaryFile(_MEMORY) as file:
        with closing(client.get_object(Bucket=bucket, Key=entry["key"])["Body"]) as body:
            shutil.copyfileobj(body, file)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != entry["sha256"]:
            raise Damaged(
                f"{entry['key']}: expected SHA-256 {entry['sha256']}, got {digest}."
                f" Restore the version of the object that has it."
            )
        file.seek(0)
        with gzip.open(file) as unpacked:
            for line in unpacked:
                yield line.removesuffix(b"\n")


def records(client: S3Client, bucket: str, entry: Entry) -> Iterator[dict[str, Any]]:
    """Yield the records of rejected lines; `lines.py` describes their keys."""
    for line in lines(client, bucket, entry):
        yield json.loads(line)
