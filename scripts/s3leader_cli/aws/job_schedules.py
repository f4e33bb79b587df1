"""The schedules of an election's deployed job, as EventBridge Scheduler has them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import click

from s3leader_cli.check.doctor.schedules import SchedulesFound, ScheduleState, Time
from s3leader_cli.options import ElectionPlace

from .deployed_job import DeployedJob, find_jobs
from .failures import RequestFailed
from .schedules import get_schedule, names_of

_NOT_KNOWN = "AWS does not know these credentials there, as if the Region were not enabled"
_UTC = frozenset({"", "UTC", "Etc/UTC", "Etc/UCT", "UCT", "Etc/Universal", "Zulu", "Etc/Zulu"})


def job_schedules(place: ElectionPlace) -> SchedulesFound:
    """Return the state of each schedule, in all Regions, and what could not be read."""
    try:
        found = find_jobs(place)
    except click.ClickException as error:  # there is no Region to begin with
        return SchedulesFound(unread={"all Regions": error.format_message()})
    missing = found.missing(())
    unread = dict(found.unsearched)
    unread |= {each: _NOT_KNOWN for each in found.not_enabled if each in missing}
    schedules: list[ScheduleState] = []
    declared: dict[str, frozenset[Time]] = defaultdict(frozenset)
    for job in found.jobs:
        declared[job.region] |= {(text, _zone(name)) for text, name in job.schedules}
        try:
            names = names_of(job)
        except RequestFailed as error:
            unread[job.region] = error.message
            continue
        for group, name in names:
            try:
                schedules.append(_state(job, name, get_schedule(job, group, name)))
            except RequestFailed as error:
                unread[job.region] = error.message
    return SchedulesFound(
        schedules=schedules,
        declared={region: times for region, times in declared.items() if times},
        unread=unread,
        absent=sorted(missing - unread.keys()),
        not_enabled=[each for each in found.not_enabled if each not in missing],
    )


def _zone(name: str | None) -> str:
    """Return the name of a time zone; UTC has several, and is meant where there is none."""
    return "UTC" if name is None or name in _UTC else name


def _state(job: DeployedJob, name: str, found: dict[str, Any]) -> ScheduleState:
    return ScheduleState(
        region=job.region,
        name=name,
        expression=found["ScheduleExpression"],
        zone=_zone(found.get("ScheduleExpressionTimezone")),
        enabled=found.get("State") != "DISABLED",
    )
