"""Entry point of the `s3leader` command."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from s3leader import BucketOptions, Election, InvalidArgument, S3LeaderError

from .arguments import check, parse
from .commands import Ask, depose, history, status
from .report import advice
from .run.command import run
from .streams import OutputFailed, is_interactive, prepare, print_error, print_out, printable
from .streams import ask as ask_person

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main(
    argv: Sequence[str] | None = None,
    *,
    elect: Callable[[argparse.Namespace], Election] | None = None,
    ask: Ask = None,
) -> int:
    """Run the command line and return its exit code; tests replace `elect` and `ask`."""
    try:
        words = sys.argv[1:] if argv is None else argv
        prepare(prints=list(words[:1]) != ["run"])
        options = _options(words)
        if options.command == "run":
            return run(options, elect or _election)
        check(options)
        return _run(options, elect or _election, ask)
    except OutputFailed as error:
        print_error(f"s3leader: {error}")
        return 1
    except S3LeaderError as error:
        print_error(f"s3leader: {printable(' '.join(advice(error).split()))}")
        # An error with a cause is due to the environment (a profile, say), not to an argument.
        return 2 if isinstance(error, InvalidArgument) and error.__cause__ is None else 1
    except (KeyboardInterrupt, EOFError):
        print_error("\ns3leader: interrupted")
        return INTERRUPTED


def _options(words: Sequence[str]) -> argparse.Namespace:
    try:
        return parse(words)
    except SystemExit:
        print_out("")  # argparse has printed its help, and does not flush it
        raise


def _run(
    options: argparse.Namespace, elect: Callable[[argparse.Namespace], Election], asked: Ask
) -> int:
    if options.command != "depose" and not options.json and not _has_rich():
        print_error(
            "s3leader: expected the package rich, which is not installed: run pip install"
            " 's3leader[cli]', or use --json"
        )
        return 1
    if options.command == "status":
        return status(options, elect(options))
    if options.command == "history":
        return history(options, elect(options))
    if asked is None and is_interactive():
        asked = ask_person
    return depose(options, elect(options), asked)


def _election(options: argparse.Namespace) -> Election:
    """Return the election on the bucket, reached as its candidates reach it."""
    return Election(
        options.election,
        bucket=options.bucket,
        prefix=options.prefix,
        lease=options.lease,
        max_attempts=getattr(options, "max_attempts", None),
        bucket_options=replace(BucketOptions.from_environment(), region=options.region),
    )


def _has_rich() -> bool:
    try:
        importlib.import_module("rich")
    except ImportError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
