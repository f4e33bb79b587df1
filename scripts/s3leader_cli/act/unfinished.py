"""What an operator has to know if a command that writes a lock ends early."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from s3leader import StoreUnavailable
from s3leader_cli.streams import print_error, printable


@contextmanager
def says_if_unfinished(advice: str) -> Iterator[None]:
    """Say after Ctrl-C, or an answer that S3 did not give, how to see what was done."""
    try:
        yield
    except (KeyboardInterrupt, StoreUnavailable):
        print_error(f"s3leader: {printable(advice)}")
        raise
