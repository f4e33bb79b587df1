"""A task of ECS is started as its schedule would start it."""

import json
from dataclasses import replace
from typing import Any

import click
import pytest
from botocore.stub import ANY

from s3leader_cli.aws import tasks
from s3leader_cli.aws.failures import RequestFailed
from s3leader_cli.aws.tasks import Stopped, TaskState, run_task_parameters, start_task
from s3leader_cli.operate.outcomes import Outcome
from tests.s3leader_cli.command_line import TICK, Cli
from tests.s3leader_cli.operate.stubs import (
    CLUSTER,
    DEFINITION,
    TASK,
    TASK_JOB,
    replace_client,
    stubbed,
)
from tests.s3leader_cli.operate.test_trigger import run

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
    token = {"clientToken": ANY}
    stubber.add_response("run_task", {"tasks": [{"taskArn": TASK}]}, {**wanted, **token})
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


def test_task_whose_answer_is_lost_may_have_been_started(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecs, stubber = stubbed("ecs")
    replace_client(monkeypatch, "tasks", ecs=ecs)
    monkeypatch.setattr(tasks, "names_of", lambda _: [("group", "first")])
    monkeypatch.setattr(tasks, "get_schedule", lambda *_: {"Target": TARGET})
    stubber.add_client_error("run_task", "ServerException", http_status_code=500)
    outcome = run(cli, tick=TICK).perform(TASK_JOB)
    assert (outcome.word, "may have been started" in outcome.text) == ("unknown", True)


RUNNING = TaskState(status="RUNNING")
MISSING = TaskState(status="not known to ECS", known=False)


@pytest.mark.parametrize(
    ("described", "known", "result"),
    [
        ([{"lastStatus": "RUNNING"}], True, RUNNING),
        ([], False, MISSING),
        (
            [],
            True,
            replace(MISSING, stopped=Stopped(code=None, reason="ECS does not know it any more")),
        ),
        (
            [
                {
                    "lastStatus": "STOPPED",
                    "stoppedReason": "Essential container exited",
                    "containers": [{"name": "log", "exitCode": 0}, {"name": "job", "exitCode": 3}],
                }
            ],
            True,
            TaskState(
                status="STOPPED", stopped=Stopped(code=3, reason="Essential container exited")
            ),
        ),
    ],
)
def test_end_of_a_task_is_that_of_the_container_that_campaigns(
    monkeypatch: pytest.MonkeyPatch, described: list[Any], known: object, result: TaskState
) -> None:
    ecs, stubber = stubbed("ecs")
    replace_client(monkeypatch, "tasks", ecs=ecs)
    asked = {"cluster": CLUSTER, "tasks": [TASK]}
    stubber.add_response("describe_tasks", {"tasks": described}, asked)
    assert tasks.state_of(TASK_JOB, TASK, known=bool(known)) == result


def followed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, *states: TaskState, leads: object = False
) -> Outcome:
    """Return what becomes of a task with these states, of which the last one stays."""
    left = [*states]
    seen: list[TaskState] = []

    def state_of(*_: object, known: bool) -> TaskState:
        assert known is any(each.known for each in seen)
        if leads and len(seen) == 1:
            cli.lead().resign()
        seen.append(left.pop(0) if len(left) > 1 else left[0])
        return seen[-1]

    monkeypatch.setattr(tasks, "start_task", lambda *_: TASK)
    monkeypatch.setattr(tasks, "state_of", state_of)
    return run(cli, tick=TICK).perform(TASK_JOB)


ENDED = TaskState(status="STOPPED", stopped=Stopped(code=1, reason="no image"))


def test_task_is_followed_in_the_ledger(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert followed(cli, monkeypatch, MISSING, RUNNING, ENDED, leads=True).word == "completed"


def test_task_that_ends_without_a_term_says_how(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = followed(cli, monkeypatch, ENDED)
    assert (outcome.code, outcome.text.endswith("with exit code 1: no image")) == (1, True)


def test_task_whose_tick_a_later_one_has_overtaken_is_not_said_to_be_done(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object, **__: object) -> TaskState:
        with cli.election("another").campaign("2026-11-23T07:00:00Z") as term:  # type: ignore[union-attr]
            assert term
        return ENDED

    monkeypatch.setattr(tasks, "start_task", lambda *_: TASK)
    monkeypatch.setattr(tasks, "state_of", end)
    outcome = run(cli, tick=TICK).perform(TASK_JOB)
    assert (outcome.code, outcome.word) == (1, "overtaken")
    assert "`s3leader trigger nightly`" in outcome.text  # tasks know no --repeat


@pytest.mark.parametrize("state", [MISSING, TaskState(status="PENDING")])
def test_task_that_does_not_start_is_waited_for_ten_minutes(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, state: TaskState
) -> None:
    before = cli.clock.read_ms()
    outcome = followed(cli, monkeypatch, state)
    waited = (cli.clock.read_ms() - before) / 60_000
    assert (outcome.code, outcome.word, 10 <= waited < 11) == (1, "not started", True)


def test_task_that_runs_is_followed_without_a_limit(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = [RUNNING] * 3000  # looks, one each two seconds
    outcome = followed(cli, monkeypatch, *hours, ENDED)
    assert outcome.word == "not elected"


def test_task_that_is_not_followed_any_more_goes_on(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> TaskState:
        raise RequestFailed("denied")

    monkeypatch.setattr(tasks, "start_task", lambda *_: TASK)
    monkeypatch.setattr(tasks, "state_of", denied)
    with pytest.raises(RequestFailed):
        run(cli, tick=TICK).perform(TASK_JOB)
    assert f"task {TASK} goes on" in cli.capsys.readouterr().err
