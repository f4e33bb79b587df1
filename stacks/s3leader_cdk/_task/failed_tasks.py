"""The events of tasks that did not start or did not end well, kept in a queue."""

from __future__ import annotations

from aws_cdk import Annotations
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
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
            targets=[targets.SqsQueue(queue)],
        )
        if queue.node.default_child is None:
            Annotations.of(self).add_warning_v2(
                "s3leader:failed-tasks",
                f"dead_letters {queue.node.path} is not made in this app, so its policy cannot be"
                " changed here: let events.amazonaws.com send to it (sqs:SendMessage), with"
                " aws:SourceArn of this rule; otherwise failed tasks are not seen",
            )
