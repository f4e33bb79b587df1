"""What a schedule starts as a contender: a Lambda function, or a task of ECS on Fargate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs

from s3leader_cdk._cdk_facts import arn_of_function


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How a schedule starts its target: the same for all contenders of a job.

    Attributes:
        role: what EventBridge Scheduler acts as. Its policy is complete: do not add to it.
        dead_letter_queue: takes the events that did not start the target.
        max_event_age: how long a start is tried.
        retry_attempts: how often, within that time.
    """

    role: iam.IRole
    dead_letter_queue: sqs.IQueue
    max_event_age: Duration
    retry_attempts: int


class ContenderTarget(Protocol):
    """What `Contenders` can start."""

    def statements(self) -> Sequence[iam.PolicyStatement]:
        """Return what the schedules' role needs to start the target, and no more."""

    def schedule_target(self, contender: int, delivery: Delivery) -> scheduler.IScheduleTarget:
        """Return the target of the schedule of one contender."""


@dataclass(frozen=True)
class FunctionTarget:
    """A Lambda function; its event is `{"tick": …, "contender": k}`."""

    function: lambda_.IFunction

    def statements(self) -> Sequence[iam.PolicyStatement]:
        """Allow to invoke the function, and not its other versions and aliases."""
        return [
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[arn_of_function(self.function)]
            )
        ]

    def schedule_target(self, contender: int, delivery: Delivery) -> scheduler.IScheduleTarget:
        """Return an asynchronous invocation."""
        return targets.LambdaInvoke(
            self.function,
            role=delivery.role,
            dead_letter_queue=delivery.dead_letter_queue,
            input=_event(contender),
            max_event_age=delivery.max_event_age,
            retry_attempts=delivery.retry_attempts,
        )


@cache
def _event(contender: int) -> scheduler.ScheduleTargetInput:
    return scheduler.ScheduleTargetInput.from_object(
        {"tick": scheduler.ContextAttribute.scheduled_time, "contender": contender}
    )


@dataclass(frozen=True, kw_only=True)
class TaskTarget:
    """A task on Fargate, with `S3LEADER_TICK` and `S3LEADER_CONTENDER` in its environment.

    Attributes:
        task_definition: what to run.
        cluster: where.
        container: the name of the container that campaigns.
        group: the task group of these tasks, which their events name. Default:
            that of the task definition's family.
        vpc_subnets: of the cluster's VPC. Default: its private subnets with a way out.
        security_groups: of the tasks. Default: the VPC's own.
        assign_public_ip: whether a task has a public address, in public subnets only. Default: in
            public subnets.
    """

    task_definition: ecs.TaskDefinition
    cluster: ecs.ICluster
    container: str
    group: str | None = None
    vpc_subnets: ec2.SubnetSelection | None = None
    security_groups: Sequence[ec2.ISecurityGroup] = ()
    assign_public_ip: bool | None = None

    def statements(self) -> Sequence[iam.PolicyStatement]:
        """Allow to run this task in this cluster, and to pass its two roles to ECS.

        CDK's own grant would allow it in every cluster.
        """
        task = self.task_definition
        roles = [task.task_role.role_arn, task.obtain_execution_role().role_arn]
        return [
            iam.PolicyStatement(
                actions=["ecs:RunTask"],
                resources=[task.task_definition_arn],
                conditions={"ArnEquals": {"ecs:cluster": self.cluster.cluster_arn}},
            ),
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=roles,
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            ),
        ]

    def schedule_target(self, contender: int, delivery: Delivery) -> scheduler.IScheduleTarget:
        """Return a start of the task.

        For ECS, the input of a schedule is the `overrides` of RunTask. It is JSON, in which
        Scheduler replaces its context attributes as in any other input.
        """
        variables = {
            "S3LEADER_TICK": scheduler.ContextAttribute.scheduled_time,
            "S3LEADER_CONTENDER": str(contender),
        }
        environment = [{"name": name, "value": value} for name, value in variables.items()]
        overrides = {"containerOverrides": [{"name": self.container, "environment": environment}]}
        return targets.EcsRunFargateTask(
            self.cluster,
            task_definition=self.task_definition,
            role=delivery.role,
            dead_letter_queue=delivery.dead_letter_queue,
            input=scheduler.ScheduleTargetInput.from_object(overrides),
            max_event_age=delivery.max_event_age,
            retry_attempts=delivery.retry_attempts,
            group=self.group,
            vpc_subnets=self.vpc_subnets,
            security_groups=[*self.security_groups],
            assign_public_ip=self.assign_public_ip,
        )
