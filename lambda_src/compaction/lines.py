r"""From the bytes of one input object to its lines, in bounded memory.

What counts as a line, and what becomes of it:

- Lines end with `\n`; the last one need not. What stands between is kept byte for byte, a `\r`
  before the `\n` included.
- A line of nothing but JSON's white space (space, tab, `\r`) carries nothing: it is neither
  committed nor rejected, only counted (`Summary.blank`). It does count where lines are numbered,
  from 1.
- A well-formed line is UTF-8 and one JSON value, of any type, as RFC 8259 has it: no `NaN`, no
  `Infinity`, no byte order mark. Anything else is rejected, its `text` or its bytes (`base64`) in
  the record.
- Of a malformed line longer than `QUOTED` bytes the record has the beginning only (`text_begins`,
  `base64_begins`), the length and the SHA-256; of one longer than `Limits.line_bytes` the length
  only. The whole object is then kept under `rejected/`, and its records say where.
- An object that begins with gzip's two magic bytes is gzip, whatever its name says; one or several
  members.

An object that is not newline-delimited JSON is rejected **as a whole**: nothing of it is committed,
one record, of line 0, has the reason, and the object itself is kept under `rejected/`, byte for
byte. That is so if

- it is gzip that is corrupt or cut off;
- it begins as another format does (`formats.py`), within gzip or without;
- more than `Limits.binary_percent` of its lines are not text (not UTF-8, or with control
  characters), or so many of its bytes are in such lines;
- more than `Limits.malformed_percent` of its lines are malformed, of at least two. An object of one
  line is judged by that line, whose record has all of it;
- the records of its malformed lines take more than `Limits.record_bytes` (JSON may escape one byte
  as six), or it has more than `Limits.object_bytes` once decompressed.

Blank lines count in no share. Whether an object is rejected as a whole is known only at its end, so
its lines are spooled until then: in memory up to `Limits.object_memory`, then on disk.

**Not guaranteed.** What consists of lines of JSON is taken for that, whatever it was meant to be: a
column of numbers, say, or the JSON that precedes binary data of less than the shares above.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Final, NoReturn

from compaction.formats import CHUNK, Unreadable, is_text, text_of
from compaction.limits import Limits

QUOTED: Final = 4 * 1024  # as much of a malformed line stands in its record
_BLANKS: Final = b" \t\r"


class TooLarge(Unreadable):
    """The object is larger, decompressed, than it may be here."""


@dataclass(slots=True)
class Content:
    r"""What one input object holds, sorted.

    `good` has the well-formed lines, each with its `\n`. `bad` has one JSON record a line, without
    the key, for each of the `rejected` ones; `record_bytes` is how much that is. `malformed` are
    those of them that were not only too long, `binary` those that are not text, of `binary_bytes`
    bytes. `size` counts the decompressed bytes that were read. `keep` says that the records alone
    do not preserve everything; `whole`, that nothing of the object is committed, and why.
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
    whole: str | None = None

    @classmethod
    def empty(cls, memory: int) -> Content:
        """Have no lines yet, and keep up to `memory` bytes of each kind off the disk."""
        return cls(SpooledTemporaryFile(memory), SpooledTemporaryFile(memory))

    def close(self) -> None:
        """Give back the memory, or the disk."""
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
    except TooLarge:
        content.close()
        raise
    except Unreadable as problem:
        content.close()
        return rejected_whole(str(problem), size=content.size)
    except BaseException:
        content.close()
        raise
    return content


def rejected_whole(reason: str, *, size: int) -> Content:
    """Commit nothing of an object, for that reason."""
    content = Content.empty(CHUNK)
    content.size = size
    content.keep = True
    content.whole = reason
    content.reject(0, reason)
    return content


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its newline. If it is longer than `data`, that is only its beginning."""

    number: int
    data: bytes
    length: int

    @property
    def cut(self) -> bool:
        """Whether it was too long to hold."""
        return self.length > len(self.data)


def split(chunks: Iterable[bytes], limits: Limits) -> Iterator[Line]:
    """Yield the lines, numbered from 1; of one longer than `line_bytes` only the beginning."""
    number, length, held = 1, 0, bytearray()
    most, beginning = limits.line_bytes, min(QUOTED, limits.line_bytes)
    for chunk in chunks:
        *ends, tail = chunk.split(b"\n")
        for end in ends:
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
    """Say why a line is no JSON text, or None."""
    try:
        _JSON.decode(line.decode())
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error.reason} at byte {error.start}"
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at character {error.pos}"
    except _NoNumber as error:
        return f"not JSON: {error} is no number there"
    except RecursionError:
        return "nested too deeply"
    return None


class _NoNumber(Exception):  # noqa: N818 - never leaves this file
    pass


def _no_number(name: str) -> NoReturn:
    raise _NoNumber(name)


# Numbers are checked, not computed: Python has a limit on digits that JSON has not.
_JSON: Final = json.JSONDecoder(parse_constant=_no_number, parse_int=str, parse_float=str)


def _sort(content: Content, line: Line, limits: Limits) -> None:
    if not line.cut and not line.data.strip(_BLANKS):
        content.blank += 1
        return
    problem = None if line.cut else problem_of(line.data)
    if not line.cut and problem is None:
        content.good.write(line.data + b"\n")
        content.lines += 1
        return
    if not is_text(line.data, cut=line.cut):
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
    """Refuse an object that is not lines of JSON, as a whole, by its shares of lines and bytes.

    Raises:
        Unreadable: it is not.
    """
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
        kind, quoted = "text", beginning.decode(errors="ignore")  # may end amid a character
    if beginning == line:
        return {kind: quoted}
    # A name of its own, lest a beginning pass for the whole.
    digest = hashlib.sha256(line).hexdigest()
    return {f"{kind}_begins": quoted, "bytes": len(line), "sha256": digest}


def _counted(content: Content, chunks: Iterator[bytes], at_most: int) -> Iterator[bytes]:
    for chunk in chunks:
        content.size += len(chunk)
        if content.size > at_most:
            raise TooLarge(f"larger than {at_most} bytes, decompressed")
        yield chunk
