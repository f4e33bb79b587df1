"""The limits of memory, disk and commit size."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds memory, disk and the size of a commit. Bytes are decompressed ones.

    A batch is closed by `batch_bytes` or `batch_objects`, whichever is reached first; an object
    larger than a batch is a batch of its own. At most `readers` objects are read at a time, each in
    at most `object_memory` bytes of memory; a larger one is read alone, through a file on disk, up
    to `object_bytes`. What is read and not yet in a batch takes at most `ahead_bytes`, and an
    `object_memory` more for each reader whose object expands by more than usual. `record_bytes` is
    the most that the records of one object's malformed lines may take, since they can take several
    times the lines' own bytes. `manifest_parts` is how many parts the manifest names itself before
    it moves them to a segment. `sweep_again` is how many terms are searched for orphans more than
    once, because a write of theirs may have landed late. `undeleted_inputs` is how many committed
    inputs that S3 refuses to delete the manifest may remember before no further batch is committed;
    since one batch more may be refused, it names at most that many and `batch_objects`. A thousand
    keys of 100 bytes add 130 KB to each commit.

    An object is rejected as a whole by two shares, in percent (see `lines.py`). Newlines cut
    compressed data into lines of 256 bytes on average, and 99 in 100 of them are not text, so
    `binary_percent` decides how much of it may follow JSON unnoticed: a quarter is far below an
    object of another format, and leaves one line in a wrong encoding to itself if three good ones
    are beside it. `malformed_percent` is the majority: pretty-printed JSON, CSV or XML are
    malformed in nearly all lines, while a producer that crashed leaves one torn line, which may be
    every second one of a small object.
    """

    batch_bytes: int = 32 * _MIB
    batch_objects: int = 1000
    line_bytes: int = 4 * _MIB
    object_bytes: int = 256 * _MIB
    object_memory: int = _MIB
    record_bytes: int = 4 * _MIB
    ahead_bytes: int = 16 * _MIB
    readers: int = 32
    manifest_parts: int = 200
    sweep_again: int = 10
    undeleted_inputs: int = 1000
    binary_percent: int = 25
    malformed_percent: int = 50

    def __post_init__(self) -> None:
        """Reject limits with which compaction would make no progress."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{field.name} must be a whole number above 0, got {value!r}")
            if field.name.endswith("_percent") and value > 100:
                raise ValueError(f"{field.name} must be at most 100, got {value!r}")
