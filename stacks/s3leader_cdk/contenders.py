"""The schedules that start the contenders of each tick."""

from __future__ import annotations

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from constructs import Construct

from s3leader_cdk.dead_letters import dead_letter_queue
from s3leader_cdk.schedule import schedule_expression

_MAX_CONTENDERS = 10
_DELIVERY_RETRIES = 20  # EventBridge Scheduler backs off; the event's age ends it sooner


class Contenders(Construct):
    """One schedule for each contender, all due at the same ticks, in a group of their own.

    A schedule each, and not one schedule that is heard twice: whatever delays or loses one
    delivery leaves the others alone.

    Children: `schedules`, `group`, `role`, `undelivered` (the queue of events that never arrived).

    Args:
        scope: the parent.
        id: the construct's id within it.
        function: what each schedule invokes, with `{"tick": …, "contender": k}`.
        expression: when; a rate becomes a cron, as in `SingletonJob`.
        count: how many, from 1 to 10.
        max_event_age: how long delivery is tried.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - what every construct calls it
        *,
        function: lambda_.IFunction,
        expression: scheduler.ScheduleExpression,
        count: int,
        max_event_age: Duration,
    ) -> None:
        super().__init__(scope, id)
        if not 1 <= count <= _MAX_CONTENDERS:
            raise ValueError(f"contenders {count} cannot be used: give 1 to {_MAX_CONTENDERS}")
        shared = schedule_expression(expression, time_zone=None)
        self.undelivered = dead_letter_queue(self, "Undelivered")
        self.group = scheduler.ScheduleGroup(self, "Group", removal_policy=RemovalPolicy.DESTROY)
        self.role = self._create_role(function)
        self.schedules = [
            self._create_schedule(contender, function, shared, max_event_age)
            for contender in range(1, count + 1)
        ]

    def _create_role(self, function: lambda_.IFunction) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            description="Starts the contenders of a singleton job",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                # Or any schedule, of whatever account, could have EventBridge act in this role.
                conditions={
                    "StringEquals": {
                        "aws:SourceAccount": Aws.ACCOUNT_ID,
                        "aws:SourceArn": self.group.schedule_group_arn,
                    }
                },
            ),
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[function.function_arn]
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.undelivered.queue_arn])
        )
        return role

    def _create_schedule(
        self,
        contender: int,
        function: lambda_.IFunction,
        expression: scheduler.ScheduleExpression,
        max_event_age: Duration,
    ) -> scheduler.Schedule:
        target = targets.LambdaInvoke(
            function,
            # The target would grant itself more than it needs: every version and alias.
            role=self.role.without_policy_updates(),
            dead_letter_queue=self.undelivered,
            input=scheduler.ScheduleTargetInput.from_object(
                {"tick": scheduler.ContextAttribute.scheduled_time, "contender": contender}
            ),
            max_event_age=max_event_age,
            retry_attempts=_DELIVERY_RETRIES,
        )
        schedule = scheduler.Schedule(
            self,
            f"Schedule{contender}",
            schedule=expression,
            schedule_group=self.group,
            target=target,
        )
        # The group is named, not referred to, so CloudFormation has to be told to wait for it.
        schedule.node.add_dependency(self.group, self.role)
        return schedule
