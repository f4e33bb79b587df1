"""Parses the command line."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NoReturn

import s3leader
from s3leader import InvalidArgument

from .run.codes import HELP, MISCONFIGURED
from .run.options import DESCRIPTION, add_run_options, split_command
from .streams import print_out

EXIT_CODES = """\
exit codes: 0 done, or nothing to do; 1 it needs you (the message says why); 2 usage error;
3 no lock exists for an election of that name"""

_BUCKET = re.compile(
    r"[A-Za-z0-9._-]{1,255}"
    r"|arn:aws[a-z-]*:s3[a-z-]*:[a-z0-9-]*:[0-9]{12}:(?:accesspoint|outpost)[/:][A-Za-z0-9./:-]+"
)
_ADDRESS = re.compile(r"\s*|arn:.*|.*://.*|/.*|.*/|(?:.*/)?(?:lock_[0-9]{10}|hint)\.json")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, which also names the variable for a missing argument."""
        if "required" in message:
            message = message.replace("--bucket", "--bucket (or $S3LEADER_BUCKET)")
        self.print_usage(sys.stderr)
        # 2 could also be the exit code of the command that `run` runs
        code = MISCONFIGURED if self.prog.endswith(" run") else 2
        self.exit(code, f"{self.prog}: error: {message}\n")


class _Version(argparse.Action):
    """Print the version. It is looked up only here, because that takes time."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print_out(f"s3leader {s3leader.__version__}\n")
        parser.exit()


def parse(argv: Sequence[str], environment: Mapping[str, str] = os.environ) -> argparse.Namespace:
    """Return the options; for an unknown one, print the usage of its command and exit."""
    words, command = split_command(argv)
    options, unknown = parser(environment).parse_known_args(words)
    if options.command == "run":
        options.words = command
        if unknown and not command:
            options.parser.error(f"expected `--` before COMMAND: -- {' '.join(unknown)}")
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def check(options: argparse.Namespace) -> None:
    """Raise `InvalidArgument` for a URL, an ARN or a key in the place of a name."""
    if not _BUCKET.fullmatch(options.bucket):
        raise InvalidArgument(
            f"--bucket {options.bucket!r} is not a bucket's name: give the name (or the ARN of an"
            " access point) alone, and a folder of elections with --prefix"
        )
    if _ADDRESS.fullmatch(options.election):
        raise InvalidArgument(
            f"ELECTION {options.election!r} is not an election's name: give the name alone, and the"
            " bucket's with --bucket"
        )


def parser(environment: Mapping[str, str] = os.environ) -> argparse.ArgumentParser:
    """Return the parser; `environment` gives the defaults of --bucket and --prefix."""
    top = _Parser(
        prog="s3leader",
        allow_abbrev=False,
        description="Show elections on S3, depose holders, and run commands as singletons.",
        epilog=f"{EXIT_CODES}. Also read: $S3LEADER_REGION, $S3LEADER_ENCRYPTION,"
        " $S3LEADER_KMS_KEY and $S3LEADER_BUCKET_OWNER, as the candidates do, and what boto3 reads,"
        " such as AWS_DEFAULT_REGION",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    places = _places(environment)
    shared = _shared(places)
    commands.add_parser(
        "status",
        parents=[shared],
        help="who leads, since when, and what a contender would do now",
        epilog=EXIT_CODES,
    )
    history = commands.add_parser(
        "history", parents=[shared], help="the terms, newest first", epilog=EXIT_CODES
    )
    history.add_argument(
        "--limit", type=_at_least_one, default=20, metavar="N", help="at most N terms (default 20)"
    )
    _add_depose(commands, shared)
    run = commands.add_parser(
        "run",
        parents=[places],
        usage="s3leader run ELECTION [options] -- COMMAND …",
        help="campaign, and run any command as the leader",
        description=DESCRIPTION,
        epilog=HELP,
    )
    add_run_options(run, environment)
    for command in commands.choices.values():
        command.set_defaults(parser=command)
        command.allow_abbrev = False
    return top


def _add_depose(commands: argparse._SubParsersAction[_Parser], shared: _Parser) -> None:
    depose = commands.add_parser(
        "depose",
        parents=[shared],
        help="seal the highest lock, so that the next candidate may lead",
        description="Seals a lapsed lock. Candidates do so themselves. Depose by hand if no"
        " candidate campaigns, if the lock is corrupt, or to remove a holder (--force).",
        epilog=EXIT_CODES,
    )
    depose.add_argument("--reason", required=True, help="why; the history shows it")
    depose.add_argument(
        "--force",
        action="store_true",
        help="seal also a lock that has not lapsed or that is corrupt. This does not stop its"
        " holder",
    )
    depose.add_argument(
        "--done",
        metavar="TICK",
        help="with --force, for a corrupt lock, in which it cannot be read: the latest completed"
        " tick, or none",
    )
    depose.add_argument("--yes", action="store_true", help="with --force: do not ask")


def _places(environment: Mapping[str, str]) -> _Parser:
    """Return the arguments that say where an election's locks are."""
    shared = _Parser(add_help=False)
    shared.add_argument("election", metavar="ELECTION", help="the election's name")
    bucket = environment.get("S3LEADER_BUCKET") or None
    shared.add_argument(
        "--bucket",
        default=bucket,
        required=bucket is None,
        help="the lock bucket (default: $S3LEADER_BUCKET)",
    )
    shared.add_argument(
        "--prefix",
        default=environment.get("S3LEADER_PREFIX", "elections/"),
        help="prefix of the keys of all elections (default: $S3LEADER_PREFIX, else elections/)",
    )
    shared.add_argument(
        "--region",
        default=environment.get("S3LEADER_REGION") or None,
        help="the bucket's Region (default: $S3LEADER_REGION, else as boto3 finds it)",
    )
    return shared


def _shared(places: _Parser) -> _Parser:
    shared = _Parser(add_help=False, parents=[places])
    shared.add_argument(
        "--lease",
        type=_seconds,
        default=timedelta(seconds=30),
        metavar="SECONDS",
        help="for a lock that does not state its lease (default 30)",
    )
    shared.add_argument("--json", action="store_true", help="print JSON, for programs")
    return shared


def _at_least_one(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return number


def _seconds(text: str) -> timedelta:
    try:
        return timedelta(seconds=float(text))
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"expected a number of seconds, got {text!r}") from None
