"""The lines of a requirements file, and the parts of a requirement.

The format is https://pip.pypa.io/en/stable/reference/requirements-file-format/.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

# Windows PowerShell writes UTF-16 when output is redirected to a file.
_ENCODINGS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_OPTION = re.compile(r"(--[a-z][a-z-]*|-[a-z])[\s=]*(.*)")
_SHORT = {
    "-c": "--constraint",
    "-e": "--editable",
    "-f": "--find-links",
    "-i": "--index-url",
    "-r": "--requirement",
}
_NAMED = re.compile(r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(.*)")
_PINNED = re.compile(r"\(?\s*={2,3}\s*[^\s,*]+\s*\)?")
# What begins a marker or an option; a URL may contain a semicolon.
_REST, _REST_OF_LOCATION = re.compile(r"\s*;|\s--"), re.compile(r"\s+;|\s--")


class Line(NamedTuple):
    """A line for the installer, and the same without what differs between machines."""

    text: str
    identity: str


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """A requirement in its parts.

    Attributes:
        name: of the distribution, normalized; empty if only a location is given.
        what: name, extras and versions, or a location.
        location: a path or URL, empty for a distribution of the index.
        rest: marker and options such as hashes, as they are written.
        pinned: whether no other version can be installed.
    """

    name: str
    what: str
    location: str
    rest: str
    pinned: bool


def normalized(name: str) -> str:
    """Return the name of a distribution as the index writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_text(file: Path) -> str:
    """Return the text of a file, or raise `ValueError`."""
    try:
        content = file.read_bytes()
        return content.decode(_ENCODINGS.get(content[:2], "utf-8-sig"))
    except OSError as error:
        raise ValueError(
            f"requirements file {str(file)!r} cannot be read ({error.strerror}): give a file, such"
            " as Path(__file__).parent / 'requirements.txt', which does not depend on the working"
            " directory"
        ) from None
    except UnicodeDecodeError:
        raise ValueError(
            f"requirements file {str(file)!r} is not a text in UTF-8: save it in this encoding"
        ) from None


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, without comments and with continuations joined."""
    begun, start = "", 1
    for number, line in enumerate(text.splitlines(), 1):
        start = start if begun else number
        begun += re.sub(r"(^|\s+)#.*$", "", line)
        if begun.endswith("\\"):
            begun = begun[:-1]
            continue
        if begun.strip():
            yield start, begun.strip()
        begun = ""
    if begun.strip():
        yield start, begun.strip()


def option(line: str) -> tuple[str, str] | None:
    """Return the long name and the value of an option, or None for a requirement."""
    found = _OPTION.fullmatch(line)
    return (_SHORT.get(found[1], found[1]), found[2].strip()) if found else None


def parsed(line: str) -> Requirement:
    """Return a requirement in its parts."""
    named = _NAMED.fullmatch(line)
    is_wheel = line.split(maxsplit=1)[0].endswith(".whl")
    if named is None or is_wheel or not re.match(r"[<>=!~(@;]|--|$", named[2]):
        what = _REST_OF_LOCATION.split(line, maxsplit=1)[0]
        return Requirement(name="", what=what, location=what, rest=line[len(what) :], pinned=True)
    if named[2].startswith("@"):
        what, pinned = _REST_OF_LOCATION.split(line, maxsplit=1)[0], True
        location = what.partition("@")[2].strip()
    else:
        what, location = _REST.split(line, maxsplit=1)[0], ""
        versions = _REST.split(named[2], maxsplit=1)[0]
        pinned = bool(_PINNED.fullmatch(versions)) or "--hash" in line
    return Requirement(
        name=normalized(named[1]),
        what=what,
        location=location,
        rest=line[len(what) :],
        pinned=pinned,
    )
