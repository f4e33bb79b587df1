"""What an operator has to know if a repair of several writes ends early."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from s3leader import StoreUnavailable
from s3leader_cli.streams import print_error


@contextmanager
def says_if_half_done() -> Iterator[None]:
    """Say after Ctrl-C, or an answer that S3 did not give, that only a part may be done."""
    try:
        yield
    except (KeyboardInterrupt, StoreUnavailable):
        print_error(
            "s3leader: the repair may be half done, and then nobody can lead: run the same command"
            " again, which does the rest, before you resume the job"
        )
        raise
