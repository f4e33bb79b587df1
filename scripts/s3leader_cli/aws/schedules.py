"""The schedules of a job, and the EventBridge rules that start its function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .clients import arn, client
from .deployed_job import DeployedJob
from .failures import OutcomeUnknown, RequestFailed, explained

ON, OFF = "ENABLED", "DISABLED"
# What GetSchedule answers and UpdateSchedule does not take.
_READ_ONLY = ("Arn", "CreationDate", "LastModificationDate", "ResponseMetadata")


@dataclass(frozen=True, kw_only=True)
class Switched:
    """What became of one schedule or rule: `state` is None if that is not known."""

    region: str
    kind: str
    name: str
    state: str | None
    changed: bool = False
    problem: str | None = None


def names_of(job: DeployedJob) -> list[tuple[str, str]]:
    """Return the group and the name of each schedule of a job."""
    if job.group is None:
        return [*job.named]
    scheduler, group = client("scheduler", job.region), job.group
    with explained("scheduler:ListSchedules", "*"):
        pages = scheduler.get_paginator("list_schedules").paginate(GroupName=group)
        return [(group, each["Name"]) for page in pages for each in page["Schedules"]]


def get_schedule(job: DeployedJob, group: str, name: str) -> dict[str, Any]:
    """Return a schedule as UpdateSchedule takes it, with its target."""
    return _read(client("scheduler", job.region), job.region, group, name)


def expressions_of(job: DeployedJob) -> list[tuple[str, str]]:
    """Return the expression and the time zone of each schedule of a job, from Scheduler."""
    found = [get_schedule(job, group, name) for group, name in names_of(job)]
    return [
        (each["ScheduleExpression"], each.get("ScheduleExpressionTimezone", "UTC"))
        for each in found
    ]


def switch_schedules(job: DeployedJob, state: str) -> Iterator[Switched]:
    """Set the state of each schedule of a job, and change nothing else."""
    try:
        names = names_of(job)
    except RequestFailed as error:
        yield Switched(
            region=job.region, kind="schedules", name=job.group or "all", state=None,
            problem=error.message,
        )  # fmt: skip
        return
    scheduler = client("scheduler", job.region)
    for group, name in names:
        before = None
        changed, problem = False, None
        try:
            kept = _read(scheduler, job.region, group, name)
            before = kept["State"]
            if before != state:
                wanted = {**kept, "State": state}
                with explained("scheduler:UpdateSchedule", _arn(job.region, group, name)):
                    scheduler.update_schedule(**wanted)
                before, changed = state, True
                found = _read(scheduler, job.region, group, name)
                before = found["State"]
                problem = _difference(wanted, found)
        except OutcomeUnknown as error:
            before = state if changed else None  # the update may have been applied
            problem = error.message
        except RequestFailed as error:
            problem = error.message
        yield Switched(
            region=job.region, kind="schedule", name=f"{group}/{name}", state=before,
            changed=changed, problem=problem,
        )  # fmt: skip


def switch_rules(job: DeployedJob, state: str) -> Iterator[Switched]:
    """Set the state of each rule of the default event bus that starts the function alone."""
    if job.function is None:
        return
    events = client("events", job.region)
    try:
        with explained("events:ListRuleNamesByTarget", "*"):
            pages = events.get_paginator("list_rule_names_by_target")
            found = pages.paginate(TargetArn=job.function)
            names = [each for page in found for each in page["RuleNames"]]
    except RequestFailed as error:
        yield Switched(
            region=job.region, kind="rules", name="of the function", state=None,
            problem=error.message,
        )  # fmt: skip
        return
    for name in names:
        yield _switch_rule(events, job, name, state)


def _switch_rule(events: Any, job: DeployedJob, name: str, state: str) -> Switched:  # noqa: ANN401 - a client
    rule = arn("events", job.region, f"rule/{name}")
    before, changed, problem = None, False, None
    try:
        with explained("events:DescribeRule", rule):
            before = events.describe_rule(Name=name)["State"]
        with explained("events:ListTargetsByRule", rule):
            targets = events.list_targets_by_rule(Rule=name)["Targets"]
        others = [each["Arn"] for each in targets if each["Arn"] != job.function]
        if before != state and others:
            problem = f"it also starts {', '.join(others)}, so it is left as it is"
        elif before != state:
            operation = events.enable_rule if state == ON else events.disable_rule
            with explained(f"events:{'Enable' if state == ON else 'Disable'}Rule", rule):
                operation(Name=name)
            before, changed = state, True
    except OutcomeUnknown as error:  # the switch may have been applied
        before, problem = None, error.message
    except RequestFailed as error:
        problem = error.message
    return Switched(
        region=job.region, kind="rule", name=name, state=before, changed=changed, problem=problem
    )


def _read(scheduler: Any, region: str, group: str, name: str) -> dict[str, Any]:  # noqa: ANN401 - a client
    with explained("scheduler:GetSchedule", _arn(region, group, name)):
        found: dict[str, Any] = scheduler.get_schedule(GroupName=group, Name=name)
    return {key: value for key, value in found.items() if key not in _READ_ONLY}


def _difference(wanted: dict[str, Any], found: dict[str, Any]) -> str | None:
    """Return which fields are not as they were sent."""
    names = [key for key in {*wanted, *found} if wanted.get(key) != found.get(key)]
    if not names:
        return None
    return f"after the update {', '.join(sorted(names))} differ from what was sent: look at it"


def _arn(region: str, group: str, name: str) -> str:
    return arn("scheduler", region, f"schedule/{group}/{name}")
