"""What one term of compaction did."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

_NAMED: Final = 3


@dataclass(slots=True, kw_only=True)
class Summary:
    """Counted as it happens. `bytes_in` is decompressed, `bytes_out` as stored.

    `blank` lines carry nothing. `gone` inputs were listed, and deleted or changed before they were
    read. `finished_deletions` were committed by an earlier term. `orphans` were written by earlier
    terms, never committed, and are deleted now. `withheld` inputs S3 did not hand out, so they are
    left as they are; `withheld_first` has the first few of them and S3's error code for each.
    `stopped_early`: inputs may be left.
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
    withheld: int = 0
    withheld_first: dict[str, str] = field(default_factory=dict)
    finished_deletions: int = 0
    orphans: int = 0
    stopped_early: bool = False

    def withhold(self, key: str, code: str) -> None:
        """Count an input that S3 does not hand out."""
        self.withheld += 1
        if len(self.withheld_first) < _NAMED:
            self.withheld_first[key] = code

    def as_dict(self) -> dict[str, Any]:
        """Make a JSON value of it."""
        return asdict(self)


class InputsWithheld(Exception):  # noqa: N818 - says what is the matter
    """S3 did not hand out some inputs; everything else that there was the time for is committed.

    `summary` is what the term did all the same.
    """

    def __init__(self, summary: Summary) -> None:
        first = ", ".join(f"{key} ({code})" for key, code in summary.withheld_first.items())
        super().__init__(
            f"S3 does not hand out {summary.withheld} inputs, so they wait, untouched; the others"
            f" are committed. Restore archived ones, allow s3:GetObject and kms:Decrypt, or move"
            f" them elsewhere; the next term reads them again. The first: {first}"
        )
        self.summary = summary
