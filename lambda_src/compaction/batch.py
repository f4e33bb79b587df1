"""One batch: the lines of several inputs, compressed as they are read."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Final

from compaction import layout

if TYPE_CHECKING:
    from compaction.limits import Limits
    from compaction.lines import Content
    from compaction.source import Input

_MEMORY: Final = 8 * 1024 * 1024


class Packed:
    """A gzip file, in memory while it is small. Equal content gives equal bytes."""

    def __init__(self) -> None:
        self.file = SpooledTemporaryFile(_MEMORY)  # noqa: SIM115 - closed by `close`
        self._gzip = gzip.GzipFile("", "wb", compresslevel=6, fileobj=self.file, mtime=0)
        self.lines = 0
        self.bytes = 0

    def write(self, data: bytes) -> None:
        """Add bytes."""
        self.bytes += len(data)
        self._gzip.write(data)

    def finished(self) -> tuple[int, str]:
        """Finish the gzip data and rewind the file; return its size and SHA-256."""
        self._gzip.close()
        size = self.file.tell()
        self.file.seek(0)
        digest = hashlib.file_digest(self.file, "sha256").hexdigest()
        self.file.seek(0)
        return size, digest

    def close(self) -> None:
        """Free the memory or the disk."""
        self._gzip.close()
        self.file.close()


class Batch:
    """Inputs, and the files to write for them."""

    def __init__(self, term: int, count: int) -> None:
        self.name = layout.new_batch(term, count)
        self.term = term
        self.inputs: list[Input] = []
        self.size = 0
        self.blank = 0
        self.rejected_objects = 0
        self.good = Packed()
        self.bad = Packed()
        self._keys = 0

    def close(self) -> None:
        """Free the memory or the disk."""
        self.good.close()
        self.bad.close()

    def has_room_for(self, content: Content, limits: Limits) -> bool:
        """Return whether the content fits. Any content fits into an empty batch."""
        if not self.inputs:
            return True
        records = self.bad.bytes + content.record_bytes
        fits = self.size + content.size + records <= limits.batch_bytes
        return fits and len(self.inputs) < limits.batch_objects

    def key_to_keep(self, item: Input) -> str:
        """Return a new key at which to keep the input whole."""
        self._keys += 1
        return layout.kept(self.name, self._keys, item.key)

    def add(self, item: Input, content: Content, *, kept: str | None) -> None:
        """Add the content; `kept` is the key that the input was copied to."""
        self.inputs.append(item)
        self.rejected_objects += content.rejected_because is not None
        self.size += content.size
        self.blank += content.blank
        content.good.seek(0)
        shutil.copyfileobj(content.good, self.good)
        self.good.lines += content.lines
        origin = {"key": item.key} | ({} if kept is None else {"kept": kept})
        opening = json.dumps(origin, ensure_ascii=False).encode()[:-1] + b", "
        content.bad.seek(0)
        for record in content.bad:
            self.bad.write(opening + record[1:])
        self.bad.lines += content.rejected
