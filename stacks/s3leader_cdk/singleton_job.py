"""A scheduled Lambda function of which many start and one works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, TimeZone
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from s3leader_cdk.alarms import default_expected_within
from s3leader_cdk.contenders import Contenders
from s3leader_cdk.dead_letters import dead_letter_queue
from s3leader_cdk.lock_bucket import LockBucket
from s3leader_cdk.metrics import election_metric
from s3leader_cdk.monitoring import Monitoring
from s3leader_cdk.names import checked_election, shortened
from s3leader_cdk.runtime_asset import ARCHITECTURE, PYTHON, job_code
from s3leader_cdk.schedule import interval, schedule_expression

_RESERVED = "S3LEADER_"
_MAX_TIMEOUT_S = 900
_MIN_EVENT_AGE_S, _MAX_EVENT_AGE_S = 60, 21_600  # what both EventBridge Scheduler and Lambda take
_MAX_ASYNC_RETRIES = 2


class SingletonJob(Construct):
    """A function, its schedules and dead-letter queues, its monitoring and the right to campaign.

    Children: `function`, `role`, `log_group`, `unprocessed` (the queue of events that the
    function gave up on), `contenders` (the schedules and theirs), `monitoring` (alarms and
    dashboard).

    Args:
        scope: the parent.
        id: the construct's id within it.
        election: the name of the election that the invocations contend for.
        code: the job's folder, shipped under its own name with the runtime library and its
            dependencies; or a `Code` that holds all of that already.
        handler: the decorated function, such as `compaction.handler.handler`.
        schedule: when, such as `rate(5 minutes)` or `cron(0 3 * * ? *)`. A rate becomes the cron
            that is due at its multiples in UTC, here `cron(0/5 * * * ? *)`: EventBridge Scheduler
            would count it from each schedule's own creation, and contenders would not share their
            ticks. So its minutes have to divide an hour, or its hours a day.
        lock_bucket: where the election is held.
        contenders: how many invocations each tick starts, from 1 to 10. Default: 2.
        time_zone: of a cron or one-time schedule given as text. Default: UTC.
        timeout: of an invocation, at most 15 minutes. Default: 5 minutes.
        memory_size: of the function, in MiB. Default: 512.
        lease: how long a lock stays good, in whole seconds, shorter than `timeout`; the leader
            renews it while it works. Default: the invocation's remaining time and two seconds,
            which needs no renewing.
        environment: further variables of the function. Default: none.
        retry_attempts: how often Lambda runs a failed invocation again, 0 to 2. Default: 2.
        max_event_age: when a tick is too old to be started, 1 minute to 6 hours. Default: 1 hour.
        expected_within: the longest time without a completed term before an alarm, 3 minutes to 7
            days. Default: two intervals and the timeout, for rates, for daily crons, and for
            crons in UTC that say "every" or "every N" minutes or hours; for other schedules no
            such alarm, and a warning that says so.
        log_retention: how long logs are kept. Default: one month.
        removal_policy: what becomes of the logs when the stack goes. Default: RETAIN.
        alarm_actions: what every alarm does. Default: nothing but change its state.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - what every construct calls it
        *,
        election: str,
        code: str | Path | lambda_.Code,
        handler: str,
        schedule: str | scheduler.ScheduleExpression,
        lock_bucket: LockBucket,
        contenders: int = 2,
        time_zone: TimeZone | None = None,
        timeout: Duration | None = None,
        memory_size: int = 512,
        lease: Duration | None = None,
        environment: Mapping[str, str] | None = None,
        retry_attempts: int = _MAX_ASYNC_RETRIES,
        max_event_age: Duration | None = None,
        expected_within: Duration | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        alarm_actions: Sequence[cloudwatch.IAlarmAction] = (),
    ) -> None:
        super().__init__(scope, id)
        self.election = checked_election(election, prefix=lock_bucket.prefix)
        self._bucket_name = lock_bucket.bucket_name
        self.timeout = _checked_timeout(timeout)
        self.max_event_age = _checked_event_age(max_event_age)
        _check_lease(lease, self.timeout)
        expression = schedule_expression(schedule, time_zone=time_zone)
        self.log_group = self._create_log_group(log_retention, removal_policy)
        self.role = self._create_role()
        self.unprocessed = dead_letter_queue(self, "Unprocessed")
        self.function = self._create_function(
            code, handler, memory_size, _checked_environment(environment), retry_attempts
        )
        lock_bucket.grant_candidate(self.function, election=election, lease=lease)
        self.contenders = self._create_contenders(expression, contenders)
        expected = default_expected_within(interval(expression), self.timeout)
        self.monitoring = Monitoring(
            self,
            "Monitoring",
            election=self.election,
            bucket=self._bucket_name,
            prefix=lock_bucket.prefix,
            function=self.function,
            contenders=contenders,
            undelivered=self.contenders.undelivered,
            unprocessed=self.unprocessed,
            expected_within=expected_within or expected,
            memory_size=memory_size,
            actions=alarm_actions,
        )

    def metric(
        self, name: str, *, period: Duration | None = None, statistic: str = "Sum"
    ) -> cloudwatch.Metric:
        """Return a metric of the election, such as `Completed`; see `election_metric`."""
        return election_metric(
            name,
            election=self.election,
            bucket=self._bucket_name,
            period=period or Duration.minutes(1),
            statistic=statistic,
        )

    def _create_log_group(
        self, retention: logs.RetentionDays, removal_policy: RemovalPolicy
    ) -> logs.LogGroup:
        return logs.LogGroup(self, "LogGroup", retention=retention, removal_policy=removal_policy)

    def _create_role(self) -> iam.Role:
        # Lambda's managed policy lets a function write to any log group; this one, to its own.
        role = iam.Role(
            self,
            "Role",
            description=f"Candidates of election {shortened(self.election)}",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        self.log_group.grant_write(role)
        return role

    def _create_function(
        self,
        code: str | Path | lambda_.Code,
        handler: str,
        memory_size: int,
        environment: Mapping[str, str],
        retry_attempts: int,
    ) -> lambda_.Function:
        if not 0 <= retry_attempts <= _MAX_ASYNC_RETRIES:
            raise ValueError(f"retry_attempts {retry_attempts} cannot be used: Lambda takes 0 to 2")
        return lambda_.Function(
            self,
            "Function",
            description=f"Contends for election {shortened(self.election)}; only its leader works",
            code=code if isinstance(code, lambda_.Code) else job_code(code),
            handler=handler,
            runtime=PYTHON,
            architecture=ARCHITECTURE,
            role=self.role,
            timeout=self.timeout,
            memory_size=memory_size,
            environment=environment,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            retry_attempts=retry_attempts,
            max_event_age=self.max_event_age,
            on_failure=destinations.SqsDestination(self.unprocessed),
        )

    def _create_contenders(
        self, expression: scheduler.ScheduleExpression, count: int
    ) -> Contenders:
        return Contenders(
            self,
            "Contenders",
            function=self.function,
            expression=expression,
            count=count,
            max_event_age=self.max_event_age,
        )


def _checked_timeout(timeout: Duration | None) -> Duration:
    if timeout is None:
        return Duration.minutes(5)
    if not 1 <= timeout.to_seconds() <= _MAX_TIMEOUT_S:
        raise ValueError(
            f"timeout {timeout.to_seconds():g} s cannot be used: give 1 s to 15 minutes"
        )
    return timeout


def _checked_event_age(age: Duration | None) -> Duration:
    if age is None:
        return Duration.hours(1)
    if not _MIN_EVENT_AGE_S <= age.to_seconds() <= _MAX_EVENT_AGE_S:
        raise ValueError(
            f"max_event_age {age.to_seconds():g} s cannot be used: give 1 minute to 6 hours"
        )
    return age


def _check_lease(lease: Duration | None, timeout: Duration) -> None:
    if lease is not None and lease.to_milliseconds() >= timeout.to_milliseconds():
        raise ValueError(
            f"lease {lease.to_milliseconds() / 1000:g} s is not shorter than the timeout of"
            f" {timeout.to_seconds():g} s: leave it out, and a lock is good for just as long as its"
            " invocation can run"
        )


def _checked_environment(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    for name in environment or {}:
        if name.startswith(_RESERVED):
            raise ValueError(
                f"environment variable {name!r} is set by SingletonJob itself: leave it out and use"
                " election, lock_bucket and lease"
            )
    return dict(environment or {})
