"""The content of the manifest: committed files, and committed inputs that may still exist.

    {"format": 1 or 2,
     "parts":    [{"key", "term", "lines", "bytes", "size", "sha256"}, …],
     "rejected": [{"key", "term", "lines", "size", "sha256"}, …],
     "deleting": ["events/…", …],        the inputs of the last commit
     "undeleted": {"events/…": "<ETag>"} inputs of earlier commits that S3 refused to delete
     "earlier":  "compacted/…segment.json" or null,
     "totals":   {"objects", "lines", "rejected", "bytes", "parts"},
     "swept":    41}

`bytes` counts decompressed, `size` and `sha256` are of the object as stored. A segment is
`{"parts", "rejected", "earlier"}`, is never changed, and links to the one before it. So a commit
rewrites at most `Limits.manifest_parts` entries however many there are in all, and a reader who
wants them all follows the links. Entries stand in the order of their commits, so of their terms.

An input that `deleting` or `undeleted` names must not be compacted again, so both stay in the
manifest itself. `undeleted` is bounded by `Limits.undeleted_inputs` and one batch; an ETag in it is
empty if S3 did not return it. The format is 2 while `undeleted` has keys: versions of this job that
know only format 1 would compact those inputs again, so they reject the manifest.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

_FORMAT: Final = 1
_FORMAT_WITH_UNDELETED: Final = 2
_TOTALS: Final = ("objects", "lines", "rejected", "bytes", "parts")

_KNOWN: Final = {
    *("format", "parts", "rejected", "deleting", "undeleted", "earlier", "totals", "swept")
}

Entry = dict[str, Any]


class CorruptManifest(Exception):  # noqa: N818 - named like CorruptLock
    """The manifest is not what this job writes. Nothing is compacted until it is repaired."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"the compaction manifest cannot be trusted: {problem}. Nothing was written. Run the"
            f" version of this job that wrote it, or write what an earlier version of the object"
            f" says with FencedObject.restore; do not put that version back by other means, for its"
            f" ETag would let a stale leader write."
        )
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest, or a segment of one, as read; each change returns a new one."""

    parts: tuple[Entry, ...] = ()
    rejected: tuple[Entry, ...] = ()
    deleting: tuple[str, ...] = ()
    undeleted: dict[str, str] = field(default_factory=dict)
    earlier: str | None = None
    totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_TOTALS, 0))
    swept: int = 0
    others: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parsed(cls, value: dict[str, Any]) -> Manifest:
        """Parse the JSON value of a manifest or segment."""
        if (written := value.get("format", _FORMAT)) not in {_FORMAT, _FORMAT_WITH_UNDELETED}:
            raise CorruptManifest(
                f"its format is {written!r}, not {_FORMAT} or {_FORMAT_WITH_UNDELETED}"
            )
        totals, undeleted = _typed(value, "totals", dict, {}), _typed(value, "undeleted", dict, {})
        return cls(
            parts=_entries(value, "parts"),
            rejected=_entries(value, "rejected"),
            deleting=tuple(_each(value, "deleting", str)),
            undeleted={key: _typed(undeleted, key, str, "") for key in undeleted},
            earlier=_typed(value, "earlier", str, None),
            totals={name: _typed(totals, name, int, 0) for name in _TOTALS},
            swept=_typed(value, "swept", int, 0),
            others={key: value[key] for key in value.keys() - _KNOWN},
        )

    def value(self) -> dict[str, Any]:
        """Return the JSON value; unknown keys are kept."""
        return {
            **self.others,
            "format": _FORMAT_WITH_UNDELETED if self.undeleted else _FORMAT,
            **self.segment(),
            "deleting": list(self.deleting),
            "undeleted": self.undeleted,
            "totals": self.totals,
            "swept": self.swept,
        }

    def segment(self) -> dict[str, Any]:
        """Return the JSON value of a segment with all entries."""
        return {
            "parts": list(self.parts),
            "rejected": list(self.rejected),
            "earlier": self.earlier,
        }

    def entries(self) -> int:
        """Return how many entries each commit writes again."""
        return len(self.parts) + len(self.rejected)

    def committing(
        self,
        *,
        part: Entry | None,
        rejected: Entry | None,
        inputs: tuple[str, ...],
        undeleted: dict[str, str],
        size: int,
    ) -> Manifest:
        """Add a batch and name its inputs for deletion, in place of those of the batch before.

        `undeleted` are all inputs of earlier batches that may still exist, with their ETags.
        """
        more = {
            "objects": len(inputs),
            "lines": part["lines"] if part else 0,
            "rejected": rejected["lines"] if rejected else 0,
            "bytes": size,
            "parts": 1 if part else 0,
        }
        return replace(
            self,
            parts=(*self.parts, part) if part else self.parts,
            rejected=(*self.rejected, rejected) if rejected else self.rejected,
            deleting=inputs,
            undeleted=undeleted,
            totals={name: self.totals[name] + more[name] for name in _TOTALS},
        )


def _entries(value: dict[str, Any], name: str) -> tuple[Entry, ...]:
    entries = _each(value, name, dict)
    for entry in entries:
        if not isinstance(entry.get("key"), str) or not isinstance(entry.get("lines"), int):
            raise CorruptManifest(f"an entry of {name!r} lacks its key or its lines: {entry}")
    return tuple(entries)


def _each(value: dict[str, Any], name: str, kind: type) -> list[Any]:
    items: list[Any] = _typed(value, name, list, [])
    if not all(isinstance(item, kind) for item in items):
        raise CorruptManifest(f"{name!r} has an item that is not {kind.__name__}")
    return items


def _typed(value: dict[str, Any], name: str, kind: type, default: Any) -> Any:  # noqa: ANN401
    found = value.get(name)
    if found is None:
        return default
    if not isinstance(found, kind):
        raise CorruptManifest(f"{name!r} is {type(found).__name__}, not {kind.__name__}")
    return found
