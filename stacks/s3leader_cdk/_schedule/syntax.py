"""Checks the syntax of schedule expressions; each error says what to write instead.

Users often write Unix cron expressions, which are translated to EventBridge's in the error.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime

from s3leader_cdk._schedule import cron

_AT = "%Y-%m-%dT%H:%M:%S"
# Unix's: Sunday is 0 and 7, and steps are allowed.
_DAY_OF_WEEK = cron.Field(name="day of week", low=0, high=7, names=cron.DAYS)


def check_expression(text: str) -> None:
    """Raise `ValueError` unless `text` is a cron or a one-time schedule that EventBridge accepts.

    Rates are not accepted: `schedule_expression` replaces them with crons.
    """
    if match := re.fullmatch(r"cron\((.*)\)", text):
        _check_cron(match[1])
    elif match := re.fullmatch(r"at\((.*)\)", text):
        _check_at(match[1])
    elif meant := translations(text):
        raise ValueError(_corrected(cron.SIX_FIELDS, meant))
    else:
        raise ValueError(
            "it is not a schedule expression of EventBridge: give one, for example"
            " 'rate(5 minutes)' or 'cron(0 3 * * ? *)'"
        )


def _check_cron(inner: str) -> None:
    try:
        cron.parse(inner.split())
    except ValueError as error:
        raise ValueError(_corrected(str(error), translations(inner))) from None


def _corrected(reason: str, meant: list[str]) -> str:
    if len(meant) < 2:
        return ": write ".join([reason, *map(repr, meant)])
    return (
        f"{reason}. Unix runs a job on the days of the month and on the days of the week, which"
        f" one EventBridge cron cannot express: give two schedules, {meant!r}"
    )


def _check_at(inner: str) -> None:
    with suppress(ValueError):
        if datetime.strptime(inner, _AT).strftime(_AT) == inner:  # noqa: DTZ007 - a local time
            return
    raise ValueError(
        "EventBridge takes a local date and time without a zone, such as"
        f" 'at(2030-01-02T03:04:05)', got {inner!r}"
    )


def translations(text: str) -> list[str]:
    """Return the EventBridge crons that mean the same as `text`; empty if its meaning is unclear.

    `text` is a Unix cron expression, or EventBridge's six fields with both a day of the month and a
    day of the week. If it restricts both days, two crons are returned: Unix runs the job on either
    of them, which one EventBridge cron cannot express.
    """
    fields = text.split()
    if len(fields) not in (5, 6):
        return []
    try:
        found = _candidates(fields)
        for each in found:
            cron.parse(each)
    except ValueError:
        return []
    return [f"cron({' '.join(each)})" for each in found]


def _candidates(fields: list[str]) -> list[list[str]]:
    minutes, hours, day, month, weekday, year = [*fields, "*"][:6]
    if len(fields) == 5 and "?" not in fields:  # with it, they are EventBridge's without the year
        weekday = _weekday(weekday)
    by_day = [minutes, hours, "*" if day == "?" else day, month, "?", year]
    by_weekday = [minutes, hours, "?", month, weekday, year]
    if weekday in ("*", "?"):
        return [by_day]
    if day in ("*", "?"):
        return [by_weekday]
    if "*" in day or "*" in fields[4]:
        return []  # with `*/2`, Unix requires a day that is in both fields
    return [by_day, by_weekday]


def _weekday(text: str) -> str:
    """Convert days of the week from Unix, where Sunday is 0, to EventBridge, where it is 1."""
    if not any(letter.isdigit() for letter in text):
        return text  # names are the same in both
    days = {value % 7 + 1 for value in _DAY_OF_WEEK.values(text)}
    return "*" if len(days) == 7 else cron.compressed(days)
