"""Write the files of a batch before its commit. Readers see them once the manifest names them."""

from __future__ import annotations

import io
import json
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from compaction.batch import Batch, Packed
    from compaction.layout import Layout
    from compaction.manifest import Entry, Manifest
    from compaction.writer import Writer

_GZIP: Final = "application/gzip"
_JSON: Final = "application/json"


class Uploads:
    """Writes the files of batches."""

    def __init__(self, writer: Writer, layout: Layout) -> None:
        self._writer = writer
        self._layout = layout

    def part(self, batch: Batch) -> Entry | None:
        """Write the well-formed lines, if there are any; return the manifest's entry for them."""
        return self._put(self._layout.part(batch.name), batch.good, batch)

    def rejects(self, batch: Batch) -> Entry | None:
        """Write the records of malformed lines, if there are any; return their entry."""
        return self._put(self._layout.rejects(batch.name), batch.bad, batch)

    def segment(self, manifest: Manifest, batch: Batch) -> Manifest:
        """Move the manifest's entries to a segment, which later commits do not write again.

        Return the manifest that refers to the segment; it takes effect with the batch's commit.
        """
        key = self._layout.segment(batch.name)
        body = json.dumps(manifest.segment(), separators=(",", ":")).encode()
        digest = sha256(body).hexdigest()
        self._writer.create(key, io.BytesIO(body), sha256=digest, content_type=_JSON)
        return manifest.moved_to(key)

    def _put(self, key: str, packed: Packed, batch: Batch) -> Entry | None:
        if not packed.lines:
            return None
        size, digest = packed.finished()
        self._writer.create(key, packed.file, sha256=digest, content_type=_GZIP)
        return {
            "key": key,
            "term": batch.term,
            "lines": packed.lines,
            "bytes": packed.bytes,
            "size": size,
            "sha256": digest,
        }
