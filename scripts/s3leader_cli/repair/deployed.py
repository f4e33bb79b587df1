"""The deployed functions of an election, as the options name them or AWS knows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from s3leader_cli.operate.options import Wanted, warn
from s3leader_cli.options import Command, ElectionPlace

if TYPE_CHECKING:
    from s3leader_cli.aws.deployed_job import DeployedJob


def functions_option(function: Command) -> Command:
    """Add --function."""
    return click.option(
        "--function",
        "functions",
        multiple=True,
        metavar="REGION/NAME",
        help="A function that contends. Repeatable (default: those of the deployed jobs).",
    )(function)


def function_names(place: ElectionPlace, named: Sequence[str]) -> list[tuple[str, str]]:
    """Return the Region and the name of each function; raise if some may not have been found."""
    if named:
        return [_split(each) for each in named]
    jobs = Wanted(place=place, regions=(), function=None).find()
    if not jobs.complete:
        raise click.ClickException(
            "not all Regions could be searched, see above: name all functions with --function"
        )
    return [_unqualified(job) for job in jobs.found if job.function is not None]


def log_groups(place: ElectionPlace, named: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the Region and the log group of each contender; warn if none is known."""
    from s3leader_cli.aws.environments import log_group  # noqa: PLC0415 - boto3 takes time

    if named:
        for region, name in map(_split, named):
            yield region, log_group(region, name)
        return
    try:
        jobs = Wanted(place=place, regions=(), function=None).find()
    except click.ClickException as error:
        warn(f"no logs are searched: {error.message}")
        return
    for job in jobs.found:
        group = job.log_group or (job.function and log_group(job.region, job.function))
        if group:
            yield job.region, group


def _split(given: str) -> tuple[str, str]:
    region, _, name = given.partition("/")
    if not region or not name:
        raise click.UsageError(f"expected --function REGION/NAME, got {given!r}")
    return region, name


def _unqualified(job: DeployedJob) -> tuple[str, str]:
    _, _, _, _, _, _, name, *qualifier = str(job.function).split(":")
    if qualifier not in ([], ["$LATEST"]):
        raise click.ClickException(
            f"the schedules start {qualifier[0]!r} of function {name!r}, whose environments only a"
            " deployment of a new version replaces: deploy one, or leave the job paused for an hour"
        )
    return job.region, name
