"""Starts a task of ECS as a schedule of a `SingletonTask` would."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from .clients import client
from .deployed_job import DeployedJob
from .failures import RequestFailed, explained
from .schedules import get_schedule, names_of

_ATTRIBUTE = re.compile(r"<aws\.scheduler\.[a-z-]+>")
_TICK, _CONTENDER = "S3LEADER_TICK", "S3LEADER_CONTENDER"


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """How a task ended: the exit code of the container that campaigns, and ECS's reason."""

    code: int | None
    reason: str


def start_task(job: DeployedJob, tick: str | None) -> str:
    """Run the job's task once, with what its first schedule says; return the task's ARN."""
    names = names_of(job)
    if not names:
        raise click.ClickException(
            f"the job in {job.region} has no schedule, which says how its task is run"
        )
    target = get_schedule(job, *names[0])["Target"]
    wanted = run_task_parameters(target, tick)
    with explained("ecs:RunTask", wanted["taskDefinition"]):
        made = client("ecs", job.region, retries={"total_max_attempts": 1}).run_task(**wanted)
    if made.get("failures"):
        why = ", ".join(str(each.get("reason")) for each in made["failures"])
        raise RequestFailed(f"ECS did not start task {wanted['taskDefinition']}: {why}")
    arn: str = made["tasks"][0]["taskArn"]
    return arn


def stopped(job: DeployedJob, task: str) -> Stopped | None:
    """Return how a task has ended, None while it runs."""
    assert job.task is not None  # noqa: S101 - the caller has started it
    with explained("ecs:DescribeTasks", task):
        found = client("ecs", job.region).describe_tasks(cluster=job.task.cluster, tasks=[task])
    (described,) = found["tasks"] or [{"lastStatus": "STOPPED", "stoppedReason": "ECS forgot it"}]
    if described.get("lastStatus") != "STOPPED":
        return None
    codes = [
        each.get("exitCode")
        for each in described.get("containers", [])
        if each.get("name") == job.task.container
    ]
    return Stopped(
        code=codes[0] if codes else None, reason=str(described.get("stoppedReason", "no reason"))
    )


def run_task_parameters(target: Mapping[str, Any], tick: str | None) -> dict[str, Any]:
    """Return the parameters of RunTask for a schedule's target, as Scheduler translates them."""
    given = dict(target["EcsParameters"])
    given.pop("TaskCount", None)
    definition, tags = given.pop("TaskDefinitionArn"), given.pop("Tags", None)
    parameters = {
        **_lowered(given),
        "cluster": target["Arn"],
        "taskDefinition": definition,
        "count": 1,
        "startedBy": "s3leader trigger",
        "overrides": _overrides(target.get("Input", "{}"), tick),
    }
    if tags:
        parameters["tags"] = [{"key": k, "value": v} for each in tags for k, v in each.items()]
    return parameters


def _overrides(text: str, tick: str | None) -> dict[str, Any]:
    """Return a schedule's overrides for a tick; without one, the container gets none."""
    overrides: dict[str, Any] = json.loads(text)
    for container in overrides.get("containerOverrides", []):
        kept = []
        for each in container.get("environment", []):
            if each["name"] == _TICK and tick is not None:
                kept.append({**each, "value": tick})
            elif each["name"] not in {_TICK, _CONTENDER}:
                kept.append({**each, "value": _ATTRIBUTE.sub("s3leader-trigger", each["value"])})
        container["environment"] = kept
    return overrides


def _lowered(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the same with ECS's names, which begin with a small letter."""
    if isinstance(value, Mapping):
        return {f"{key[0].lower()}{key[1:]}": _lowered(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_lowered(each) for each in value]
    return value
