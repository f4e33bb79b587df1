"""The options of `s3leader run`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import click

from s3leader_cli.options import (
    Context,
    ElectionPlace,
    election_argument,
    where_options,
)
from s3leader_cli.times import DURATION

from .codes import HELP

DESCRIPTION = """\
Campaign, and if elected, run COMMAND while the lease is renewed. COMMAND finds in its environment
S3LEADER_TERM and S3LEADER_FENCING_TOKEN (send it with every write), S3LEADER_TICK,
S3LEADER_ATTEMPT, S3LEADER_LEG, S3LEADER_LAST_COMPLETED, S3LEADER_DEADLINE (of the first lease) and
S3LEADER_STATE_FILE (the checkpoint as JSON: rewrite it, and it is saved). What has no value is
empty. If COMMAND exits with 0, the term is completed; with anything else, it has failed. COMMAND's
process group gets SIGTERM, and later SIGKILL, when leadership is lost, when this process gets
SIGTERM, SIGINT or SIGHUP or is killed, and always before the lease ends."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What `run` was asked for; `words` is the command."""

    election: str
    bucket: str
    prefix: str
    region: str | None
    lease: timedelta
    wait: timedelta
    tick: str | None
    max_attempts: int | None
    long_ledger: bool
    grace: timedelta
    if_lost: int
    quiet: bool
    as_json: bool
    words: tuple[str, ...]

    def place(self) -> ElectionPlace:
        """Return where the locks are. Raises `InvalidArgument`."""
        return ElectionPlace(
            election=self.election,
            bucket=self.bucket,
            prefix=self.prefix,
            region=self.region,
            lease=self.lease,
            max_attempts=self.max_attempts,
            long_ledger=self.long_ledger,
        )


@click.command(
    "run",
    short_help="Campaign, and run any command as the leader.",
    help=DESCRIPTION,
    epilog=HELP,
)
@election_argument
@where_options
@click.option(
    "--lease",
    type=DURATION,
    default="30",
    envvar="S3LEADER_LEASE_SECONDS",
    show_envvar=True,
    metavar="SECONDS",
    help="How long others wait if this machine dies (default 30).",
)
@click.option(
    "--wait",
    type=DURATION,
    default="0",
    envvar="S3LEADER_WAIT_SECONDS",
    show_envvar=True,
    metavar="SECONDS",
    help="How long to wait while another leads (default 0).",
)
@click.option(
    "--tick",
    envvar="S3LEADER_TICK",
    show_envvar=True,
    metavar="now|TIME|floor:5m|none",
    help="The scheduled time: a tick that is completed is not led again. floor:5m rounds this"
    " machine's time down to five minutes (default none).",
)
@click.option(
    "--max-attempts",
    type=click.IntRange(min=1),
    envvar="S3LEADER_MAX_ATTEMPTS",
    show_envvar=True,
    metavar="N",
    help="How many terms a tick may have (default: no limit).",
)
@click.option(
    "--long-ledger",
    is_flag=True,
    envvar="S3LEADER_LONG_LEDGER",
    show_envvar=True,
    help="The bucket keeps more than about 1,000 locks: find the highest with a request less.",
)
@click.option(
    "--grace",
    type=DURATION,
    default="10",
    metavar="SECONDS",
    help="Between SIGTERM and SIGKILL; less if the lease ends sooner (default 10).",
)
@click.option(
    "--if-lost",
    type=click.IntRange(0, 255),
    default=0,
    metavar="CODE",
    help="The exit code if not elected (default 0).",
)
@click.option("--quiet", is_flag=True, help="Print nothing if not elected.")
@click.option("--json", "as_json", is_flag=True, help="Print this command's own lines as JSON.")
@click.argument("unexpected", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND …")
@click.pass_obj
def run_command(context: Context, /, unexpected: tuple[str, ...], **options: Any) -> int:  # noqa: ANN401 - as declared above
    """Run the command line."""
    from .command import run  # noqa: PLC0415 - the help does not need it

    if unexpected and not context.words:
        raise click.UsageError(f"expected `--` before COMMAND: -- {' '.join(unexpected)}")
    if unexpected:
        raise click.UsageError(f"unexpected arguments before `--`: {' '.join(unexpected)}")
    return run(RunOptions(words=context.words, **options), context.elect)
