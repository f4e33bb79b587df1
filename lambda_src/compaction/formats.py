r"""Turn the bytes of a stored object into text: decompress gzip, reject other formats.

An object is rejected if its first bytes are not text and match a known format (`_FORMATS`, or a tar
archive). Some signatures are plain ASCII, so a signature alone is not enough: a text whose first
line happens to begin with `ORC` is text. Formats that are not listed, and those without a signature
(Brotli, raw Snappy, encrypted data), are recognised by their share of lines that are not text; see
`lines.py`.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

CHUNK: Final = 64 * 1024
_GZIP: Final = b"\x1f\x8b"
_HEAD: Final = 512  # bytes, enough for the signature of a tar archive
# UTF-32 first: its little-endian byte order mark begins with that of UTF-16.
_FORMATS: Final = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    _GZIP: "gzip inside gzip",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    **{bytes([0x50 + n]) + b"\x2a\x4d\x18": "Zstandard or LZ4" for n in range(16)},
    b"\x04\x22\x4d\x18": "LZ4",
    b"\xff\x06\0\0sNaPpY": "Snappy",
    b"PK\x03\x04": "ZIP",
    b"PK\x05\x06": "ZIP",
    b"PAR1": "Parquet",
    b"Obj\x01": "Avro",
    b"ORC": "ORC",
    b"ARROW1": "Arrow",
    b"%PDF-": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
}
_CONTROLS: Final = bytes(set(range(32)) - set(b"\t\n\r"))


class Unreadable(Exception):  # noqa: N818 - private to the package
    """The object as a whole is not lines of JSON; the message is the reason."""


def text_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the text of an object in bounded pieces, not yet split into lines.

    Raises:
        Unreadable: the object is of another format, or is damaged gzip. Pieces may have been
            yielded before, so nothing may be committed before the end.
    """
    rest = decompressed(chunks)
    head = _beginning(rest, _HEAD)
    if (name := format_of(head)) is not None:
        raise Unreadable(f"it is {name}, not newline-delimited JSON")
    yield from chain([head], rest)


def format_of(head: bytes) -> str | None:
    """Return the format whose signature `head` has; None for text and for unknown formats."""
    head = head[:_HEAD]
    if is_text(head, cut=True):
        return None
    if head.startswith(b"ustar", 257):
        return "tar"
    return next((name for magic, name in _FORMATS.items() if head.startswith(magic)), None)


def is_text(data: bytes, *, cut: bool = False) -> bool:
    r"""Return whether the bytes are UTF-8 without control characters, which JSON forbids.

    Tab, `\n` and `\r` are allowed. If `cut`, the bytes may end in the middle of a character.
    """
    if len(data.translate(None, _CONTROLS)) < len(data):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=not cut)
    except UnicodeDecodeError:
        return False
    return True


def decompressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress gzip, in pieces of bounded size; pass anything else through.

    Raises:
        Unreadable: the gzip data is damaged or ends too early.
    """
    rest = iter(chunks)
    head = _beginning(rest, len(_GZIP))
    if not head.startswith(_GZIP):
        yield from chain([head], rest)
        return
    member = zlib.decompressobj(wbits=31)
    for chunk in chain([head], rest):
        data = chunk
        while data:
            if member.eof:
                data = data.lstrip(b"\0")  # padding after a member, which gzip(1) accepts
                if not data:
                    break
                member = zlib.decompressobj(wbits=31)
            yield _inflate(member, data)
            data = member.unused_data if member.eof else member.unconsumed_tail
    while not member.eof:  # the last chunk may decompress to more than one piece
        piece = _inflate(member, b"")
        if not piece and not member.eof:
            raise Unreadable("gzip: the object ends before its data does")
        yield piece


def _inflate(member: zlib._Decompress, data: bytes) -> bytes:
    try:
        return member.decompress(data, CHUNK)
    except zlib.error as error:
        raise Unreadable(f"gzip: {error}") from error


def _beginning(chunks: Iterator[bytes], size: int) -> bytes:
    """Take chunks until there are `size` bytes or no more chunks."""
    head = b""
    while len(head) < size and (chunk := next(chunks, None)) is not None:
        head += chunk
    return head
