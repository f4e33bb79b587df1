"""What a deployed job is started by: the schedules, contenders and Regions of its record."""

from __future__ import annotations

import click

from s3leader_cli.check.cost.deployed import DeployedPlan
from s3leader_cli.options import ElectionPlace

from .deployed_job import find_jobs
from .schedules import names_of


def deployed_plan(place: ElectionPlace) -> DeployedPlan:
    """Return what starts the job of an election; fail if none is found."""
    found = find_jobs(place)
    scheduled = [job for job in found.jobs if job.schedules]
    if not scheduled:
        missing = "".join(f"; {region}: {why}" for region, why in found.unsearched.items())
        raise click.ClickException(
            f"no deployed job of {place.election} with a schedule was found{missing}: give"
            " --schedule without ELECTION"
        )
    first = scheduled[0]
    return DeployedPlan(
        schedules=first.schedules,
        contenders=max(1, len(names_of(first)) // len(first.schedules)),
        regions=len(scheduled),
        on_lambda=first.function is not None,
    )
