"""Which events of ECS are kept as those of failed tasks."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations, Match

from s3leader_cdk import TaskTarget
from s3leader_cdk._task.failed_tasks import FailedTasks
from tests.infra.synth import Synthesized, new_stack, plain, synthesize
from tests.infra.tasks import task_definition, vpc


def target(stack: cdk.Stack, group: str | None = None) -> TaskTarget:
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc(stack))
    task = task_definition(stack)
    return TaskTarget(task_definition=task, cluster=cluster, container="job", group=group)


def fill(stack: cdk.Stack) -> None:
    FailedTasks(stack, "Failed", target=target(stack), queue=sqs.Queue(stack, "Queue"))


@pytest.fixture(scope="module")
def found() -> Synthesized:
    return synthesize(fill)


def test_tasks_without_a_group_of_their_own_are_known_by_their_family(found: Synthesized) -> None:
    family = found.one("AWS::ECS::TaskDefinition")["Family"]
    detail = plain(found.one("AWS::Events::Rule"))["EventPattern"]["detail"]
    assert detail["group"] == [f"family:{family}"]


def test_only_this_rule_may_send_to_the_queue(found: Synthesized) -> None:
    (statement,) = found.statements("AWS::SQS::QueuePolicy")
    (rule,) = found.ids("AWS::Events::Rule")
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": f"<{rule}.Arn>"}}


def test_the_key_of_the_queue_is_granted() -> None:
    def with_key(stack: cdk.Stack) -> None:
        queue = sqs.Queue(stack, "Queue", encryption_master_key=kms.Key(stack, "Key"))
        FailedTasks(stack, "Failed", target=target(stack), queue=queue)

    statements = synthesize(with_key).one("AWS::KMS::Key")["KeyPolicy"]["Statement"]
    assert {"Service": "events.amazonaws.com"} in [each["Principal"] for each in statements]


def test_a_queue_that_cannot_be_changed_is_warned_of() -> None:
    stack = new_stack()
    arn = "arn:aws:sqs:us-east-1:123456789012:theirs"
    FailedTasks(
        stack, "Failed", target=target(stack), queue=sqs.Queue.from_queue_arn(stack, "Their", arn)
    )
    said = Match.string_like_regexp("let events.amazonaws.com send to it")
    Annotations.from_stack(stack).has_warning("/Test/Failed", said)
