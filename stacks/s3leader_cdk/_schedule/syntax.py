"""Checks the syntax of schedule expressions; each error says what to write instead.

Users often write Unix cron expressions, which are translated to EventBridge's in the error.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from s3leader_cdk._schedule import cron

_MAX_CHARACTERS = 256  # of ScheduleExpression, by the API reference of CreateSchedule
_UNSUPPORTED_RATE = re.compile(r"rate\((\d{1,9}) (second|week|month|year)s?\)", re.ASCII)
_AT = "%Y-%m-%dT%H:%M:%S"
_SIX_FIELDS = (
    "EventBridge takes six fields (minutes, hours, day of month, month, day of week, year), with"
    " a ? in the day field that is not used, such as 'cron(0 3 * * ? *)'"
)
_INSTEAD = {
    "week": "give a cron expression, such as 'cron(0 0 ? * MON *)', which is due every Monday",
    "month": "give a cron expression, such as 'cron(0 0 1 * ? *)', which is due on the first of"
    " every month",
    "year": "give a cron expression, such as 'cron(0 0 1 1 ? *)', which is due on 1 January",
}

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


def check_expression(text: str) -> None:
    """Raise `ValueError` unless `text` is a cron or a one-time schedule that EventBridge accepts.

    Rates are not accepted: `schedule_expression` replaces them with crons.
    """
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(
            f"expected at most {_MAX_CHARACTERS} characters, got {len(text)}: give several"
            " schedules"
        )
    if match := re.fullmatch(r"cron\((.*)\)", text):
        _check_cron(match[1])
    elif match := re.fullmatch(r"at\((.*)\)", text):
        _check_at(match[1])
    else:
        raise ValueError(_unsupported(text))


def _check_cron(inner: str) -> None:
    fields = inner.split()
    if len(fields) != len(cron.FIELDS):
        raise ValueError(_with_translation(inner, _SIX_FIELDS))
    try:
        cron.parse(fields)
    except ValueError as error:
        raise ValueError(_with_translation(inner, str(error))) from None


def _with_translation(inner: str, reason: str) -> str:
    meant = translations(inner)
    if not meant:
        return reason
    if len(meant) == 1:
        return f"{reason}: write {meant[0]!r}"
    return (
        f"{reason}. Unix runs a job on the days of the month and on the days of the week, which"
        f" one EventBridge cron cannot express: give two schedules, {meant!r}"
    )


def _check_at(inner: str) -> None:
    try:
        if datetime.strptime(inner, _AT).strftime(_AT) == inner:  # noqa: DTZ007 - a local time
            return
    except ValueError:
        pass
    expected = "EventBridge takes a local date and time without a zone, such as"
    try:
        meant = datetime.fromisoformat(inner)
    except ValueError:
        raise ValueError(f"{expected} 'at(2030-01-02T03:04:05)', got {inner!r}") from None
    if meant.tzinfo is None:
        raise ValueError(f"{expected} {_at(meant)!r}")
    raise ValueError(f"{expected} {_at(meant.astimezone(UTC))!r} with time_zone UTC")


def _at(local: datetime) -> str:
    return f"at({local.replace(tzinfo=None).strftime(_AT)})"


def _unsupported(text: str) -> str:
    if match := _UNSUPPORTED_RATE.fullmatch(text):
        number, unit = int(match[1]), match[2]
        if unit == "second":
            return _too_often(number)
        return f"EventBridge counts rates in minutes, hours and days: {_INSTEAD[unit]}"
    if meant := translations(text):
        written = repr(meant[0]) if len(meant) == 1 else f"two schedules, {meant!r}"
        return f"{_SIX_FIELDS}: write {written}"
    if len(text.split()) == len(cron.FIELDS):
        return f"a cron expression needs cron(…) around it: write {f'cron({text})'!r}"
    return (
        "it is not a schedule expression of EventBridge: give one, for example 'rate(5 minutes)' or"
        " 'cron(0 3 * * ? *)'"
    )


def _too_often(seconds: int) -> str:
    if seconds > 0 and seconds % 60 == 0:
        unit = "minute" if seconds == 60 else "minutes"
        return f"EventBridge counts in minutes: write 'rate({seconds // 60} {unit})'"
    return (
        "EventBridge's shortest interval is a minute: give 'rate(1 minute)' and let the leader work"
        " several times in its term, or campaign in a long-running process"
    )


def translations(text: str) -> list[str]:
    """Return the EventBridge crons that mean the same as `text`; empty if its meaning is unclear.

    `text` is a Unix cron expression, or EventBridge's six fields with both a day of the month and a
    day of the week, or with Sunday as 0. If it has both days, two crons are returned: Unix runs the
    job on either of them, which one EventBridge cron cannot express.
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
        return []  # with `*/2`, Unix requires a day that is in both fields
    return [by_day, by_weekday]


def _weekday(text: str) -> str:
    """Convert days of the week from Unix, where Sunday is 0, to EventBridge, where it is 1."""
    if text == "?" or not any(letter.isdigit() for letter in text):
        return text  # names are the same in both
    days = {value % 7 + 1 for value in _DAY_OF_WEEK.values(text)}
    return "*" if len(days) == 7 else cron.compressed(days)
