"""A task of ECS is started as its schedule would start it."""

import json
from typing import Any

import click
import pytest

from s3leader_cli.aws import tasks
from s3leader_cli.aws.failures import RequestFailed
from s3leader_cli.aws.tasks import Stopped, run_task_parameters, start_task
from tests.fast.s3leader_cli.operate.stubs import (
    CLUSTER,
    DEFINITION,
    TASK,
    TASK_JOB,
    replace_client,
    stubbed,
)

TICK = "2026-11-23T06:00:00Z"
TARGET: dict[str, Any] = {
    "Arn": CLUSTER,
    "RoleArn": "arn:aws:iam::123456789012:role/schedules",
    "EcsParameters": {
        "TaskDefinitionArn": DEFINITION,
        "TaskCount": 1,
        "LaunchType": "FARGATE",
        "Group": "nightly",
        "EnableECSManagedTags": True,
        "Tags": [{"team": "billing"}],
        "NetworkConfiguration": {
            "awsvpcConfiguration": {"Subnets": ["subnet-1"], "AssignPublicIp": "DISABLED"}
        },
    },
    "Input": json.dumps(
        {
            "containerOverrides": [
                {
                    "name": "job",
                    "environment": [
                        {"name": "S3LEADER_TICK", "value": "<aws.scheduler.scheduled-time>"},
                        {"name": "S3LEADER_CONTENDER", "value": "1"},
                        {"name": "RUN", "value": "<aws.scheduler.execution-id>"},
                    ],
                }
            ]
        }
    ),
}
RUN = {"name": "RUN", "value": "s3leader-trigger"}


def expected(*environment: dict[str, str]) -> dict[str, Any]:
    return {
        "cluster": CLUSTER,
        "taskDefinition": DEFINITION,
        "count": 1,
        "launchType": "FARGATE",
        "group": "nightly",
        "enableECSManagedTags": True,
        "tags": [{"key": "team", "value": "billing"}],
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "DISABLED"}
        },
        "startedBy": "s3leader trigger",
        "overrides": {"containerOverrides": [{"name": "job", "environment": [*environment]}]},
    }


@pytest.mark.parametrize("tick", [TICK, None])
def test_target_of_a_schedule_becomes_a_call_of_run_task(tick: str | None) -> None:
    ticks = [] if tick is None else [{"name": "S3LEADER_TICK", "value": tick}]
    assert run_task_parameters(TARGET, tick) == expected(*ticks, RUN)


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "names_of", lambda _: [("group", "first")])
    monkeypatch.setattr(tasks, "get_schedule", lambda *_: {"Target": TARGET})


@pytest.mark.usefixtures("target")
def test_task_is_started_by_what_its_schedule_says(monkeypatch: pytest.MonkeyPatch) -> None:
    ecs, stubber = stubbed("ecs")
    replace_client(monkeypatch, "tasks", ecs=ecs)
    wanted = expected({"name": "S3LEADER_TICK", "value": TICK}, RUN)
    stubber.add_response("run_task", {"tasks": [{"taskArn": TASK}]}, wanted)
    assert start_task(TASK_JOB, TICK) == TASK


@pytest.mark.usefixtures("target")
def test_task_that_has_no_room_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ecs, stubber = stubbed("ecs")
    replace_client(monkeypatch, "tasks", ecs=ecs)
    stubber.add_response("run_task", {"tasks": [], "failures": [{"reason": "RESOURCE:ENI"}]})
    with pytest.raises(RequestFailed, match="RESOURCE:ENI"):
        start_task(TASK_JOB, TICK)


def test_job_without_a_schedule_does_not_say_how_its_task_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "names_of", lambda _: [])
    with pytest.raises(click.ClickException, match="has no schedule"):
        start_task(TASK_JOB, TICK)


@pytest.mark.parametrize(
    ("described", "result"),
    [
        ({"lastStatus": "RUNNING"}, None),
        (
            {
                "lastStatus": "STOPPED",
                "stoppedReason": "Essential container exited",
                "containers": [{"name": "log", "exitCode": 0}, {"name": "job", "exitCode": 3}],
            },
            Stopped(code=3, reason="Essential container exited"),
        ),
    ],
)
def test_end_of_a_task_is_that_of_the_container_that_campaigns(
    monkeypatch: pytest.MonkeyPatch, described: dict[str, Any], result: Stopped | None
) -> None:
    ecs, stubber = stubbed("ecs")
    replace_client(monkeypatch, "tasks", ecs=ecs)
    asked = {"cluster": CLUSTER, "tasks": [TASK]}
    stubber.add_response("describe_tasks", {"tasks": [described]}, asked)
    assert tasks.stopped(TASK_JOB, TASK) == result
