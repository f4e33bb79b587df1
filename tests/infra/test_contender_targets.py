"""Schedules start a function or a task; a job that names a function is as it was."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_scheduler as scheduler

from s3leader_cdk import Contenders, FunctionTarget, TaskTarget
from tests.infra.jobs import existing_function
from tests.infra.synth import Synthesized, new_stack, plain, synthesize
from tests.infra.tasks import task_definition, vpc


def contenders(stack: cdk.Stack, **given: Any) -> Contenders:
    expression = scheduler.ScheduleExpression.expression("cron(0 3 * * ? *)")
    hour = cdk.Duration.hours(1)
    return Contenders(
        stack, "Contenders", expressions=[expression], count=2, max_tick_age=hour, **given
    )


def task_target(stack: cdk.Stack) -> TaskTarget:
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc(stack))
    return TaskTarget(task_definition=task_definition(stack), cluster=cluster, container="job")


def of_function(stack: cdk.Stack) -> None:
    contenders(stack, function=existing_function(stack))


def of_function_target(stack: cdk.Stack) -> None:
    contenders(stack, target=FunctionTarget(existing_function(stack)))


def of_task(stack: cdk.Stack) -> None:
    contenders(stack, target=task_target(stack))


def test_a_function_is_short_for_a_target() -> None:
    assert synthesize(of_function).json == synthesize(of_function_target).json


def test_contenders_can_start_tasks_on_their_own() -> None:
    found: Synthesized = synthesize(of_task)
    targets = [plain(each["Target"]) for each in found.properties("AWS::Scheduler::Schedule")]
    (cluster,) = found.ids("AWS::ECS::Cluster")
    (task,) = found.ids("AWS::ECS::TaskDefinition")
    assert {each["Arn"] for each in targets} == {f"<{cluster}.Arn>"}
    assert {each["EcsParameters"]["TaskDefinitionArn"] for each in targets} == {f"<{task}>"}


@pytest.mark.parametrize("both", [True, False], ids=["both", "neither"])
def test_one_of_function_and_target_is_given(*, both: bool) -> None:
    stack = new_stack()
    function = existing_function(stack)
    given = {"function": function, "target": FunctionTarget(function)} if both else {}
    with pytest.raises(ValueError, match=f"got {'both' if both else 'neither'}: give function=…"):
        contenders(stack, **given)
