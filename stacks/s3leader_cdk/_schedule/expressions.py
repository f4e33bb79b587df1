"""Schedule expressions whose ticks all contenders share, and the intervals between ticks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_scheduler as scheduler

from s3leader_cdk._cdk_facts import Once, is_unresolved, of_seconds, seconds
from s3leader_cdk._schedule import cron, time_zones
from s3leader_cdk._schedule.syntax import check_expression

UTC_ZONE = "Etc/UTC"  # CDK's own default, for rates too
_RATE = re.compile(r"rate\((\d{1,6}) (second|minute|hour|day|week|month|year)s?\)", re.ASCII)
_HOUR, _DAY = 60, 1440  # in minutes
_MINUTES = {
    "minute": 1,
    "hour": _HOUR,
    "day": _DAY,
    "week": 7 * _DAY,
    "month": 30 * _DAY,
    "year": 365 * _DAY,
}

# Crons whose interval is known: the longest one, if 0/N does not divide the hour or the day.
_EVERY_MINUTES = re.compile(r"cron\((?:\*|[0*]/([1-9]|[1-5]\d)) \* \* \* \? \*\)")
_EVERY_HOURS = re.compile(r"cron\(\d{1,2} (?:\*|[0*]/([1-9]|1\d|2[0-3])) \* \* \? \*\)")
_DAILY = re.compile(r"cron\(\d{1,2} \d{1,2} \* \* \? \*\)")


Schedule: TypeAlias = "str | scheduler.ScheduleExpression"

_text_of: Once[scheduler.ScheduleExpression, str] = Once(lambda each: each.expression_string)
_time_zone_of: Once[scheduler.ScheduleExpression, TimeZone | None] = Once(
    lambda each: each.time_zone
)
_name_of: Once[TimeZone, str] = Once(lambda each: each.timezone_name)


def schedule_expressions(
    schedule: Schedule | Sequence[Schedule], *, time_zone: TimeZone | None
) -> list[scheduler.ScheduleExpression]:
    """Return one or several schedules as expressions whose ticks all contenders share."""
    several = (
        list(schedule)
        if isinstance(schedule, Iterable) and not isinstance(schedule, str | Mapping)
        else [schedule]
    )
    if not several:
        raise ValueError("schedule: expected at least one, such as 'rate(5 minutes)', got none")
    expressions = [schedule_expression(each, time_zone=time_zone) for each in several]
    said = [(_text_of(each), _zone_of(each)) for each in expressions]
    for each in said:
        if said.count(each) > 1:
            raise ValueError(f"schedule {each[0]!r} in {each[1]} was given twice: give it once")
    return expressions


def named_expressions(expressions: Sequence[scheduler.ScheduleExpression]) -> list[list[str]]:
    """Return the text and the name of the time zone of each expression."""
    zones = [(each, _time_zone_of(each)) for each in expressions]
    return [[_text_of(each), "UTC" if zone is None else _name_of(zone)] for each, zone in zones]


def schedule_expression(
    schedule: Schedule, *, time_zone: TimeZone | None
) -> scheduler.ScheduleExpression:
    """Return `schedule` as an expression whose ticks all contenders share, or raise `ValueError`.

    EventBridge Scheduler counts a rate from the creation of each schedule. Contenders would get
    different times for the same tick, and each would do it. So a rate becomes a cron, which follows
    the clock.
    """
    if isinstance(schedule, str):
        return _of_text(schedule.strip(), time_zone)
    _check_given(schedule, time_zone)
    text, zone = _text_of(schedule), _zone_of(schedule)
    return schedule if (due := _shared_ticks(text, zone)) == text else _of_text(due, None)


@cache
def _of_text(text: str, time_zone: TimeZone | None) -> scheduler.ScheduleExpression:
    due = _shared_ticks(text, UTC_ZONE if time_zone is None else _name_of(time_zone))
    expression = scheduler.ScheduleExpression.expression(due, time_zone)
    _text_of.set(expression, due)
    return expression


def _shared_ticks(text: str, zone: str) -> str:
    """Return the text of a usable expression, in which a rate is a cron, or raise `ValueError`."""
    if match := _RATE.fullmatch(text):
        _check_zone_of_rate(text, zone)
        return _due_at_multiples(text, int(match[1]), match[2])
    try:
        check_expression(text)
        if not is_unresolved(zone):
            time_zones.check_name(zone)
    except ValueError as error:
        raise ValueError(f"schedule {text!r} cannot be used: {error}") from None
    return text


def lost_tick(expression: scheduler.ScheduleExpression, *, first_year: int) -> datetime | None:
    """Return the first local time of a tick that `expression` loses to a clock change."""
    zone = _zone_of(expression)
    if zone == UTC_ZONE or zone not in time_zones.names():
        return None
    return time_zones.first_lost_tick(_parsed(expression), zone, first_year=first_year)


def is_over(expression: scheduler.ScheduleExpression, *, now: datetime) -> bool:
    """Return whether `expression` is certainly never due from `now` on."""
    zone = _zone_of(expression)
    if zone not in time_zones.names():
        return False
    local = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return time_zones.is_over(_parsed(expression), local)


def _parsed(expression: scheduler.ScheduleExpression) -> cron.Cron:
    """Return a cron or, as a cron with one tick, a one-time schedule."""
    kind, _, inner = _text_of(expression).removesuffix(")").partition("(")
    if kind == "at":
        inner = f"{datetime.fromisoformat(inner):%M %H %d %m ? %Y}"
    return cron.parse(inner.split())


def shortest_interval(expressions: Sequence[scheduler.ScheduleExpression]) -> Duration | None:
    """Return an upper bound of the time between two ticks of all schedules, None if unknown.

    It is the shortest known interval: the other schedules only add ticks within it.
    """
    known = [each for each in map(interval, expressions) if each is not None]
    return min(known, key=seconds, default=None)


def interval(expression: scheduler.ScheduleExpression) -> Duration | None:
    """Return the longest time between two ticks; known only for simple crons, else None.

    In a zone with daylight saving time only daily crons count: the hour that occurs twice has its
    ticks once.
    """
    text = _text_of(expression)
    if _DAILY.fullmatch(text):
        return of_seconds(_DAY * 60)
    if _zone_of(expression) != UTC_ZONE:
        return None
    for pattern, unit in ((_EVERY_MINUTES, 1), (_EVERY_HOURS, _HOUR)):
        if match := pattern.fullmatch(text):
            return of_seconds(int(match[1] or 1) * unit * 60)
    return None


def _check_given(schedule: object, time_zone: TimeZone | None) -> None:
    if not isinstance(schedule, scheduler.ScheduleExpression):
        raise TypeError(
            "schedule: expected a string, such as 'rate(5 minutes)', or a ScheduleExpression of"
            f" aws_scheduler, got {schedule!r}; a Schedule of aws_events has its string in"
            " expression_string"
        )
    if time_zone is not None:
        raise ValueError(
            f"time_zone {time_zone.timezone_name!r} was given with a ScheduleExpression, which has"
            " its own: pass it to the expression instead"
        )


def _check_zone_of_rate(rate: str, zone: str) -> None:
    if zone != UTC_ZONE:
        raise ValueError(
            f"schedule {rate!r} was given with time zone {zone!r}, but a rate"
            " follows UTC: omit the zone, or give a cron, such as 'cron(0 3 * * ? *)'"
        )


def _zone_of(expression: scheduler.ScheduleExpression) -> str:
    time_zone = _time_zone_of(expression)
    return UTC_ZONE if time_zone is None else _name_of(time_zone)


def _due_at_multiples(rate: str, number: int, unit: str) -> str:
    if unit == "second":
        raise ValueError(
            f"schedule {rate!r} cannot be used: EventBridge counts in minutes, not in seconds: give"
            " 'rate(1 minute)' and let the leader work several times in its term, or campaign in a"
            " long-running process"
        )
    minutes = number * _MINUTES[unit]
    hours, rest = divmod(minutes, _HOUR)
    if hours == 0 and rest > 0 and _HOUR % rest == 0:
        return f"cron({'*' if rest == 1 else f'0/{rest}'} * * * ? *)"
    if rest == 0 and hours > 0 and _DAY % minutes == 0:
        hour = {1: "*", 24: "0"}.get(hours, f"0/{hours}")
        return f"cron(0 {hour} * * ? *)"
    raise ValueError(
        f"schedule {rate!r} cannot be used: contenders would not share their ticks, because"
        " EventBridge Scheduler counts a rate from the creation of each schedule, and no cron"
        " expression has this interval: give a cron expression for the times you want, such as"
        f" {_instead(minutes)}, or a rate of minutes that divide an hour or hours that divide a"
        " day, such as 'rate(5 minutes)'"
    )


def _instead(minutes: int) -> str:
    if minutes < 7 * _DAY:
        return "'cron(0 0/2 * * ? *)'"
    if minutes < 28 * _DAY:
        return "'cron(0 0 ? * MON *)', which is due every Monday"
    return "'cron(0 0 1 * ? *)', which is due on the first of every month"
