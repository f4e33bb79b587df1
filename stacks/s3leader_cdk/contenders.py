"""The schedules that start the contenders of each tick."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from aws_cdk import Annotations, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from s3leader_cdk._cdk_facts import is_unresolved, made_in, place_at_deployment, resource_of
from s3leader_cdk._option_ranges import check_whole
from s3leader_cdk._option_types import checked_options
from s3leader_cdk._schedule.expressions import (
    UTC_ZONE,
    is_over,
    lost_tick,
    named_expressions,
    schedule_expression,
)
from s3leader_cdk._schedule.time_zones import has_database
from s3leader_cdk.contender_targets import ContenderTarget, Delivery, FunctionTarget
from s3leader_cdk.dead_letters import check_queue, dead_letter_queue, grant_send
from s3leader_cdk.job_options import MAX_CONTENDERS, check_window

_DELIVERY_RETRIES = 20  # EventBridge Scheduler backs off; the event's age ends it sooner


class Contenders(Construct):
    """One schedule for each contender, all due at the same ticks, in a group of their own.

    Each contender has its own schedule, so a delivery that is late or lost affects no other.

    Children: `schedules`, `group`, `role`, `undelivered` (the queue of events that never arrived).
    `target` is what the schedules start.

    Args:
        function: what each schedule invokes, with `{"tick": …, "contender": k}`.
        target: instead of `function`, another target that each schedule starts, such as a
            `TaskTarget`.
        expressions: when; a rate becomes a cron, as in `SingletonJob`.
        count: how many contenders, from 1 to 10.
        max_tick_age: how long delivery is tried after the flexible window, 1 minute to 24 hours.
            Lambda's queue and its retries come on top; `SingletonJob` includes them.
        flexible_window: how long after its tick a contender may be started, 1 minute to 24 hours,
            in whole minutes. Default: at the tick.
        dead_letters: a queue for the events that never arrived. Default: a new one.
        enabled: whether the schedules are switched on. Default: True.
    """

    @checked_options()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the name that every construct uses
        *,
        function: lambda_.IFunction | None = None,
        target: ContenderTarget | None = None,
        expressions: Sequence[scheduler.ScheduleExpression],
        count: int,
        max_tick_age: Duration,
        flexible_window: Duration | None = None,
        dead_letters: sqs.IQueue | None = None,
        enabled: bool = True,
    ) -> None:
        super().__init__(scope, id)
        made_in(scope, self)
        self.target = started = _one_target(function, target)
        count = check_whole("count", count, least=1, most=MAX_CONTENDERS)
        self._expressions = shared = [
            schedule_expression(each, time_zone=None) for each in expressions
        ]
        if dead_letters is not None:
            check_queue(self, dead_letters)
        self._enabled = enabled
        for each in shared:
            _warn_of_lost_ticks(self, each)
            _warn_if_over(self, each)
        self._window = _time_window(flexible_window)
        self.undelivered = (
            dead_letter_queue(self, "Undelivered") if dead_letters is None else dead_letters
        )
        self.group = scheduler.ScheduleGroup(self, "Group", removal_policy=RemovalPolicy.DESTROY)
        self.role = self._create_role(started)
        self._delivery = Delivery(
            # The target would grant itself more than it needs.
            role=self.role.without_policy_updates(),
            dead_letter_queue=self.undelivered,
            max_event_age=max_tick_age,
            retry_attempts=_DELIVERY_RETRIES,
        )
        self.schedules = [
            self._create_schedule(contender, number, started, expression)
            for number, expression in enumerate(shared, 1)
            for contender in range(1, count + 1)
        ]

    def named_expressions(self) -> list[list[str]]:
        """Return each expression with the name of its time zone, such as `UTC`."""
        return named_expressions(self._expressions)

    def _create_role(self, target: ContenderTarget) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            description="Starts the contenders of a singleton job",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                # Otherwise a schedule of any account could make EventBridge use this role.
                conditions={
                    "StringEquals": {
                        "aws:SourceAccount": place_at_deployment().account,
                        "aws:SourceArn": self.group.schedule_group_arn,
                    }
                },
            ),
        )
        for statement in target.statements():
            role.add_to_policy(statement)
        grant_send(self.undelivered, role)
        return role

    def _create_schedule(
        self,
        contender: int,
        number: int,
        target: ContenderTarget,
        expression: scheduler.ScheduleExpression,
    ) -> scheduler.Schedule:
        # The first schedule has the logical ids of a job with one schedule.
        name = f"Schedule{contender}" if number == 1 else f"Schedule{contender}At{number}"
        schedule = scheduler.Schedule(
            self,
            name,
            schedule=expression,
            schedule_group=self.group,
            target=target.schedule_target(contender, self._delivery),
            time_window=self._window,
            enabled=self._enabled,
        )
        # The schedule refers to the group by name, so CloudFormation does not see that it has to
        # exist first.
        schedule.node.add_dependency(self.group, self.role)
        return schedule


def _one_target(
    function: lambda_.IFunction | None, target: ContenderTarget | None
) -> ContenderTarget:
    if function is not None and target is None:
        return FunctionTarget(function)
    if target is None or function is not None:
        given = "neither" if target is None else "both"
        raise ValueError(
            f"expected a function or a target that the schedules start, got {given}: give"
            " function=…, or target=TaskTarget(…)"
        )
    return target


def _warn_of_lost_ticks(scope: Construct, expression: scheduler.ScheduleExpression) -> None:
    ((text, zone),) = named_expressions([expression])
    if zone in {UTC_ZONE, "UTC"}:
        return
    if not has_database():
        Annotations.of(scope).add_warning_v2(
            "s3leader:time-zone-unchecked",
            f"time zone {zone} of schedule {text!r} was not"
            " checked, since this machine has no time zone database: install the package tzdata",
        )
    this_year = datetime.now(UTC).year  # noqa: TID251 - at synth, where no election depends on it
    lost = lost_tick(expression, first_year=this_year)
    if lost is not None:
        Annotations.of(scope).add_warning_v2(
            "s3leader:lost-tick",
            f"schedule {text!r} loses a tick, for example on"
            f" {lost:%Y-%m-%d}: the clocks of {zone} skip {lost:%H:%M} on that day,"
            " and EventBridge does not run what is due then. Give a time that each day has, or UTC",
        )


def _warn_if_over(scope: Construct, expression: scheduler.ScheduleExpression) -> None:
    now = datetime.now(UTC)  # noqa: TID251 - at synth, where no election depends on it
    if is_over(expression, now=now):
        Annotations.of(scope).add_warning_v2(
            "s3leader:never-due",
            f"schedule {expression.expression_string!r} is never due again: all its times are past,"
            " or no date matches it. Correct its year or date, or remove it",
        )


def _time_window(flexible: Duration | None) -> scheduler.TimeWindow:
    if flexible is None:
        return _no_window()
    check_window(flexible)
    return scheduler.TimeWindow.flexible(flexible)


@cache
def _no_window() -> scheduler.TimeWindow:
    return scheduler.TimeWindow.off()


def check_reserved_concurrency(function: lambda_.Function, contenders: int) -> None:
    """Raise `ValueError` for concurrency that does not suffice for the contenders of one tick."""
    resource = resource_of(function)
    if not isinstance(resource, lambda_.CfnFunction):
        return
    reserved = resource.reserved_concurrent_executions
    if reserved is None or is_unresolved(reserved):
        return
    name = "reserved_concurrent_executions"
    if reserved == 0:
        raise ValueError(
            f"{name} 0 of {function.node.path} cannot be used: Lambda sends each event to the"
            " dead-letter queue at once, without a retry. To pause a job, disable its schedules;"
            " otherwise give the number of contenders or more, or leave it out"
        )
    if check_whole(name, reserved, least=0) < contenders:
        raise ValueError(
            f"{name} {reserved:g} of {function.node.path} is less than its {contenders} contenders,"
            f" which start at the same tick: give {contenders} or more, or fewer contenders"
        )
