"""The schedules of an election's deployed job, as EventBridge Scheduler has them."""

from __future__ import annotations

from typing import Any

import click

from s3leader_cli.check.doctor.findings import Reading
from s3leader_cli.check.doctor.schedules import ScheduleState
from s3leader_cli.options import ElectionPlace

from .deployed_job import find_jobs
from .schedules import get_schedule, names_of


def job_schedules(place: ElectionPlace) -> list[ScheduleState] | Reading:
    """Return the state of each schedule, in all Regions, or why it cannot be read."""
    try:
        found = find_jobs(place)
        if not found.jobs and found.unsearched:
            region, why = next(iter(found.unsearched.items()))
            return Reading(failed=f"no job was found, and {region} could not be searched: {why}")
        return [
            _state(job.region, name, get_schedule(job, group, name))
            for job in found.jobs
            for group, name in names_of(job)
        ]
    except click.ClickException as error:
        return Reading(failed=error.format_message())


def _state(region: str, name: str, found: dict[str, Any]) -> ScheduleState:
    return ScheduleState(
        region=region,
        name=name,
        expression=found["ScheduleExpression"],
        zone=found.get("ScheduleExpressionTimezone") or "UTC",
        enabled=found.get("State") != "DISABLED",
    )
