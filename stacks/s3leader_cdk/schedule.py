"""When a job is due: a schedule as text or as CDK's expression, and how often that is."""

from __future__ import annotations

import re

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_scheduler as scheduler

_FORM = re.compile(r"(rate|cron|at)\(.+\)")
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}


def schedule_expression(
    schedule: str | scheduler.ScheduleExpression, *, time_zone: TimeZone | None
) -> scheduler.ScheduleExpression:
    """Return `schedule` as EventBridge Scheduler's expression, or raise `ValueError`."""
    if isinstance(schedule, scheduler.ScheduleExpression):
        if time_zone is not None:
            raise ValueError(
                f"time_zone {time_zone.timezone_name!r} was given beside a ScheduleExpression,"
                " which carries its own: pass it to the expression instead"
            )
        return schedule
    if _FORM.fullmatch(schedule) is None:
        raise ValueError(
            f"schedule {schedule!r} is no schedule: write for example 'rate(5 minutes)' or"
            " 'cron(0 3 * * ? *)'"
        )
    return scheduler.ScheduleExpression.expression(schedule, time_zone)


def interval(expression: scheduler.ScheduleExpression) -> Duration | None:
    """Return the time between two ticks of a rate; a cron or one-time expression has none."""
    match = _RATE.fullmatch(expression.expression_string)
    if match is None:
        return None
    return Duration.minutes(int(match[1]) * _MINUTES[match[2]])
