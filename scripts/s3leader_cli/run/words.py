"""Splits the words of `s3leader run` from those of the command that it runs."""

from __future__ import annotations

from collections.abc import Sequence


def split_command(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words before `--` and, for `run`, the command after it."""
    words = list(argv)
    if words[:1] != ["run"] or "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]
