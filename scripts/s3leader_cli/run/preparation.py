"""What the wrapper needs of the machine before it can start a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Unprepared(Exception):  # noqa: N818 - as s3leader's own errors
    """The machine has no disk space, process or descriptor left, so nothing was started."""


@contextmanager
def preparing() -> Iterator[None]:
    """Raise `Unprepared` for what the operating system refuses in the block."""
    try:
        yield
    except OSError as error:
        raise Unprepared(str(error)) from error
