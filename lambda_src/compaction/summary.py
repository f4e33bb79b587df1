"""What one term of compaction did."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from compaction.batch import Batch
    from compaction.manifest import Entry

log = logging.getLogger(__name__)

CHANGED: Final = "ChangedSinceCommitted"
_NAMED: Final = 3


@dataclass(slots=True, kw_only=True)
class Summary:
    """Counted as it happens. `bytes_in` is decompressed, `bytes_out` as stored.

    `blank` lines carry nothing. `rejected` counts records: of malformed lines, and one for each of
    the `rejected_objects`, which are not newline-delimited JSON and so rejected as a whole. `gone`
    inputs were listed, and deleted or changed before they were read. `finished_deletions` were
    committed by an earlier term. `orphans` were written by earlier terms, never committed, and are
    deleted now. `withheld` inputs S3 did not hand out, so they are left as they are;
    `withheld_first` has the first few of them and S3's error code for each. `undeleted` inputs are
    committed and still there, since S3 refused to delete them, in this term or an earlier one;
    `undeleted_first` likewise. `stopped_early`: inputs may be left.
    """

    term: int
    batches: int = 0
    objects: int = 0
    lines: int = 0
    blank: int = 0
    rejected: int = 0
    rejected_objects: int = 0
    parts: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    gone: int = 0
    withheld: int = 0
    withheld_first: dict[str, str] = field(default_factory=dict)
    undeleted: int = 0
    undeleted_first: dict[str, str] = field(default_factory=dict)
    finished_deletions: int = 0
    orphans: int = 0
    stopped_early: bool = False

    def count(self, batch: Batch, part: Entry | None, rejected: Entry | None) -> None:
        """Count a batch that has been committed, and log it."""
        self.batches += 1
        self.objects += len(batch.inputs)
        self.lines += batch.good.lines
        self.blank += batch.blank
        self.rejected += batch.bad.lines
        self.rejected_objects += batch.rejected_objects
        self.parts += 1 if part else 0
        self.bytes_in += batch.size
        self.bytes_out += sum(entry["size"] for entry in (part, rejected) if entry)
        log.info(
            "committed a batch",
            extra={
                "term": batch.term,
                "batch": batch.name,
                "part": part and part["key"],
                "rejects": rejected and rejected["key"],
                "objects": len(batch.inputs),
                "lines": batch.good.lines,
                "rejected": batch.bad.lines,
                "rejected_objects": batch.rejected_objects,
            },
        )

    def pass_over(self, key: str, code: str | None) -> None:
        """Count an input that is left as it is: S3 does not serve it, or (None) it is gone."""
        if code is None:
            log.warning("%s was listed, and is gone or has changed", key)
            self.gone += 1
            return
        log.warning("S3 does not hand out %s: %s", key, code)
        self.withheld += 1
        if len(self.withheld_first) < _NAMED:
            self.withheld_first[key] = code

    def leave_undeleted(self, codes: dict[str, str]) -> None:
        """Note all committed inputs that are still there, each with S3's error code."""
        self.undeleted = len(codes)
        self.undeleted_first = dict(islice(codes.items(), _NAMED))

    def as_dict(self) -> dict[str, Any]:
        """Make a JSON value of it."""
        return asdict(self)


class InputsWithheld(Exception):  # noqa: N818 - says what is the matter
    """S3 did not serve, or did not delete, some inputs; everything else is committed.

    That is, everything that there was the time for. `summary` is what the term did all the same.
    """

    def __init__(self, summary: Summary) -> None:
        problems = []
        if summary.withheld:
            problems.append(
                f"S3 does not hand out {summary.withheld} inputs, so they wait, untouched; the"
                f" others are committed. Restore archived ones, allow s3:GetObject and kms:Decrypt,"
                f" or move them elsewhere; the next term reads them again. The first:"
                f" {_listed(summary.withheld_first)}"
            )
        if summary.undeleted:
            problems.append(
                f"S3 did not delete {summary.undeleted} inputs that are committed. They are named"
                f" in the manifest and not compacted again; the next term tries to delete them"
                f" again. Allow s3:DeleteObject or lift the hold on them; one whose code is"
                f" {CHANGED} was written again under its name, so move it out of events/. Once"
                f" Limits.undeleted_inputs of them are there, no further batch is committed. The"
                f" first: {_listed(summary.undeleted_first)}"
            )
        super().__init__(" ".join(problems))
        self.summary = summary


def _listed(codes: dict[str, str]) -> str:
    return ", ".join(f"{key} ({code})" for key, code in codes.items()) + "."
