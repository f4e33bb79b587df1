"""What was sent, written down before it is sent: the demo's proof is measured against it.

Nothing here knows the job. The journal says what each object contains and which of its lines are
no events; that the job agrees is what there is to prove.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Line:
    """One line of an object, without its line end; `event` is false for one made malformed."""

    content: bytes
    event: bool = True


@dataclass(frozen=True)
class SentObject:
    """One object, as it was sent."""

    key: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class ExpectedCounts:
    """What must come out: every event once, and every malformed line once, by key and number."""

    objects: int
    events: Counter[bytes]
    malformed: Counter[tuple[str, int]]


class SentLog:
    """An append-only file of objects, on disk before the object is on its way."""

    def __init__(self, path: Path) -> None:
        """Append to `path`, which is made when missing."""
        self._path = path
        self._file = path.open("ab")

    def write(self, key: str, lines: Sequence[Line]) -> None:
        """Note one object, and return once it is on disk."""
        noted = [[_to_text(line.content), line.event] for line in lines]
        self._file.write(json.dumps({"key": key, "lines": noted}).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        """Keep the file open for the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file; what is written stays."""
        self._file.close()


def read_sent_log(path: Path) -> Iterator[SentObject]:
    """Read a journal back, object by object."""
    with path.open("rb") as file:
        for text in file:
            noted = json.loads(text)
            lines = tuple(Line(_to_bytes(content), event) for content, event in noted["lines"])
            yield SentObject(noted["key"], lines)


def expected_counts(sent: Iterator[SentObject]) -> ExpectedCounts:
    """Sum up what must come out of what was sent."""
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
