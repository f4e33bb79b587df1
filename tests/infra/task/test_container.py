"""The container that campaigns is found and checked."""

from typing import Any

import pytest
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Annotations, Match

from s3leader_cdk._task.container import (
    check_command,
    checked_container,
    log_group_name,
    set_variables,
)
from tests.infra.synth import new_stack
from tests.infra.tasks import COMMAND, add_container, task_definition


def test_the_first_essential_container_campaigns() -> None:
    task = ecs.FargateTaskDefinition(new_stack(), "Task")
    add_container(task, "proxy", essential=False)
    add_container(task, "job")
    assert checked_container(task, None).container_name == "job"


def test_a_container_is_chosen_by_its_name() -> None:
    task = task_definition(new_stack(), containers=2)
    assert checked_container(task, "sidecar1").container_name == "sidecar1"


def test_a_task_definition_for_both_launch_types_can_be_used() -> None:
    both = ecs.TaskDefinition(
        new_stack(),
        "Task",
        compatibility=ecs.Compatibility.EC2_AND_FARGATE,
        cpu="256",
        memory_mib="512",
    )
    add_container(both)
    assert checked_container(both, None).container_name == "job"


def test_a_task_definition_for_ec2_only_is_refused() -> None:
    task = ecs.Ec2TaskDefinition(new_stack(), "Task")
    with pytest.raises(ValueError, match=r"Test/Task is not compatible with Fargate.*make a Farg"):
        checked_container(task, None)


def test_a_task_definition_without_a_container_is_refused() -> None:
    task = ecs.FargateTaskDefinition(new_stack(), "Task")
    with pytest.raises(ValueError, match=r"Test/Task has no container: call add_container before"):
        checked_container(task, None)


def test_an_unknown_container_is_refused_with_those_that_exist() -> None:
    task = task_definition(new_stack(), containers=2)
    with pytest.raises(ValueError, match=r"^container 'web' .* which has 'job', 'sidecar1': give"):
        checked_container(task, "web")


@pytest.mark.parametrize(("name", "which"), [("job", "container 'job'"), (None, "each container")])
def test_a_container_that_is_not_essential_is_refused(name: str | None, which: str) -> None:
    task = task_definition(new_stack(), essential=False)
    with pytest.raises(ValueError, match=rf"^{which} of .* is not essential.*essential=True"):
        checked_container(task, name)


@pytest.mark.parametrize(
    "command",
    [
        ["s3leader", "run", "weekly", "--json", "--", "bill"],
        ["s3leader", "run", "nightly", "--", "bill"],
    ],
    ids=["another election", "no JSON"],
)
def test_a_wrong_call_of_the_command_is_refused(command: list[str]) -> None:
    container = add_container(ecs.FargateTaskDefinition(new_stack(), "Task"), command=command)
    with pytest.raises(ValueError, match=r"write s3leader run nightly --json -- and then"):
        check_command(container, "nightly")


@pytest.mark.parametrize(
    "given",
    [
        {"command": COMMAND},
        {"command": None},
        {"entry_point": ["/usr/bin/s3leader"], "command": COMMAND[1:]},
        {"entry_point": ["python", "-m", "s3leader_cli"], "command": COMMAND[1:]},
    ],
    ids=["command", "the image's", "entry point", "module"],
)
def test_a_right_call_of_the_command_is_accepted(given: dict[str, Any]) -> None:
    stack = new_stack()
    check_command(add_container(ecs.FargateTaskDefinition(stack, "Task"), **given), "nightly")
    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())


def test_another_command_is_warned_of() -> None:
    stack = new_stack()
    container = add_container(ecs.FargateTaskDefinition(stack, "Task"), command=["./bill"])
    check_command(container, "nightly")
    said = Match.string_like_regexp("runs './bill'.*each contender does the work. Give command=")
    Annotations.from_stack(stack).has_warning("*", said)


def test_a_variable_that_is_set_here_is_refused_in_the_container() -> None:
    task = ecs.FargateTaskDefinition(new_stack(), "Task")
    container = add_container(task, environment={"S3LEADER_BUCKET": "mine"})
    with pytest.raises(ValueError, match=r"^environment variable 'S3LEADER_BUCKET' .* omit it"):
        set_variables(container, {})


def test_a_task_definition_is_the_candidate_of_one_election() -> None:
    container = add_container(ecs.FargateTaskDefinition(new_stack(), "Task"))
    set_variables(container, {"S3LEADER_ELECTION": "nightly"})
    with pytest.raises(ValueError, match=r"make one for each"):
        set_variables(container, {"S3LEADER_ELECTION": "weekly"})


def test_the_log_group_is_that_of_the_log_driver() -> None:
    stack = new_stack()
    group = logs.LogGroup(stack, "Group", log_group_name="jobs")
    driver = ecs.LogDrivers.aws_logs(stream_prefix="job", log_group=group)
    task = ecs.FargateTaskDefinition(stack, "Task")
    assert stack.resolve(log_group_name(add_container(task, logging=driver))) == {
        "Ref": stack.resolve(group.log_group_name)["Ref"]
    }


@pytest.mark.parametrize(
    ("driver", "what"),
    [(None, "no log driver"), (ecs.LogDrivers.firelens(), "the log driver 'awsfirelens'")],
    ids=["none", "firelens"],
)
def test_a_container_that_logs_elsewhere_is_refused(
    driver: ecs.LogDriver | None, what: str
) -> None:
    container = add_container(ecs.FargateTaskDefinition(new_stack(), "Task"), logging=driver)
    with pytest.raises(ValueError, match=rf"has {what}.*give logging=ecs\.LogDrivers\.aws_logs"):
        log_group_name(container)


def test_a_log_group_without_metrics_is_refused() -> None:
    stack = new_stack()
    rare = logs.LogGroup(stack, "Rare", log_group_class=logs.LogGroupClass.INFREQUENT_ACCESS)
    driver = ecs.LogDrivers.aws_logs(stream_prefix="job", log_group=rare)
    container = add_container(ecs.FargateTaskDefinition(stack, "Task"), logging=driver)
    with pytest.raises(ValueError, match=r"^container Test/Task/job logs to .*class STANDARD"):
        log_group_name(container)
