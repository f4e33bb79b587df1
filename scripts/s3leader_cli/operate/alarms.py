"""`s3leader alarms`: the alarms of a job that are on, and what explains each."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from s3leader_cli.exit_codes import DONE, NEEDS_YOU
from s3leader_cli.options import json_option
from s3leader_cli.report import utc
from s3leader_cli.streams import print_json, print_out, printable

from .options import Wanted, job_options, warn

if TYPE_CHECKING:
    from s3leader_cli.aws.alarms import Alarm

# The command that explains an alarm, by its name in MonitoringOptions.alarms.
_EXPLAINED_BY = {
    "not_completed": "status",
    "failed": "history",
    "leadership_lost": "logs",
    "too_many_continuations": "history",
    "continuation_not_started": "logs",
    "corrupt_lock": "status",
    "function_errors": "logs --all",
    "throttles": "redrive --dry-run",
    "undelivered": "redrive --dry-run",
    "unprocessed": "redrive --dry-run",
    "dead_letters": "redrive --dry-run",
}


@click.command(
    short_help="Show the job's alarms that are on, and what explains each.",
    help="Show the alarms of a job that are on, in all its Regions, since when and why, and the"
    " command that explains each.",
)
@job_options
@click.option("--all", "every", is_flag=True, help="Show also alarms that are off.")
@click.option(
    "--exit-code",
    is_flag=True,
    help="Exit with 1 if an alarm is on, or none is known in a Region, for monitors.",
)
@json_option
def alarms(*, wanted: Wanted, every: bool, exit_code: bool, as_json: bool) -> int:
    """Show the alarms, and return the exit code."""
    from s3leader_cli.aws.alarms import alarms_of  # noqa: PLC0415 - boto3
    from s3leader_cli.aws.failures import RequestFailed  # noqa: PLC0415 - boto3

    jobs = wanted.find()
    found: list[Alarm] = []
    complete = jobs.complete
    for job in jobs.found:
        if not job.alarms:
            warn(f"{job.source} in {job.region} names no alarm")
        try:
            of_job = alarms_of(job)
        except RequestFailed as error:
            warn(f"{job.region}: {error.message}")
            complete = False
            continue
        if exit_code and not of_job:
            complete = False  # a monitor must not be content because no alarm is known
        found += of_job
    on = [each for each in found if each.state == "ALARM"]
    gone = [each for each in found if each.state is None]
    shown = found if every else [*on, *gone]
    if as_json:
        listed = [_as_json(each, wanted.place.election) for each in shown]
        print_json({"election": wanted.place.election, "complete": complete, "alarms": listed})
    else:
        for each in shown:
            print_out(_line(each, wanted.place.election))
        if not on:
            those = "" if complete and not gone else " that could be read"
            print_out(f"No alarm is on, of {len(found) - len(gone)}{those}.\n")
    return DONE if complete and not gone and not (exit_code and on) else NEEDS_YOU


def explanation(alarm: Alarm, election: str) -> str:
    """Return the command that explains an alarm."""
    words, *options = _EXPLAINED_BY.get(alarm.kind.partition(":")[0], "status").split()
    return " ".join(["s3leader", words, election, *options])


def _as_json(alarm: Alarm, election: str) -> dict[str, Any]:
    facts = asdict(alarm) | {"since": utc(alarm.since)}
    return facts | {"explained_by": explanation(alarm, election)}


def _line(alarm: Alarm, election: str) -> str:
    if alarm.state is None:
        return f"{alarm.region} {alarm.kind}: {alarm.name} does not exist: deploy the stack again\n"
    since = "" if alarm.since is None else f" since {alarm.since:%Y-%m-%d %H:%M:%SZ}"
    text = f"{alarm.region} {alarm.kind}: {alarm.state}{since}: {alarm.reason}"
    command = f"  {explanation(alarm, election)}\n" if alarm.state == "ALARM" else ""
    return f"{printable(text)}\n{command}"
