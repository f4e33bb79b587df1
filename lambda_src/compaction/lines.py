r"""Sort the lines of one input object into committed and rejected ones, in bounded memory.

Lines:

- Lines end with `\n`, the last one optionally. All other bytes are kept, also a `\r` before `\n`.
- A blank line, of only space, tab and `\r`, is neither committed nor rejected, only counted
  (`Summary.blank`). Line numbers, which begin at 1, include blank lines.
- A well-formed line is UTF-8 and one JSON value of any type by RFC 8259: no `NaN`, no `Infinity`,
  no byte order mark. Any other line is rejected; its record has its `text` or bytes (`base64`).
- The record of a malformed line longer than `QUOTED` bytes has only its beginning (`text_begins`,
  `base64_begins`), length and SHA-256; that of a line longer than `Limits.line_bytes` only the
  length. The whole object is then kept under `rejected/`, and its records say where.
- An object that begins with gzip's two magic bytes is gzip, of one or several members.

An object that is not newline-delimited JSON is rejected **as a whole**: nothing of it is committed,
one record, of line 0, has the reason, and the object is kept unchanged under `rejected/`. This
happens if

- it is gzip that is corrupt or cut off;
- it begins like another format (`formats.py`), compressed by gzip or not;
- more than `Limits.binary_percent` of its lines are not text (not UTF-8, or with control
  characters), or so many of its bytes are in such lines;
- it has several lines, of which more than `Limits.malformed_percent` are malformed;
- the records of its malformed lines take more than `Limits.record_bytes` (JSON may escape one byte
  as six), or it has more than `Limits.object_bytes` once decompressed.

Blank lines count in no percentage. Whether an object is rejected as a whole is known only at its
end, so its lines are spooled until then: in memory up to `Limits.object_memory`, then on disk.

**Not guaranteed.** An object that happens to consist of lines of JSON is committed: a column of
numbers, or JSON before less binary data than the percentages above.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Final, NamedTuple, NoReturn

from compaction.formats import CHUNK, Unreadable, is_text, text_of
from compaction.limits import Limits

QUOTED: Final = 4 * 1024  # as much of a malformed line stands in its record
_BLANKS: Final = b" \t\r"


class TooLarge(Unreadable):
    """The decompressed object is larger than the limit."""


@dataclass(slots=True)
class Content:
    r"""The sorted lines of one input object.

    `good` has the well-formed lines, each with its `\n`. `bad` has one JSON record a line, without
    the key, for each of the `rejected` ones; `record_bytes` is how much that is. `malformed` counts
    those that are not merely too long, `binary` those that are not text, with `binary_bytes` bytes.
    `size` counts the decompressed bytes that were read. `keep`: the records do not contain all
    rejected bytes. `rejected_because` says why nothing of the object is committed, None if it is.
    """

    good: IO[bytes]
    bad: IO[bytes]
    size: int = 0
    lines: int = 0
    blank: int = 0
    rejected: int = 0
    malformed: int = 0
    binary: int = 0
    binary_bytes: int = 0
    record_bytes: int = 0
    keep: bool = False
    rejected_because: str | None = None

    @classmethod
    def empty(cls, memory: int) -> Content:
        """Return content without lines; each file stays in memory up to `memory` bytes."""
        return cls(SpooledTemporaryFile(memory), SpooledTemporaryFile(memory))

    def close(self) -> None:
        """Free the memory or the disk."""
        self.good.close()
        self.bad.close()

    def reject(self, number: int, reason: str, **what: object) -> None:
        """Add a record for line `number`; 0 stands for the whole object."""
        record = {"line": number, "reason": reason, **what}
        data = json.dumps(record, ensure_ascii=False).encode() + b"\n"
        self.bad.write(data)
        self.record_bytes += len(data)
        self.rejected += 1


def sort_lines(chunks: Iterable[bytes], limits: Limits, *, at_most: int) -> Content:
    """Read an object's bytes to the end and sort its lines.

    Raises:
        TooLarge: there are more than `at_most` bytes once decompressed.
    """
    content = Content.empty(limits.object_memory)
    try:
        for line in split(_counted(content, text_of(chunks), at_most), limits):
            _sort(content, line, limits)
        _check_shares(content, limits)
    except BaseException as problem:
        content.close()
        if isinstance(problem, Unreadable) and not isinstance(problem, TooLarge):
            return rejected_whole(str(problem), size=content.size)
        raise
    return content


def rejected_whole(reason: str, *, size: int) -> Content:
    """Return the content of an object that is rejected as a whole."""
    content = Content.empty(CHUNK)
    content.size = size
    content.keep = True
    content.rejected_because = reason
    content.reject(0, reason)
    return content


class Line(NamedTuple):
    """A line without its newline. If it is longer than `data`, that is only its beginning."""

    number: int
    data: bytes
    length: int

    @property
    def cut(self) -> bool:
        """Whether the line is longer than `Limits.line_bytes`."""
        return self.length > len(self.data)


def split(chunks: Iterable[bytes], limits: Limits) -> Iterator[Line]:
    """Yield the lines, numbered from 1; of one longer than `line_bytes` only the beginning."""
    number, length, held = 1, 0, bytearray()
    most, beginning = limits.line_bytes, min(QUOTED, limits.line_bytes)
    for chunk in chunks:
        *ends, tail = chunk.split(b"\n")
        for end in ends:
            if not length and len(end) <= most:  # nearly every line is whole in one chunk
                yield Line(number, end, len(end))
                number += 1
                continue
            length += len(end)
            held += end[: most - len(held)]
            yield Line(number, bytes(held if length <= most else held[:beginning]), length)
            number, length = number + 1, 0
            held.clear()
        length += len(tail)
        held += tail[: most - len(held)]
    if length:
        yield Line(number, bytes(held if length <= most else held[:beginning]), length)


def problem_of(line: bytes) -> str | None:
    """Return why a line is not JSON, or None if it is."""
    try:
        _JSON.decode(line.decode())
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error.reason} at byte {error.start}"
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at character {error.pos}"
    except _NotANumber as error:
        return f"not JSON: {error} is not a number of JSON"
    except RecursionError:
        return "nested too deeply"
    return None


class _NotANumber(Exception):  # noqa: N818 - never leaves this file
    pass


def _reject_constant(name: str) -> NoReturn:
    raise _NotANumber(name)


# Numbers are checked, not computed: Python has a limit on digits that JSON has not.
_JSON: Final = json.JSONDecoder(parse_constant=_reject_constant, parse_int=str, parse_float=str)


def _sort(content: Content, line: Line, limits: Limits) -> None:
    cut = line.cut
    problem = None if cut else problem_of(line.data)
    if not cut and problem is None:
        content.good.write(line.data + b"\n")
        content.lines += 1
        return
    if not cut and not line.data.strip(_BLANKS):
        content.blank += 1
        return
    if not is_text(line.data, cut=cut):
        content.binary += 1
        content.binary_bytes += line.length
    if problem is None:
        content.keep = True
        reason = f"longer than {limits.line_bytes} bytes"
        content.reject(line.number, reason, bytes=line.length)
    else:
        content.malformed += 1
        content.keep |= line.length > QUOTED
        content.reject(line.number, problem, **_quoted(line.data))
    if content.record_bytes > limits.record_bytes:
        raise Unreadable(
            f"{content.rejected} malformed lines up to line {line.number}, and more than"
            f" {limits.record_bytes} bytes of records of them"
        )


def _check_shares(content: Content, limits: Limits) -> None:
    """Raise `Unreadable` if too many lines or bytes of the object are not lines of JSON."""
    lines, percent = content.lines + content.rejected, limits.binary_percent
    many = content.binary * 100 > percent * lines
    if many or content.binary_bytes * 100 > percent * content.size:
        raise Unreadable(
            f"not text: {content.binary} of {lines} lines, {content.binary_bytes} of"
            f" {content.size} bytes, are not UTF-8 or have control characters"
        )
    if lines > 1 and content.malformed * 100 > limits.malformed_percent * lines:
        raise Unreadable(
            f"not newline-delimited JSON: {content.malformed} of {lines} lines are malformed"
        )


def _quoted(line: bytes) -> dict[str, object]:
    beginning = line[:QUOTED]
    try:
        line.decode()
    except UnicodeDecodeError:
        kind, quoted = "base64", base64.b64encode(beginning).decode()
    else:
        kind, quoted = "text", beginning.decode(errors="ignore")  # may end within a character
    if beginning == line:
        return {kind: quoted}
    # Under another name, so that a beginning is not taken for the whole line.
    digest = hashlib.sha256(line).hexdigest()
    return {f"{kind}_begins": quoted, "bytes": len(line), "sha256": digest}


def _counted(content: Content, chunks: Iterator[bytes], at_most: int) -> Iterator[bytes]:
    for chunk in chunks:
        content.size += len(chunk)
        if content.size > at_most:
            raise TooLarge(f"larger than {at_most} bytes, decompressed")
        yield chunk
