"""`s3leader cost`: what an election costs a month."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from s3leader import InvalidArgument
from s3leader_cli.exit_codes import DONE
from s3leader_cli.options import Command, ElectionPlace, json_option, where_options
from s3leader_cli.streams import print_json, print_out
from s3leader_cli.times import DURATION

from .deployed import DeployedPlan
from .model import Plan
from .prices import AS_OF, DEFAULTS, HELP, SOURCES, Prices
from .report import report_on

_LONG_RUNNING_LEASE = timedelta(seconds=30)
_UTC = {"UTC", "Etc/UTC"}
_SHARE = click.FloatRange(0, 1)
_LOST = click.FloatRange(0, 0.99)
_WHOLE = click.IntRange(min=0)
_FROM_ONE = click.IntRange(min=1)


def _price_options(function: Command) -> Command:
    """Add an option for each price; the command gets them as one `prices`."""

    @functools.wraps(function)
    def command(**given: Any) -> int:  # noqa: ANN401 - the options of the command
        prices = Prices(**{name: given.pop(f"price_{name}") for name in HELP})
        return function(prices=prices, **given)

    for name, text in reversed(HELP.items()):
        command = click.option(
            f"--price-{name.replace('_', '-')}", type=click.FloatRange(min=0), metavar="DOLLARS",
            default=DEFAULTS[name], help=f"For {text} (default {DEFAULTS[name]:.10g}).",
        )(command)  # fmt: skip
    return command


def _option(
    name: str,
    metavar: str,
    text: str,
    **more: Any,  # noqa: ANN401 - click's
) -> Callable[[Command], Command]:
    return click.option(name, metavar=metavar, help=text, **more)


@click.command(
    epilog=f"Prices: {AS_OF}; sources: {', '.join(SOURCES)}. They change: look there. Requests:"
    " none; with ELECTION, one to Parameter Store in each Region, and one to Scheduler."
)
@_option(
    "--schedule",
    "EXPRESSION",
    "rate(…), cron(…) or at(…), as in EventBridge Scheduler."
    " Without one, a long-running leader is assumed.",
)
@_option("--time-zone", "NAME", "Of a cron (default UTC).", default="UTC")
@_option(
    "--contenders",
    "N",
    "Started at each tick in each Region (default 2).",
    type=_FROM_ONE,
)
@_option("--regions", "N", "Regions that contend for the bucket (default 1).", type=_FROM_ONE)
@_option(
    "--duration",
    "SECONDS",
    "The work of a tick, in all its terms (default 1).",
    default="1",
    type=DURATION,
)
@_option(
    "--lease",
    "SECONDS",
    "A lease that is renewed each third of it (default: none with a"
    " schedule, as in Lambda, else 30).",
    type=DURATION,
)
@_option("--checkpoints", "N", "Saved for each tick (default 0).", default=0, type=_WHOLE)
@_option(
    "--legs",
    "N",
    "Terms that the work of a tick is spread over (default 1).",
    default=1,
    type=_FROM_ONE,
)
@_option(
    "--warm",
    "SHARE",
    "Of the campaigns by processes that remember the highest lock as sealed,"
    " as a lone contender's does, 0 to 1 (default 0: each starts cold).",
    default=0.0,
    type=_SHARE,
)
@_option(
    "--failures",
    "SHARE",
    "Of the terms whose leader dies and that are led again, 0 to 0.99 (default 0).",
    default=0.0,
    type=_LOST,
)
@_option("--standby", "N", "Candidates that wait all the time (default 0).", default=0, type=_WHOLE)
@_option(
    "--poll",
    "SECONDS",
    "At most between two looks of one that waits (default: a fifth of the lease, 0.25 to 2).",
    type=DURATION,
)
@_option(
    "--history",
    "DAYS",
    "That the lifecycle rule keeps locks (default 30).",
    default=30,
    type=click.IntRange(min=2),
)
@_option("--state", "BYTES", "Of the checkpoint in each lock (default 0).", default=0, type=_WHOLE)
@click.option("--no-lambda", is_flag=True, help="Leave Lambda and EventBridge Scheduler out.")
@_option("--memory", "MB", "Of the function (default 128).", default=128, type=_FROM_ONE)
@_option(
    "--overhead",
    "SECONDS",
    "That each invocation takes besides the work (default 0.5).",
    default="0.5",
    type=DURATION,
)
@_price_options
@click.argument("election", metavar="[ELECTION]", required=False)
@where_options
@json_option
def cost(
    *,
    as_json: bool,
    prices: Prices,
    schedule: str | None,
    time_zone: str,
    election: str | None,
    bucket: str | None,
    prefix: str,
    region: str | None,
    **given: Any,  # noqa: ANN401 - the options of the plan
) -> int:
    """Estimate the requests and dollars of a month, from the costs of each case.

    With ELECTION, schedules, contenders and Regions are those of its deployed job.
    """
    schedules = [] if schedule is None else [(schedule, time_zone)]
    if election is not None:
        if schedule is not None:
            raise click.UsageError("ELECTION was given with --schedule: give one of them")
        if bucket is None:
            raise click.UsageError("Missing option '--bucket' (env var: 'S3LEADER_BUCKET').")
        found = _deployed(ElectionPlace(
            election=election, bucket=bucket, prefix=prefix, region=region
        ))  # fmt: skip
        schedules = [*found.schedules]
        given["no_lambda"] |= not found.on_lambda
        for name in ("contenders", "regions"):
            given[name] = getattr(found, name) if given[name] is None else given[name]
    ticks = _ticks(schedules)
    shown = "; ".join(text if zone in _UTC else f"{text} {zone}" for text, zone in schedules)
    report = report_on(_plan(ticks, **given), prices, shown or None)
    if as_json:
        print_json(report.as_json())
    else:
        from .view import render  # noqa: PLC0415 - rich takes time to import

        print_out(render(report))
    return DONE


next(each for each in cost.params if each.name == "bucket").required = False


def _ticks(schedules: list[tuple[str, str]]) -> float | None:
    """Return the ticks of a month, None without a schedule."""
    if not schedules:
        return None
    from .schedule import ticks_a_month  # noqa: PLC0415 - dateutil takes time to import

    return ticks_a_month(schedules, datetime.now(UTC))


def _deployed(place: ElectionPlace) -> DeployedPlan:
    from s3leader_cli.aws.deployed_plan import deployed_plan  # noqa: PLC0415 - boto3

    return deployed_plan(place)


def _plan(
    ticks: float | None,
    *,
    contenders: int | None,
    regions: int | None,
    lease: timedelta | None,
    duration: timedelta,
    poll: timedelta | None,
    overhead: timedelta,
    no_lambda: bool,
    history: int,
    state: int,
    memory: int,
    **same: Any,  # noqa: ANN401 - numbers
) -> Plan:
    """Return the plan; raise `InvalidArgument` for a time that must not be zero."""
    if ticks is None and lease is None:
        lease = _LONG_RUNNING_LEASE
    for name, value in (("--lease", lease), ("--poll", poll)):
        if value is not None and not value:
            raise InvalidArgument(f"{name} is 0: give a number of seconds above 0")
    return Plan(
        ticks=ticks,
        contenders=2 if contenders is None else contenders,
        regions=1 if regions is None else regions,
        lease=None if lease is None else lease.total_seconds(),
        duration=duration.total_seconds(),
        poll=None if poll is None else poll.total_seconds(),
        overhead=overhead.total_seconds(),
        on_lambda=not no_lambda and ticks is not None,
        history_days=history,
        state_bytes=state,
        memory_mb=memory,
        **same,
    )
