"""The crontab of Unix, said in EventBridge's cron expressions: what to write instead."""

from __future__ import annotations

import re

from s3leader_cdk import cron

_SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_ZERO = re.compile(r"(?<!\d)0(?!\d)")  # the Sunday of Unix, whatever the other fields are
# Sunday is 0 and 7. Unlike EventBridge's, its steps are allowed.
_DAY_OF_WEEK = cron.Field(name="day of week", low=0, high=7, names=cron.DAYS)


def translations(text: str) -> list[str]:
    """Return the crons that are due when `text` is meant to be, or none where it is not known.

    `text` is what stands in a crontab, or EventBridge's six fields with the day of the week left
    beside the day of the month, or counted as in Unix. Two crons stand for a job that is due on
    days of the month *and* on days of the week: Unix runs it on either, and one of EventBridge's
    crons cannot say that.
    """
    fields = _SHORTHANDS.get(text, text).split()
    try:
        found = _candidates(fields)
        for each in found:
            cron.parse(each)
    except ValueError:
        return []
    return [f"cron({' '.join(each)})" for each in found]


def _candidates(fields: list[str]) -> list[list[str]]:
    if len(fields) == 5 and "?" in fields:
        return [[*fields, "*"]]  # EventBridge's already, without the year
    if len(fields) not in (5, 6):
        return []
    minutes, hours, day, month, weekday, year = [*fields, "*"][:6]
    if len(fields) == 5 or _ZERO.search(weekday):
        weekday = _weekday(weekday)
    by_day = [minutes, hours, day, month, "?", year]
    by_weekday = [minutes, hours, "?", month, weekday, year]
    if weekday in ("*", "?"):
        return [[*by_day[:2], "*" if day == "?" else day, *by_day[3:]]]
    if day in ("*", "?"):
        return [by_weekday]
    if "*" in day or "*" in fields[4]:
        return []  # with `*/2`, Unix means days that are in both fields
    return [by_day, by_weekday]


def _weekday(text: str) -> str:
    """Return a day of the week as EventBridge counts: one more, and Sunday is 1."""
    if text == "?" or not any(letter.isdigit() for letter in text):
        return text  # names are the same in both
    days = {value % 7 + 1 for value in _DAY_OF_WEEK.values(text)}
    return "*" if len(days) == 7 else cron.compressed(days)
