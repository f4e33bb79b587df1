"""Entry point of the `s3leader` command."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

from s3leader import Election, InvalidArgument, S3LeaderError

from .arguments import parser
from .commands import Ask, depose, history, status
from .report import advice

INTERRUPTED = 130


def main(
    argv: Sequence[str] | None = None,
    *,
    elect: Callable[[argparse.Namespace], Election] | None = None,
    ask: Ask = None,
) -> int:
    """Run the command line and return its exit code; `elect` and `ask` are replaced by tests."""
    options = parser().parse_args(argv)
    if options.command != "depose" and not options.json and not _has_rich():
        print(
            "s3leader: for people to read, this needs rich: pip install 's3leader[cli]'"
            " (--json does without)",
            file=sys.stderr,
        )
        return 1
    if ask is None and sys.stdin is not None and sys.stdin.isatty():
        ask = input
    try:
        return _run(options, (elect or _election)(options), ask)
    except S3LeaderError as error:
        print(f"s3leader: {' '.join(advice(error).split())}", file=sys.stderr)
        # With a cause it is no word of this command line, but the environment (a profile, say).
        return 2 if isinstance(error, InvalidArgument) and error.__cause__ is None else 1
    except (KeyboardInterrupt, EOFError):
        print("\ns3leader: interrupted", file=sys.stderr)
        return INTERRUPTED


def _run(options: argparse.Namespace, election: Election, ask: Ask) -> int:
    if options.command == "status":
        return status(options, election)
    if options.command == "history":
        return history(options, election)
    return depose(options, election, ask)


def _election(options: argparse.Namespace) -> Election:
    return Election(
        options.election, bucket=options.bucket, prefix=options.prefix, lease=options.lease
    )


def _has_rich() -> bool:
    try:
        importlib.import_module("rich")
    except ImportError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
