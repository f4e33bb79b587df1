"""What may be called what, checked at synth: a wrong name costs a message and no deployment."""

from __future__ import annotations

import re

# The runtime allows exactly this per path segment. It also keeps out `*`, `?` and `$`, which
# would be wildcards and variables in the policies that are made of these names.
_SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)
_DOTS = frozenset({".", ".."})


def checked_election(name: str) -> str:
    """Return `name` if an election may be called that, else raise `ValueError`."""
    if not _is_segment(name):
        raise ValueError(
            f"election name {name!r} cannot be used: give 1 to 100 letters, digits, '.', '_' or '-'"
            " that are known at synth, for example 'nightly-compaction'"
        )
    return name


def checked_prefix(prefix: str) -> str:
    """Return `prefix` if elections may live under it, else raise `ValueError`."""
    segments = prefix.split("/")
    if segments[-1] != "" or len(segments) < 2 or not all(map(_is_segment, segments[:-1])):
        raise ValueError(
            f"prefix {prefix!r} cannot be used: give one or more segments of 1 to 100 letters,"
            " digits, '.', '_' or '-', each followed by '/', for example 'elections/'"
        )
    return prefix


def _is_segment(text: str) -> bool:
    return _SEGMENT.fullmatch(text) is not None and text not in _DOTS
