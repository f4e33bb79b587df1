"""What one term of compaction did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(slots=True, kw_only=True)
class Summary:
    """Counted as it happens. `bytes_in` is decompressed, `bytes_out` as stored.

    `blank` lines carry nothing. `gone` inputs were listed, and deleted or changed before they were
    read. `finished_deletions` were committed by an earlier term. `orphans` were written by earlier
    terms, never committed, and are deleted now. `stopped_early`: inputs may be left.
    """

    term: int
    batches: int = 0
    objects: int = 0
    lines: int = 0
    blank: int = 0
    rejected: int = 0
    parts: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    gone: int = 0
    finished_deletions: int = 0
    orphans: int = 0
    stopped_early: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Make a JSON value of it."""
        return asdict(self)
