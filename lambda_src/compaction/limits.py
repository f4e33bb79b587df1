"""How much compaction takes on at once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds memory, disk and the size of a commit. Bytes are decompressed ones.

    A batch is closed by `batch_bytes` or `batch_objects`, whichever is reached first; an object
    larger than a batch is a batch of its own. `readers` objects are read at a time, each in at
    most `object_memory` bytes of memory; a larger one is read alone, through a file on disk, up to
    `object_bytes`. `record_bytes` is the most that the records of one object's malformed lines may
    take, since they can take several times the lines' own bytes. `manifest_parts` is how many
    parts the manifest names itself before it moves them to a segment. `sweep_again` is how many
    terms are searched for orphans more than once, because a write of theirs may have landed late.
    """

    batch_bytes: int = 32 * _MIB
    batch_objects: int = 1000
    line_bytes: int = 4 * _MIB
    object_bytes: int = 256 * _MIB
    object_memory: int = _MIB
    record_bytes: int = 4 * _MIB
    readers: int = 8
    manifest_parts: int = 200
    sweep_again: int = 10

    def __post_init__(self) -> None:
        """Refuse what would never make progress."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{field.name} must be a whole number above 0, not {value!r}")
