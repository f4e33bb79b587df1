"""Starts a task of ECS as a schedule of a `SingletonTask` would."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from .clients import client
from .deployed_job import DeployedJob
from .failures import RequestFailed, explained
from .schedules import get_schedule, names_of

_ATTRIBUTE = re.compile(r"<aws\.scheduler\.[a-z-]+>")
_STARTING = frozenset({"PROVISIONING", "PENDING", "ACTIVATING"})
_TICK, _CONTENDER = "S3LEADER_TICK", "S3LEADER_CONTENDER"


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """How a task ended: the exit code of the container that campaigns, and ECS's reason."""

    code: int | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class TaskState:
    """The status that ECS gives a task, whether it knows the task, and how the task has ended."""

    status: str
    known: bool = True
    stopped: Stopped | None = None

    @property
    def started(self) -> bool:
        """Whether its containers have been started."""
        return self.known and self.status not in _STARTING


def start_task(job: DeployedJob, tick: str | None) -> str:
    """Run the job's task once, with what its first schedule says; return the task's ARN.

    Raises `OutcomeUnknown` if ECS may have started it.
    """
    names = names_of(job)
    if not names:
        raise click.ClickException(
            f"the job in {job.region} has no schedule, which says how its task is run"
        )
    target = get_schedule(job, *names[0])["Target"]
    wanted = run_task_parameters(target, tick)
    # By the token ECS knows the request when boto3 sends it again.
    with explained("ecs:RunTask", wanted["taskDefinition"]):
        made = client("ecs", job.region).run_task(**wanted, clientToken=uuid.uuid4().hex)
    if made.get("failures"):
        why = ", ".join(str(each.get("reason")) for each in made["failures"])
        raise RequestFailed(f"ECS did not start task {wanted['taskDefinition']}: {why}")
    arn: str = made["tasks"][0]["taskArn"]
    return arn


def state_of(job: DeployedJob, task: str, *, known: bool) -> TaskState:
    """Return the state of a task. One that was `known` and is not any more has ended.

    ECS shows a task only some time after it was started, and forgets it an hour after its end.
    """
    assert job.task is not None  # noqa: S101 - the caller has started it
    with explained("ecs:DescribeTasks", task):
        found = client("ecs", job.region).describe_tasks(cluster=job.task.cluster, tasks=[task])
    if not found["tasks"]:
        ended = Stopped(code=None, reason="ECS does not know it any more") if known else None
        return TaskState(status="not known to ECS", known=False, stopped=ended)
    (described,) = found["tasks"]
    status = str(described.get("lastStatus"))
    if status != "STOPPED":
        return TaskState(status=status)
    codes = [
        each.get("exitCode")
        for each in described.get("containers", [])
        if each.get("name") == job.task.container
    ]
    reason = str(described.get("stoppedReason", "no reason"))
    ended = Stopped(code=codes[0] if codes else None, reason=reason)
    return TaskState(status=status, stopped=ended)


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
