"""The events of tasks that did not start or did not end well, kept in a queue."""

from __future__ import annotations

import jsii
from aws_cdk import Annotations
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from aws_cdk.interfaces.aws_events import IRuleRef
from constructs import Construct

from s3leader_cdk.contender_targets import TaskTarget


class FailedTasks(Construct):
    """A rule that sends ECS's events of failed tasks to a queue.

    A task has failed if ECS stopped it for another reason than the end of an essential container,
    such as an image that cannot be pulled, or if the container that campaigns ended with another
    status than 0. A contender that loses ends with 0.

    Children: `rule`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the name that every construct uses
        *,
        target: TaskTarget,
        queue: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        failed = [
            {"stopCode": [{"anything-but": ["EssentialContainerExited"]}]},
            # EventBridge takes both from the same element of the list.
            {"containers": {"name": [target.container], "exitCode": [{"anything-but": [0]}]}},
        ]
        self.rule = events.Rule(
            self,
            "Rule",
            description="Tasks of a singleton task that failed",
            event_pattern=events.EventPattern(
                source=["aws.ecs"],
                detail_type=["ECS Task State Change"],
                detail={
                    "clusterArn": [target.cluster.cluster_arn],
                    # Not the task definition: its revision changes with each deployment, and tasks
                    # of the one before may still run.
                    "group": [target.group or f"family:{target.task_definition.family}"],
                    "lastStatus": ["STOPPED"],
                    "$or": failed,
                },
            ),
            targets=[_QueueTarget(queue)],
        )
        _grant_send(queue, self.rule)
        if queue.node.default_child is None:
            Annotations.of(self).add_warning_v2(
                "s3leader:failed-tasks",
                f"dead_letters {queue.node.path} is not made in this app, so its policy cannot be"
                " changed here: let events.amazonaws.com send to it (sqs:SendMessage), with"
                " aws:SourceArn of this rule; otherwise failed tasks are not seen",
            )


@jsii.implements(events.IRuleTarget)
class _QueueTarget:
    """A queue as a target; CDK's own may also read the queue's attributes."""

    def __init__(self, queue: sqs.IQueue) -> None:
        self._queue = queue

    def bind(
        self,
        rule: IRuleRef,
        id: str | None = None,  # noqa: A002 - jsii's shape
    ) -> events.RuleTargetConfig:
        """Name the queue."""
        return events.RuleTargetConfig(arn=self._queue.queue_arn)


def _grant_send(queue: sqs.IQueue, rule: events.Rule) -> None:
    service = iam.ServicePrincipal("events.amazonaws.com")
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[service],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"ArnEquals": {"aws:SourceArn": rule.rule_arn}},
        )
    )
    if queue.encryption_master_key is not None:
        queue.encryption_master_key.grant(service, "kms:Decrypt", "kms:GenerateDataKey")
