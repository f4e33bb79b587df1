"""A scheduled task on Fargate that many contenders start for and one of them works in."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, Names
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from s3leader_cdk._cdk_facts import path_of, region_of, stack_of
from s3leader_cdk._election.election_registry import register_job
from s3leader_cdk._election.job import ElectionJob
from s3leader_cdk._election.names import checked_election
from s3leader_cdk._option_types import checked_options, instance
from s3leader_cdk._schedule.expressions import (
    Schedule,
    named_expressions,
    schedule_expressions,
    shortest_interval,
)
from s3leader_cdk._schedule.ledger_length import ledger_variables
from s3leader_cdk._task.container import (
    check_command,
    checked_container,
    log_group_name,
    set_variables,
)
from s3leader_cdk._task.failed_tasks import FailedTasks
from s3leader_cdk._task.options import check_options, scheduler_age
from s3leader_cdk.contender_targets import TaskTarget
from s3leader_cdk.contenders import Contenders
from s3leader_cdk.dead_letters import dead_letter_queue
from s3leader_cdk.job_options import FailureOptions, TakeoverOptions, TriggerOptions
from s3leader_cdk.lock_bucket import LockBucket
from s3leader_cdk.log_metrics import LogMetrics
from s3leader_cdk.monitoring import check_regions
from s3leader_cdk.monitoring_options import MonitoringOptions

_START = Duration.minutes(5)  # a task may take so long to start, which delays its first completion
_GROUP_LENGTH = 255


class SingletonTask(ElectionJob):
    """A task with its schedules, dead-letter queues and monitoring, and its election.

    Not guaranteed: that a failed task runs again. ECS does not retry; with `wait`, another
    contender of the same tick takes over.

    The container runs `s3leader run ELECTION -- COMMAND`, by its command or by its image's. It gets
    the election in its environment, and from the schedule the tick and its number.

    Children: `unprocessed` (the queue of tasks that failed), `failed_tasks` (the rule that fills
    it), `contenders` (the schedules and their queue), `log_metrics`, `monitoring` (alarms and
    dashboard), `record` (by which the command `s3leader` finds the job; None if it is switched
    off).

    Args:
        election: the name of the election that the contenders campaign in; no other job's.
        schedule: when, as for `SingletonJob`.
        lock_bucket: where the election is held.
        task_definition: a Fargate task definition of this stack. Its role is made a candidate.
        cluster: where the tasks run.
        container: the name of the container that campaigns. Default: the first essential one.
        trigger: contenders, time zone, window and maximum age. Default: `TriggerOptions()`.
        takeover: lease, wait and attempts. The lease is always renewed. Default:
            `TakeoverOptions()`.
        failures: dead letters. Default: `FailureOptions()`.
        monitoring: alarms and dashboard. Default: `MonitoringOptions()`.
        vpc_subnets: of the cluster's VPC. Default: its private subnets with a way out.
        security_groups: of the tasks. Default: the VPC's own.
        assign_public_ip: whether a task has a public address. Default: in public subnets.
        regions: all Regions with a job that contends in this election, as for `SingletonJob`.
        record: whether to make a `JobRecord`. Default: True.
    """

    unprocessed: sqs.IQueue

    @checked_options(
        task_definition=instance(
            "a FargateTaskDefinition made in this app, since the container and the role of an"
            " imported one cannot be changed",
            ecs.TaskDefinition,
        ),
        lock_bucket=instance("a LockBucket, such as LockBucket(stack, 'Locks')", LockBucket),
        trigger=instance("TriggerOptions(…)", TriggerOptions),
        takeover=instance("TakeoverOptions(…)", TakeoverOptions),
        failures=instance("FailureOptions(…)", FailureOptions),
        monitoring=instance("MonitoringOptions(…)", MonitoringOptions),
    )
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the name that every construct uses
        *,
        election: str,
        schedule: Schedule | Sequence[Schedule],
        lock_bucket: LockBucket,
        task_definition: ecs.TaskDefinition,
        cluster: ecs.ICluster,
        container: str | None = None,
        trigger: TriggerOptions | None = None,
        takeover: TakeoverOptions | None = None,
        failures: FailureOptions | None = None,
        monitoring: MonitoringOptions | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
        assign_public_ip: bool | None = None,
        regions: Sequence[str] = (),
        record: bool = True,
    ) -> None:
        super().__init__(scope, id)
        trigger, takeover = trigger or TriggerOptions(), takeover or TakeoverOptions()
        failures, monitoring = failures or FailureOptions(), monitoring or MonitoringOptions()
        check_options(trigger, takeover, failures)
        self.election = checked_election(election, prefix=lock_bucket.prefix)
        self.regions = check_regions(regions, here=region_of(self))
        self.task_definition, self.cluster = task_definition, cluster
        self.lock_bucket, self.container = lock_bucket, self._checked_container(container)
        expressions = schedule_expressions(schedule, time_zone=trigger.time_zone)
        interval = shortest_interval(expressions)
        trigger.check_interval(interval)
        monitoring.check_interval(interval)
        event_age = scheduler_age(trigger, takeover, history=lock_bucket.history)
        self._become_candidate(takeover, named_expressions(expressions))
        target = TaskTarget(
            task_definition=task_definition,
            cluster=cluster,
            container=self.container.container_name,
            group=Names.unique_resource_name(self, max_length=_GROUP_LENGTH),
            vpc_subnets=vpc_subnets,
            security_groups=security_groups,
            assign_public_ip=assign_public_ip,
        )
        self.unprocessed = failures.dead_letters or dead_letter_queue(self, "Unprocessed")
        self.contenders = Contenders(
            self,
            "Contenders",
            target=target,
            expressions=expressions,
            count=trigger.contenders,
            max_tick_age=event_age,
            flexible_window=trigger.flexible_window,
            dead_letters=failures.dead_letters,
            enabled=trigger.enabled,
        )
        self.failed_tasks = FailedTasks(self, "FailedTasks", target=target, queue=self.unprocessed)
        self._log_group = self._find_log_group()
        self.log_metrics = self._read_metrics()
        self.monitoring = self._make_monitoring(trigger, takeover, monitoring, interval, _START)
        self.record = self._make_record(takeover, event_age, self._log_group) if record else None

    @property
    def role(self) -> iam.IRole:
        """The task's role, for further rights of the command."""
        return self.task_definition.task_role

    def _checked_container(self, name: str | None) -> ecs.ContainerDefinition:
        task = self.task_definition
        if path_of(stack_of(task)) != path_of(stack_of(self)):
            raise ValueError(
                f"task definition {task.node.path} is in another stack than {self.node.path}, so"
                " each stack would wait for the other: make the SingletonTask in the task"
                " definition's stack"
            )
        container = checked_container(task, name)
        check_command(container, self.election)
        return container

    def _become_candidate(self, takeover: TakeoverOptions, schedules: list[list[str]]) -> None:
        locks, task = self.lock_bucket, self.task_definition
        folder = f"{locks.prefix}{self.election}"
        register_job(self, locks.bucket, folder, several_regions=len(self.regions) > 1)
        variables = locks.candidate_environment(task, election=self.election, lease=takeover.lease)
        variables |= takeover.variables() | ledger_variables(schedules, locks.history)
        set_variables(self.container, variables)
        locks.grant_candidate(task.task_role, election=self.election)

    def _find_log_group(self) -> logs.ILogGroup:
        name = log_group_name(self.container)
        return logs.LogGroup.from_log_group_name(self, "LogGroup", name)

    def _read_metrics(self) -> LogMetrics:
        return LogMetrics(
            self,
            "LogMetrics",
            log_group=self._log_group,
            election=self.election,
            bucket=self.lock_bucket.bucket_name,
        )
