"""Translate Unix cron expressions to EventBridge's, for error messages."""

from __future__ import annotations

import re

from s3leader_cdk._schedule import cron

_SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_ZERO = re.compile(r"(?<!\d)0(?!\d)")  # Sunday in Unix; EventBridge has no day 0
# Unix's: Sunday is 0 and 7, and steps are allowed.
_DAY_OF_WEEK = cron.Field(name="day of week", low=0, high=7, names=cron.DAYS)


def translations(text: str) -> list[str]:
    """Return the EventBridge crons for what `text` means; an empty list if that is unclear.

    `text` is a Unix cron expression, or EventBridge's six fields with Unix habits: both a day of
    the month and a day of the week, or Sunday as 0. Two crons are returned if both days are given:
    Unix runs the job on either of them, which one EventBridge cron cannot express.
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
    """Convert days of the week from Unix, where Sunday is 0, to EventBridge, where it is 1."""
    if text == "?" or not any(letter.isdigit() for letter in text):
        return text  # names are the same in both
    days = {value % 7 + 1 for value in _DAY_OF_WEEK.values(text)}
    return "*" if len(days) == 7 else cron.compressed(days)
