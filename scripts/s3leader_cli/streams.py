"""Writes to standard output and error, which may be a closed pipe, a full disk or ASCII only.

A reader that closes a pipe early (`| head -1`) is not an error: the rest of the output is dropped,
and the exit code stays that of the command. Output that cannot be written otherwise is an error.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO


class OutputFailed(Exception):  # noqa: N818 - as s3leader's own errors
    """Standard output cannot be written."""


class _Written:
    """Whether anything was written to standard output."""

    anything = False


def has_written() -> bool:
    """Return whether this command has written anything to standard output."""
    return _Written.anything


def prepare(*, prints: bool = True) -> None:
    """Escape characters that an encoding lacks; if it `prints`, raise if standard output is closed.

    If a shell closed the descriptor (`>&-`), Python has no stream, and `print` writes nothing.
    """
    _Written.anything = False
    if prints and sys.stdout is None:
        raise OutputFailed("standard output is closed: redirect it to /dev/null to discard it")
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # replaced streams may lack it
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def print_out(text: str) -> bool:
    """Write `text` to standard output at once, and raise `OutputFailed` if that is impossible.

    Return False if its reader has just closed the pipe, so that a long command can end.
    """
    _Written.anything = _Written.anything or bool(text)
    try:
        print(text, end="", flush=True)
    except OSError as error:
        _discard(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            raise OutputFailed(f"standard output cannot be written: {error.strerror}") from error
        return False
    return True


def print_json(value: dict[str, Any]) -> None:
    """Write an indented JSON object to standard output."""
    print_out(json.dumps(value, indent=2) + "\n")


def print_error(text: str) -> None:
    """Write a line to standard error, unless it is closed."""
    if sys.stderr is None:  # `print` would write to standard output then
        return
    try:
        print(f"{text}\n", end="", file=sys.stderr, flush=True)  # one write: others write there too
    except OSError:
        _discard(sys.stderr)


def ask(question: str) -> str:
    """Ask on standard error, as standard output may be a file. EOFError if there is no answer."""
    print(question, end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        raise EOFError
    return answer


def is_interactive() -> bool:
    """Return whether a person can be asked: standard input is a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None


def printable(text: str) -> str:
    """Escape control characters: `text` may come from anybody who can write to the bucket."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _discard(stream: TextIO) -> None:
    """Send what is still buffered to the null device, or Python reports an error at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
