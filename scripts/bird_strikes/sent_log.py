"""The sent log: each input object is written to it before it is sent.

It says which lines each object has, and which of them are malformed. The checks compare it with
what the job committed; it shares no code with the job.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Line:
    """One line of an object, without its newline. `event` is false for a malformed line."""

    content: bytes
    event: bool = True


@dataclass(frozen=True)
class SentObject:
    """One object as it was sent."""

    key: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class ExpectedCounts:
    """How often each event must be committed, and each malformed line be rejected."""

    objects: int
    events: Counter[bytes]
    malformed: Counter[tuple[str, int]]


class SentLog:
    """An append-only file, on disk before an object is sent."""

    def __init__(self, path: Path) -> None:
        """Append to `path`; create it if it is missing."""
        self._path = path
        self._file = path.open("ab")

    def write(self, key: str, lines: Sequence[Line]) -> None:
        """Append one object; return once it is on disk."""
        entry = [[_to_text(line.content), line.event] for line in lines]
        self._file.write(json.dumps({"key": key, "lines": entry}).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        """Keep the file open for the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()


def read_sent_log(path: Path) -> Iterator[SentObject]:
    """Yield the objects of a sent log."""
    with path.open("rb") as file:
        for text in file:
            entry = json.loads(text)
            lines = tuple(Line(_to_bytes(content), event) for content, event in entry["lines"])
            yield SentObject(entry["key"], lines)


def expected_counts(sent: Iterator[SentObject]) -> ExpectedCounts:
    """Count what must be committed and rejected."""
    objects, events, malformed = 0, Counter[bytes](), Counter[tuple[str, int]]()
    for one in sent:
        objects += 1
        for number, line in enumerate(one.lines, start=1):
            if line.event:
                events[line.content] += 1
            else:
                malformed[one.key, number] += 1
    return ExpectedCounts(objects, events, malformed)


def _to_text(content: bytes) -> str:
    return content.decode(errors="surrogateescape")


def _to_bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
