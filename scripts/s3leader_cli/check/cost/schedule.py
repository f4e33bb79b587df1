"""How often a schedule is due in a month."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from s3leader import InvalidArgument

from .model import DAYS_A_MONTH, SECONDS_A_MONTH

_RATE = re.compile(r"rate\(([1-9][0-9]{0,5}) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\(\s*(?P<times>\S+\s+\S+)(?P<days>(?:\s+\S+){4})\s*\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
_YEAR = timedelta(days=365)


def ticks_a_month(schedules: Iterable[tuple[str, str]], now: datetime) -> float:
    """Return the ticks of schedules (an expression and a time zone each) in an average month.

    Their days are counted over the year from `now`. Raises `InvalidArgument`.
    """
    return sum(_ticks(expression, zone, now) for expression, zone in schedules)


def _ticks(expression: str, zone: str, now: datetime) -> float:
    if match := _RATE.fullmatch(expression):
        return SECONDS_A_MONTH / (int(match[1]) * _SECONDS[match[2]])
    try:
        found = _a_year(expression, zone, now)
    except ValueError as error:
        raise InvalidArgument(
            f"--schedule {expression!r} in {zone} cannot be used: {error}. Give one such as"
            " 'rate(5 minutes)' or 'cron(0 3 * * ? *)'"
        ) from None
    return found / _YEAR.days * DAYS_A_MONTH


def _a_year(expression: str, zone: str, now: datetime) -> int:
    """Count the days with a tick, and the ticks of a day: a year may have half a million."""
    match = _CRON.fullmatch(expression)
    if match is None:  # `at`, or an expression that the error has to quote as it is
        return _count(expression, zone, now, _YEAR)
    days = _count(f"cron(0 12{match['days']})", zone, now, _YEAR)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(seconds=1)
    return days * _count(f"cron({match['times']} * * ? *)", "UTC", midnight, timedelta(days=1))


def _count(expression: str, zone: str, after: datetime, during: timedelta) -> int:
    from s3leader.schedule import Schedule  # noqa: PLC0415 - dateutil takes time to import

    return sum(1 for _ in Schedule(expression, zone).ticks(after, after + during))
