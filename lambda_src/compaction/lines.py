r"""From the bytes of one input object to its lines, in bounded memory.

What counts as a line, and what becomes of it:

- Lines end with `\n`; the last one need not. What stands between is kept byte for byte, a `\r`
  before the `\n` included.
- A line of nothing but JSON's white space (space, tab, `\r`) carries nothing: it is neither
  committed nor rejected. It does count where lines are numbered, from 1.
- A well-formed line is UTF-8 and one JSON value, of any type, as RFC 8259 has it: no `NaN`, no
  `Infinity`, no byte order mark. Anything else is rejected, its `text` or its bytes (`base64`) in
  the record.
- Of a malformed line longer than `QUOTED` bytes the record has the beginning only (`text_begins`,
  `base64_begins`), the length and the SHA-256; of one longer than `Limits.line_bytes` the length
  only. The whole object is then kept under `rejected/`, and its records say where.
- An object that begins with gzip's two magic bytes is gzip, whatever its name says; one or several
  members. If it is corrupt or cut off, if the records of its malformed lines take more than
  `record_bytes` (JSON may escape one byte as six), or if it is larger than `object_bytes` once
  decompressed, then **nothing** of it is committed: one record, of line 0, rejects the whole of
  it, and the object itself is kept under `rejected/`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Final, NoReturn

from compaction.limits import Limits

CHUNK: Final = 64 * 1024
QUOTED: Final = 4 * 1024  # as much of a malformed line stands in its record
_GZIP: Final = b"\x1f\x8b"
_BLANKS: Final = b" \t\r"


class Unreadable(Exception):  # noqa: N818 - never leaves the package
    """The object as a whole cannot be taken for lines; the message is the reason."""


class TooLarge(Unreadable):
    """The object is larger, decompressed, than it may be here."""


@dataclass(slots=True)
class Content:
    r"""What one input object holds, sorted.

    `good` has the well-formed lines, each with its `\n`. `bad` has one JSON record a line, without
    the key, for each of the `rejected` ones; `record_bytes` is how much that is. `size` counts
    decompressed bytes. `keep` says that the records alone do not preserve everything.
    """

    good: IO[bytes]
    bad: IO[bytes]
    size: int = 0
    lines: int = 0
    blank: int = 0
    rejected: int = 0
    record_bytes: int = 0
    keep: bool = False

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
        for number, line, length in split(_counted(content, decompressed(chunks), at_most), limits):
            _sort(content, number, line, length, limits)
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
    content.reject(0, reason)
    return content


def decompressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Undo gzip if that is what it is, a bounded piece at a time.

    Raises:
        Unreadable: it began as gzip and did not go on or end as such.
    """
    rest = iter(chunks)
    head = b""
    while len(head) < len(_GZIP) and (chunk := next(rest, None)) is not None:
        head += chunk
    if not head.startswith(_GZIP):
        if head:
            yield head
        yield from rest
        return
    member = zlib.decompressobj(wbits=31)
    for chunk in _chain(head, rest):
        data = chunk
        while data:
            if member.eof:
                data = data.lstrip(b"\0")  # padding after a member, as gzip(1) has it
                if not data:
                    break
                member = zlib.decompressobj(wbits=31)
            yield _inflate(member, data)
            data = member.unused_data if member.eof else member.unconsumed_tail
    while not member.eof:  # the last input may have more to say than one piece
        piece = _inflate(member, b"")
        if not piece and not member.eof:
            raise Unreadable("gzip: the object ends before its data does")
        yield piece


def split(chunks: Iterable[bytes], limits: Limits) -> Iterator[tuple[int, bytes | None, int]]:
    """Number, bytes (None: too long to hold) and length of each line, without its newline."""
    number, length, held = 1, 0, bytearray()
    for chunk in chunks:
        *ends, tail = chunk.split(b"\n")
        for end in ends:
            length += len(end)
            fits = length <= limits.line_bytes
            yield number, bytes(held) + end if fits else None, length
            number, length = number + 1, 0
            held.clear()
        length += len(tail)
        if length <= limits.line_bytes:
            held += tail
        else:
            held.clear()
    if length:
        yield number, bytes(held) if length <= limits.line_bytes else None, length


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


# Numbers are looked at, not computed: Python has a limit on digits that JSON has not.
_JSON: Final = json.JSONDecoder(parse_constant=_no_number, parse_int=str, parse_float=str)


def _sort(content: Content, number: int, line: bytes | None, length: int, limits: Limits) -> None:
    if line is None:
        content.keep = True
        content.reject(number, f"longer than {limits.line_bytes} bytes", bytes=length)
    elif not line.strip(_BLANKS):
        content.blank += 1
    elif (problem := problem_of(line)) is None:
        content.good.write(line + b"\n")
        content.lines += 1
    else:
        if len(line) > QUOTED:
            content.keep = True
        content.reject(number, problem, **_quoted(line))
    if content.record_bytes > limits.record_bytes:
        raise Unreadable(
            f"{content.rejected} malformed lines up to line {number}, and more than"
            f" {limits.record_bytes} bytes of records of them"
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


def _inflate(member: zlib._Decompress, data: bytes) -> bytes:
    try:
        return member.decompress(data, CHUNK)
    except zlib.error as error:
        raise Unreadable(f"gzip: {error}") from error


def _chain(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest
