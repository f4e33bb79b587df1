"""A scheduled Lambda function that many invocations contend for and one runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from s3leader_cdk._cdk_facts import region_of
from s3leader_cdk._election.candidate_environment import set_limit_variables
from s3leader_cdk._election.election_registry import register_job
from s3leader_cdk._election.job import ElectionJob
from s3leader_cdk._election.names import checked_election
from s3leader_cdk._function.failed_events import FailedEvents
from s3leader_cdk._function.underlying import (
    check_place,
    is_image,
    not_of_this_app,
    underlying_function,
    warn_of_fixed_version,
)
from s3leader_cdk._handler.check import HandlerCheck, check_image, checked_mode
from s3leader_cdk._option_types import checked_options, instance
from s3leader_cdk._permissions.self_invocation import (
    allow_self_invocation,
    self_invocation_statement,
)
from s3leader_cdk._schedule.expressions import Schedule, schedule_expressions, shortest_interval
from s3leader_cdk.contenders import Contenders, check_reserved_concurrency
from s3leader_cdk.event_ages import EventAges, divide_max_tick_age
from s3leader_cdk.job_function import JobFunction
from s3leader_cdk.job_options import FailureOptions, TakeoverOptions, TriggerOptions
from s3leader_cdk.lock_bucket import LockBucket
from s3leader_cdk.monitoring import check_regions
from s3leader_cdk.monitoring_options import MonitoringOptions

_LAMBDA_DEFAULT_TIMEOUT = Duration.seconds(3)


class SingletonJob(ElectionJob):
    """A function with its schedules, dead-letter queues and monitoring, and its election.

    Children: `function`, `unprocessed` (the queue of events that the function gave up on; None if
    it has a destination of its own that is not a queue of this app), `contenders` (the schedules
    and their queue), `monitoring` (alarms and dashboard), `record` (by
    which the command `s3leader` finds the job; None if it is switched off).

    Args:
        election: the name of the election that the invocations contend for; no other job's.
        schedule: when, such as `rate(5 minutes)` or `cron(0 3 * * ? *)`, or several of them. A
            rate becomes the cron that is due at its multiples in UTC, here `cron(0/5 * * * ? *)`,
            so its minutes must divide an hour, or its hours a day (docs/decisions/0005).
        lock_bucket: where the election is held.
        function: a `JobFunction`; or any other function of this app whose handler is decorated with
            `@singleton`: in Python, which gets the runtime as a layer (`LockBucket.attach`), or a
            container image that contains the runtime; of this stack or another; itself, or an alias
            or version of it, which the schedules then start. It gets rights, environment, retries
            and dead letters; destinations of its own stay.
        trigger: contenders, time zone, window, maximum age and missed ticks. Default:
            `TriggerOptions()`.
        takeover: lease, wait, attempts and continuations. Default: `TakeoverOptions()`.
        failures: retries and dead letters. Default: `FailureOptions()`.
        monitoring: alarms and dashboard. Default: `MonitoringOptions()`.
        regions: all Regions with a job that contends in this election, this one included; see
            `Monitoring`. Default: this one alone.
        handler_check: as for `LockBucket.attach`; a `JobFunction` takes its own. Default: "warn".
        record: whether to make a `JobRecord`. Default: True.
    """

    @checked_options(
        lock_bucket=instance(
            "a LockBucket, such as LockBucket(stack, 'Locks'), or LockBucket(stack, 'Locks',"
            " bucket=…) for a bucket that exists",
            LockBucket,
        ),
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
        function: lambda_.IFunction,
        trigger: TriggerOptions | None = None,
        takeover: TakeoverOptions | None = None,
        failures: FailureOptions | None = None,
        monitoring: MonitoringOptions | None = None,
        regions: Sequence[str] = (),
        handler_check: HandlerCheck = "warn",
        record: bool = True,
    ) -> None:
        super().__init__(scope, id)
        trigger, takeover = trigger or TriggerOptions(), takeover or TakeoverOptions()
        failures, monitoring = failures or FailureOptions(), monitoring or MonitoringOptions()
        self.lock_bucket = lock_bucket
        self.election = checked_election(election, prefix=lock_bucket.prefix)
        self.regions = check_regions(regions, here=region_of(self))
        self.function = function
        expressions = schedule_expressions(schedule, time_zone=trigger.time_zone)
        limits = takeover.variables() | trigger.variables(expressions, history=lock_bucket.history)
        self._underlying = self._check_function(checked_mode(handler_check), takeover, limits)
        self.timeout = self._underlying.timeout or _LAMBDA_DEFAULT_TIMEOUT
        interval = shortest_interval(expressions)
        trigger.check_interval(interval)
        monitoring.check_interval(interval)
        takeover = takeover.for_function(self.timeout, failures.retry_attempts)
        ages = divide_max_tick_age(
            trigger, takeover, timeout=self.timeout, retry_attempts=failures.retry_attempts
        )
        ages.check_history(lock_bucket.history)
        ages.warn_of_late_retries(self)
        check_reserved_concurrency(self._underlying, trigger.contenders)
        self.max_tick_age = ages.tick
        self._become_candidate(takeover, handler_check)
        set_limit_variables(self._underlying, limits)
        self.unprocessed = self._take_failures(failures, ages)
        self.contenders = Contenders(
            self,
            "Contenders",
            function=function,
            expressions=expressions,
            count=trigger.contenders,
            max_tick_age=ages.in_scheduler,
            flexible_window=trigger.flexible_window,
            dead_letters=failures.dead_letters,
            enabled=trigger.enabled,
        )
        self.monitoring = self._make_monitoring(
            trigger, takeover, monitoring, interval, self.timeout, function=function
        )
        self.record = self._make_record(takeover, self.max_tick_age) if record else None

    @property
    def role(self) -> iam.IRole:
        """The function's role, for further rights of the job."""
        if self.function.role is None:
            raise ValueError(f"function {self.function.node.path} has no role to grant rights to")
        return self.function.role

    def _check_function(
        self, handler_check: HandlerCheck, takeover: TakeoverOptions, limits: Mapping[str, str]
    ) -> lambda_.Function:
        """Return the function itself, of an alias or version the one that it belongs to."""
        function = underlying_function(self.function)
        if function is None:
            environment = self.lock_bucket.candidate_environment(
                self.function, election=self.election, lease=takeover.lease
            )
            raise not_of_this_app(
                self,
                self.function,
                variables={**environment, **limits},
                statement=self_invocation_statement(self.function)
                if takeover.max_continuations
                else None,
            )
        if isinstance(function, JobFunction) and handler_check != "warn":
            raise ValueError(
                f"handler_check={handler_check!r} was given to job {self.node.path} for a"
                " JobFunction, which checks its handler itself: pass it to the JobFunction"
            )
        check_place(self, function, self.lock_bucket.bucket)
        warn_of_fixed_version(self, self.function)
        return function

    def _become_candidate(self, takeover: TakeoverOptions, handler_check: HandlerCheck) -> None:
        function, name, locks = self._underlying, self.election, self.lock_bucket
        register_job(
            self, locks.bucket, f"{locks.prefix}{name}", several_regions=len(self.regions) > 1
        )
        packaged = isinstance(function, JobFunction)
        if image := not packaged and is_image(function):
            check_image(self, function, handler_check)
        if packaged or image:
            locks.grant_candidate(function, election=name, lease=takeover.lease)
        else:
            locks.attach(function, election=name, lease=takeover.lease, handler_check=handler_check)
        if takeover.max_continuations:
            allow_self_invocation(self, function)

    def _take_failures(self, failures: FailureOptions, ages: EventAges) -> sqs.IQueue | None:
        return FailedEvents(
            job=self,
            function=self.function,
            underlying=self._underlying,
            retry_attempts=failures.retry_attempts,
            max_event_age=ages.in_lambda,
            dead_letters=failures.dead_letters,
        ).configure()
