"""Whether a job's ledger gets long: more locks than S3 lists in one request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from aws_cdk import Duration

from s3leader_cdk._cdk_facts import seconds
from s3leader_cdk._schedule import cron

PAGE = 1_000  # keys that S3 lists in one request
_CRON = re.compile(r"cron\((.*)\)")
_YEAR_S = 365 * 24 * 60 * 60
_YEAR = [date(2026, 1, 1) + timedelta(days=day) for day in range(365)]
# Items that stand for one day of a month.
_ONE_DAY = re.compile(r"L|W", re.IGNORECASE)
_SATURDAY = re.compile(r"\bL\b(?!-)", re.IGNORECASE)
_ONE_WEEKDAY = re.compile(r".L|L-|#", re.IGNORECASE)


def ledger_variables(
    schedules: Sequence[Sequence[str]], history: Duration | None
) -> dict[str, str]:
    """Return the variable that has a candidate of a long ledger read the hint first.

    Each schedule is an expression and its time zone, as `named_expressions` returns them.
    Nothing is returned for a shorter ledger, or if `history` is not known. A wrong estimate costs a
    candidate that knows no lock one request.
    """
    if history is None:
        return {}
    years = seconds(history) / _YEAR_S
    ticks = sum(ticks_a_year(expression) for expression, _ in schedules) * years
    return {"S3LEADER_LONG_LEDGER": "true"} if ticks > PAGE else {}


def ticks_a_year(expression: str) -> int:
    """Return about how many ticks a cron has in a year, whatever its field year says.

    0 for a one-time schedule, and for a cron that is known only at deployment.
    """
    match = _CRON.fullmatch(expression)
    if match is None or cron.DEPLOY_TIME in expression:
        return 0
    minutes, hours, day, month, weekday, _ = match[1].split()
    months = cron.MONTH.values(month)
    if weekday == "?":
        rare, usual = _days(cron.DAY_OF_MONTH, day, _ONE_DAY)
        days = sum(each.month in months and each.day in usual for each in _YEAR)
    else:
        rare, usual = _days(cron.DAY_OF_WEEK, _SATURDAY.sub("SAT", weekday), _ONE_WEEKDAY)
        days = sum(each.month in months and each.isoweekday() % 7 + 1 in usual for each in _YEAR)
    times = len(cron.HOURS.values(hours)) * len(cron.MINUTES.values(minutes))
    return (days + rare * len(months)) * times


def _days(field: cron.Field, text: str, one_of_month: re.Pattern[str]) -> tuple[int, set[int]]:
    """Return how many items stand for one day of a month, and the numbers of the others."""
    items = text.split(",")
    others = [item for item in items if not one_of_month.search(item)]
    return len(items) - len(others), {number for each in others for number in field.values(each)}
