"""Standard output and error, whatever they are: a pipe that is closed, a full disk, ASCII only.

A reader that has read enough (`| head -1`) is no fault: what it did not read is dropped, and the
exit code stays that of the command. Output that cannot be written for another reason is a fault.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO


class OutputFailed(Exception):  # noqa: N818 - as s3leader's own errors
    """Standard output cannot be written."""


def prepare() -> None:
    """Escape what the streams' encodings do not have; raise if there is no standard output.

    Python has no stream where a shell closed the descriptor (`>&-`), and `print` is silent then.
    """
    if sys.stdout is None:
        raise OutputFailed("standard output is closed: redirect it to /dev/null to discard it")
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # streams of embedders may lack it
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Write `text` to standard output at once, and raise `OutputFailed` if that is impossible."""
    try:
        print(text, end="", flush=True)
    except OSError as error:
        _discard(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            raise OutputFailed(f"standard output cannot be written: {error.strerror}") from error


def complain(text: str) -> None:
    """Write a line to standard error, if anybody can read it."""
    if sys.stderr is None:  # `print` would write to standard output then
        return
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


def ask(question: str) -> str:
    """Ask on standard error, as standard output may be a file. EOFError if nobody answers."""
    print(question, end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        raise EOFError
    return answer


def has_person() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None


def printable(text: str) -> str:
    """Escape what could steer a terminal: it may come from anybody who may write to the bucket."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _discard(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, or Python complains of it when it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
