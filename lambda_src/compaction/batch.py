"""One batch: the lines of several inputs, compressed as they are read."""

from __future__ import annotations

import gzip
import hashlib
import json
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, TYPE_CHECKING, Final, Self

from compaction.formats import CHUNK
from compaction.layout import new_batch, term_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compaction.layout import Layout
    from compaction.limits import Limits
    from compaction.lines import Content
    from compaction.source import Input

_MEMORY: Final = 8 * 1024 * 1024


class Packed:
    """A gzip file, in memory while it is small. Equal content gives equal bytes."""

    def __init__(self) -> None:
        self.file: IO[bytes] = SpooledTemporaryFile(_MEMORY)  # noqa: SIM115 - closed by `close`
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
        digest = hashlib.sha256()
        for piece in pieces(self.file):
            digest.update(piece)
        self.file.seek(0)
        return size, digest.hexdigest()

    def close(self) -> None:
        """Free the memory or the disk."""
        self._gzip.close()
        self.file.close()


class Batch:
    """Inputs, and the files to write for them. A context manager that frees its files."""

    def __init__(self, layout: Layout, term: int, count: int) -> None:
        self.name = new_batch(term, count)
        self.term = term_of(self.name)
        self.inputs: list[Input] = []
        self.size = 0
        self.blank = 0
        self.rejected_objects = 0
        self._keys = 0
        self._layout = layout
        with ExitStack() as stack:
            self.good = Packed()
            stack.callback(self.good.close)
            self.bad = Packed()
            stack.callback(self.bad.close)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

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
        return self._layout.kept(self.name, self._keys, item.key)

    def add(self, item: Input, content: Content, *, kept: str | None = None) -> None:
        """Add the content and close it; `kept` is the key that the input was copied to."""
        self.inputs.append(item)
        self.rejected_objects += content.whole is not None
        self.size += content.size
        self.blank += content.blank
        for piece in pieces(content.good):
            self.good.write(piece)
        self.good.lines += content.lines
        origin = {"key": item.key} | ({} if kept is None else {"kept": kept})
        opening = json.dumps(origin, ensure_ascii=False).encode()[:-1] + b", "
        content.bad.seek(0)
        for record in content.bad:
            self.bad.write(opening + record[1:])
        self.bad.lines += content.rejected
        content.close()


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the content of a file from its beginning, in bounded pieces."""
    file.seek(0)
    while piece := file.read(CHUNK):
        yield piece
