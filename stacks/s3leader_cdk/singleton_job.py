"""A scheduled Lambda function of which many start and one works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, Stack, TimeZone
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from s3leader_cdk import job_checks as check
from s3leader_cdk._election.candidate_environment import tell_limits
from s3leader_cdk._election.election_registry import claim_election
from s3leader_cdk._election.names import checked_election
from s3leader_cdk._handler.check import HandlerCheck, checked_mode
from s3leader_cdk._option_types import checked_options
from s3leader_cdk._schedule.expressions import Schedule, schedule_expressions, shortest_interval
from s3leader_cdk.alarm_topic import alarm_actions as actions_of
from s3leader_cdk.alarms import expected
from s3leader_cdk.contenders import Contenders
from s3leader_cdk.dead_letters import DeadLetters, dead_letter_queue
from s3leader_cdk.event_ages import EventAges, divided, warn_of_late_retries
from s3leader_cdk.job_function import FunctionProperties, check_existing, create_function
from s3leader_cdk.lock_bucket import LockBucket
from s3leader_cdk.metrics import election_metric
from s3leader_cdk.monitoring import Monitoring


class SingletonJob(Construct):
    """A function, its schedules and dead-letter queues, its monitoring and the right to campaign.

    Children: `function`, `role`, `log_group` (None for a function that existed before),
    `unprocessed` (the queue of events that the function gave up on), `contenders` (the schedules
    and theirs), `monitoring` (alarms and dashboard).

    Args:
        scope: the parent.
        id: the construct's id within it.
        election: the name of the election that the invocations contend for; no other job's.
        schedule: when, such as `rate(5 minutes)` or `cron(0 3 * * ? *)`, or several of them. A
            rate becomes the cron that is due at its multiples in UTC, here `cron(0/5 * * * ? *)`,
            so its minutes have to divide an hour, or its hours a day (docs/decisions/0005).
        lock_bucket: where the election is held.
        code: the job's folder, shipped under its own name with the runtime library and its
            dependencies, but none of the job's own, which come in `layers`; or a `Code` that holds
            all of that already. Needed without `function`.
        exclude: what of the folder is not shipped beside the defaults, as patterns of .gitignore:
            `docs/`, or `!tests/` to ship tests after all. Default: what tools and tests leave.
        handler: the decorated function, such as `compaction.handler.handler`. Needed with `code`.
        function: a Python function that exists already, whose handler is decorated with
            `@singleton`; it gets rights, environment and the runtime as a layer (`attach`), its
            retries and dead letters, and keeps all else. Default: one made of what follows.
        handler_check: "error", "warn" or "off" for a handler whose source does not show whether it
            is decorated; one that is certainly not is an error. A function that is made here also
            refuses it at its start. "off" checks nothing. Default: "warn".
        contenders: how many invocations each tick starts, from 1 to 10. Default: 2.
        time_zone: of crons and one-time schedules given as text. Default: UTC.
        flexible_window: how long after its tick a contender may be started, in whole minutes, not
            longer than the time between two ticks; the tick stays what it was. Default: at once.
        timeout: of an invocation, at most 15 minutes. Default: 5 minutes.
        memory_size: of the function, in MiB. Default: 512.
        lease: how long a lock stays good, in whole seconds, from 5, shorter than `timeout`; the
            leader renews it while it works, so that a crash is noticed sooner. Default: the
            invocation's remaining time and two seconds, which needs no renewing.
        wait: how long a contender waits while another works for its tick, to take over should that
            one die; shorter than `timeout`, with a shorter `lease`. Waiting is paid for. Default:
            none; Lambda's retry of its own event leads the tick of a leader that died.
        max_attempts: how many terms a tick may take, from 1. Default: no limit but the retries'.
        environment: further variables of the function. Default: none.
        layers: further layers of the function. Default: none.
        vpc: the function's network, which needs a way to S3 in the lock bucket's Region (a
            gateway endpoint leads to its own Region, and costs nothing). Default: none.
        vpc_subnets: where in it. Default: its private subnets.
        security_groups: of the function. Default: one of its own, if there is a `vpc`.
        reserved_concurrency: of the function, not less than its contenders. Default: none.
        retry_attempts: how often Lambda runs a failed invocation again, 0 to 2. Default: 2.
        max_tick_age: the oldest that a tick may be, to the minute, when a term for it begins: from
            2 minutes more than `flexible_window` and `wait`, to 24 hours more than the window; see
            `event_ages.py` for how it is divided. Default: 1 hour more than window and `wait`.
        dead_letters: gets the events that never reached the function, and those that it gave up
            on. Default: a queue for each.
        expected_within: the longest time without a completed term before an alarm, 3 minutes to 7
            days. Default: two intervals, the timeout and the window, where the interval can be
            derived from the schedule; otherwise no such alarm, and a warning that says so.
        regions: all Regions with a job that contends for this election, this one's included; see
            `Monitoring`. Default: this one's alone.
        alarm_topic: is told of every alarm. Default: none.
        alarm_actions: what else every alarm does. Default: nothing but change its state.
        dashboard: whether there is one. Default: True.
        log_retention: how long logs are kept. Default: one month.
        removal_policy: what becomes of the logs when the stack goes. Default: RETAIN.
    """

    @checked_options()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - what every construct calls it
        *,
        election: str,
        schedule: Schedule | Sequence[Schedule],
        lock_bucket: LockBucket,
        code: str | Path | lambda_.Code | None = None,
        exclude: Sequence[str] = (),
        handler: str | None = None,
        function: lambda_.Function | None = None,
        handler_check: HandlerCheck = "warn",
        contenders: int = 2,
        time_zone: TimeZone | None = None,
        flexible_window: Duration | None = None,
        timeout: Duration | None = None,
        memory_size: int | None = None,
        lease: Duration | None = None,
        wait: Duration | None = None,
        max_attempts: int | None = None,
        environment: Mapping[str, str] | None = None,
        layers: Sequence[lambda_.ILayerVersion] = (),
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
        reserved_concurrency: int | None = None,
        retry_attempts: int = check.MAX_RETRIES,
        max_tick_age: Duration | None = None,
        dead_letters: sqs.IQueue | None = None,
        expected_within: Duration | None = None,
        regions: Sequence[str] = (),
        alarm_topic: sns.ITopic | None = None,
        alarm_actions: Sequence[cloudwatch.IAlarmAction] = (),
        dashboard: bool = True,
        log_retention: logs.RetentionDays | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.lock_bucket = check.lock_bucket(lock_bucket)
        self.election = checked_election(election, prefix=lock_bucket.prefix)
        self.regions = check.regions(regions, Stack.of(self).region)
        self._handler_check = checked_mode(handler_check)
        self.function = self._function(
            function,
            FunctionProperties(
                code=code,
                exclude=exclude,
                handler=handler,
                timeout=timeout,
                memory_size=check.whole("memory_size", memory_size),
                environment=environment,
                layers=tuple(layers),
                vpc=vpc,
                vpc_subnets=vpc_subnets,
                security_groups=tuple(security_groups),
                reserved_concurrency=check.whole("reserved_concurrency", reserved_concurrency),
                log_retention=log_retention,
                removal_policy=removal_policy,
            ),
        )
        self.timeout = self.function.timeout or check.LAMBDA_S_OWN_TIMEOUT
        expressions = schedule_expressions(schedule, time_zone=time_zone)
        interval = shortest_interval(expressions)
        check.against_interval(interval, flexible_window, expected_within)
        check.lease(lease, self.timeout, wait)
        ages = self._event_ages(max_tick_age, flexible_window, wait, retry_attempts)
        limits = check.limits(attempts=max_attempts, wait=wait)
        self._become_candidate(attached=function is not None, lease=lease, limits=limits)
        self.unprocessed = self._take_failures(retry_attempts, ages, dead_letters)
        self.contenders = self._contend(expressions, contenders, ages, dead_letters)
        self.monitoring = self._monitor(
            expected_within=expected(expected_within, interval, self.timeout, flexible_window),
            contenders=contenders,
            memory_size=memory_size,
            actions=actions_of(self, alarm_topic, alarm_actions),
            dashboard=dashboard,
        )

    @property
    def role(self) -> iam.IRole:
        """The role that the function acts in, for further rights of the job."""
        if self.function.role is None:
            raise ValueError(f"function {self.function.node.path} has no role to grant rights to")
        return self.function.role

    @checked_options()
    def metric(
        self, name: str, *, period: Duration | None = None, statistic: str = "Sum"
    ) -> cloudwatch.Metric:
        """Return a metric of the election, such as `Completed`; see `election_metric`."""
        return election_metric(
            name,
            election=self.election,
            bucket=self.lock_bucket.bucket_name,
            period=period or Duration.minutes(1),
            statistic=statistic,
        )

    def _function(
        self, existing: lambda_.Function | None, properties: FunctionProperties
    ) -> lambda_.Function:
        self.log_group: logs.LogGroup | None = None
        if existing is not None:
            check_existing(self, existing, properties)
            return existing
        function, self.log_group = create_function(
            self, self.election, properties, self._handler_check
        )
        return function

    def _become_candidate(
        self, *, attached: bool, lease: Duration | None, limits: Mapping[str, str]
    ) -> None:
        claim_election(
            self,
            self.lock_bucket.bucket,
            f"{self.lock_bucket.prefix}{self.election}",
            several_regions=len(self.regions) > 1,
        )
        function, name, locks = self.function, self.election, self.lock_bucket
        if attached:
            locks.attach(function, election=name, lease=lease, handler_check=self._handler_check)
        else:
            locks.grant_candidate(function, election=name, lease=lease)
        tell_limits(function, limits)

    def _event_ages(
        self, asked: Duration | None, window: Duration | None, wait: Duration | None, retries: int
    ) -> EventAges:
        ages = divided(
            asked,
            flexible_window=window,
            wait=wait,
            timeout=self.timeout,
            retry_attempts=check.retries(retries),
        )
        self.max_tick_age = ages.tick
        check.history(self.lock_bucket.history, ages.tick, self.timeout)
        warn_of_late_retries(self, ages)
        return ages

    def _take_failures(
        self, retry_attempts: int, ages: EventAges, dead_letters: sqs.IQueue | None
    ) -> sqs.IQueue:
        queue = dead_letter_queue(self, "Unprocessed") if dead_letters is None else dead_letters
        self.function.configure_async_invoke(
            on_failure=DeadLetters(queue),
            retry_attempts=retry_attempts,
            max_event_age=ages.in_lambda,
        )
        return queue

    def _contend(
        self,
        expressions: Sequence[scheduler.ScheduleExpression],
        count: int,
        ages: EventAges,
        dead_letters: sqs.IQueue | None,
    ) -> Contenders:
        check.reserved_concurrency(self.function, check.contenders(count))
        return Contenders(
            self,
            "Contenders",
            function=self.function,
            expressions=expressions,
            count=count,
            max_tick_age=ages.in_scheduler,
            flexible_window=ages.flexible_window,
            dead_letters=dead_letters,
        )

    def _monitor(
        self,
        *,
        expected_within: Duration | None,
        contenders: int,
        memory_size: int | None,
        actions: Sequence[cloudwatch.IAlarmAction],
        dashboard: bool,
    ) -> Monitoring:
        return Monitoring(
            self,
            "Monitoring",
            election=self.election,
            bucket=self.lock_bucket.bucket_name,
            prefix=self.lock_bucket.prefix,
            function=self.function,
            contenders=contenders,
            undelivered=self.contenders.undelivered,
            unprocessed=self.unprocessed,
            expected_within=expected_within,
            regions=self.regions,
            memory_size=memory_size,
            actions=actions,
            dashboard=dashboard,
        )
