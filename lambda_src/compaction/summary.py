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
    """The counters of one term. `bytes_in` is decompressed, `bytes_out` as stored.

    `blank` lines are white space. `rejected` counts records: one for each malformed line, and one
    for each of the `rejected_objects`, which are not newline-delimited JSON. `gone` inputs were
    deleted or changed between their listing and their reading. `finished_deletions` are inputs that
    an earlier term committed and this one deleted; `orphans` are uncommitted files of earlier terms
    that this one deleted. S3 did not serve the `withheld` inputs; they are unchanged, and
    `withheld_first` maps the first few to S3's error codes. S3 refused to delete the `undeleted`
    inputs, which are committed; `undeleted_first` likewise. `stopped_early`: inputs may be left.
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
        """Count an input that is skipped: S3 does not serve it, or it is gone (`code` is None)."""
        if code is None:
            log.warning("%s was deleted or changed after it was listed", key)
            self.gone += 1
            return
        log.warning("S3 does not serve %s: %s", key, code)
        self.withheld += 1
        if len(self.withheld_first) < _NAMED:
            self.withheld_first[key] = code

    def record_undeleted(self, codes: dict[str, str]) -> None:
        """Record the committed inputs that still exist, each with S3's error code."""
        self.undeleted = len(codes)
        self.undeleted_first = dict(islice(codes.items(), _NAMED))

    def as_dict(self) -> dict[str, Any]:
        """Return the counters as a JSON value."""
        return asdict(self)


class InputsWithheld(Exception):  # noqa: N818 - the name says what happened
    """S3 did not serve, or did not delete, some inputs; `summary` counts them and the others."""

    def __init__(self, summary: Summary) -> None:
        problems = []
        if summary.withheld:
            problems.append(
                f"S3 does not serve {summary.withheld} inputs, so they are unchanged; the others"
                f" are committed. Restore archived ones, allow s3:GetObject and kms:Decrypt, or"
                f" move them elsewhere; the next term reads them again. The first:"
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
