"""The ticks of a schedule, as EventBridge Scheduler fires them: which did the ledger miss?

A cron expression has EventBridge's six fields. `dateutil`, which is part of Lambda's Python
runtime, evaluates its days and knows the time zones. As in Scheduler, a local time that does not
exist is skipped, and one that exists twice fires once, the first time.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from dateutil import rrule, tz

from s3leader.errors import InvalidArgument

_MONTHS: Final = [
    "JAN",
    "FEB",
    "MAR",
    "APR",
    "MAY",
    "JUN",
    "JUL",
    "AUG",
    "SEP",
    "OCT",
    "NOV",
    "DEC",
]
_DAYS: Final = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_WORKDAYS: Final = (rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR)
_WEEKDAYS: Final = (rrule.SU, *_WORKDAYS, rrule.SA)  # EventBridge's 1 to 7
_RANGES: Final = {
    "minutes": (0, 59), "hours": (0, 23), "day of month": (1, 31), "month": (1, 12),
    "day of week": (1, 7), "year": (1970, 2199),
}  # fmt: skip
_ITEM = re.compile(r"(?P<low>\*|\w+)(-(?P<high>\w+))?(/(?P<step>\d+))?")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron or a one-time (`at`) expression, and the name of its time zone."""

    expression: str
    zone: str = "UTC"

    def ticks(self, after: datetime, before: datetime) -> Iterator[datetime]:
        """Yield the ticks between two times, without these, in order and in UTC.

        Raises `InvalidArgument` for an expression or a zone that cannot be evaluated.
        """
        zone = tz.gettz(self.zone)
        if zone is None:
            raise InvalidArgument(
                f"expected a time zone such as 'Europe/Berlin', got {self.zone!r}"
            )
        if match := re.fullmatch(r"at\((.*)\)", self.expression):
            local = iter([datetime.fromisoformat(match[1])])
        elif match := re.fullmatch(r"cron\((.*)\)", self.expression):
            local = _local_times(match[1].split(), after.astimezone(zone), before.astimezone(zone))
        else:
            raise InvalidArgument(f"expected cron(…) or at(…), got {self.expression!r}")
        for each in local:
            tick = each.replace(tzinfo=zone)
            if tz.datetime_exists(tick) and after < tick < before:
                yield tick.astimezone(UTC)


def missed_ticks(
    schedules: tuple[Schedule, ...], *, after: datetime, before: datetime, limit: int
) -> list[datetime]:
    """Return the first `limit` ticks that any of the schedules has between two times."""
    merged = sorted(
        {
            tick
            for schedule in schedules
            for tick in itertools.islice(schedule.ticks(after, before), limit)
        }
    )
    return merged[:limit]


def _local_times(fields: list[str], after: datetime, before: datetime) -> Iterator[datetime]:
    """Yield the local times without a zone; a day more on both ends allows for offsets."""
    if len(fields) != len(_RANGES):
        raise InvalidArgument(f"expected the six fields of EventBridge's cron, got {fields!r}")
    minutes, hours, _, _, _, years = fields
    times = sorted(itertools.product(_values("hours", hours), _values("minutes", minutes)))
    in_years = set(_values("year", years))
    for day in _days(fields, after.date() - timedelta(days=1), before.date() + timedelta(days=1)):
        if day.year in in_years:
            for hour, minute in times:
                yield datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 - local


def _days(fields: list[str], first: date, last: date) -> Iterator[date]:
    _, _, day, month, weekday, _ = fields
    months = _values("month", month)
    if match := re.fullmatch(r"(\d{1,2})W", day):
        yield from _nearest_workdays(int(match[1]), months, first, last)
        return
    rule = rrule.rrule(
        rrule.MONTHLY,
        dtstart=datetime(first.year, first.month, 1),  # noqa: DTZ001 - local
        bymonth=months,
        **_by_day(day, weekday),
    )
    for found in rule:
        if found.date() > last:
            return
        if found.date() >= first:
            yield found.date()


def _by_day(day: str, weekday: str) -> dict[str, Any]:
    """Return the arguments of `rrule` for the fields day of month and day of week."""
    if day == "LW":
        return {"byweekday": _WORKDAYS, "bysetpos": -1}
    if match := re.fullmatch(r"L(?:-(\d{1,2}))?", day):
        return {"bymonthday": -1 - int(match[1] or 0)}
    if match := re.fullmatch(r"(\w+)(?:(L)|#([1-5]))", weekday):
        nth = -1 if match[2] else int(match[3])
        return {"byweekday": _WEEKDAYS[_number("day of week", match[1]) - 1](nth)}
    if weekday not in {"?", "*"}:
        values = [7] if weekday == "L" else _values("day of week", weekday)
        return {"byweekday": [_WEEKDAYS[each - 1] for each in values]}
    return {"bymonthday": _values("day of month", "*" if day == "?" else day)}


def _nearest_workdays(day: int, months: list[int], first: date, last: date) -> Iterator[date]:
    """Yield the workday nearest to a day of each month, in the same month."""
    start = datetime(first.year, first.month, 1)  # noqa: DTZ001 - local
    for found in rrule.rrule(rrule.MONTHLY, dtstart=start, bymonth=months, bymonthday=day):
        named = found.date()
        if named > last + timedelta(days=2):
            return
        shift = {5: -1, 6: 1}.get(named.weekday(), 0)  # Saturday to Friday, Sunday to Monday
        nearest = named + timedelta(days=shift)
        if nearest.month != named.month:
            nearest = named - timedelta(days=2 * shift)
        if first <= nearest <= last:
            yield nearest


def _values(name: str, field: str) -> list[int]:
    """Return the values that a field of numbers, ranges, steps and lists allows."""
    low, high = _RANGES[name]
    values: set[int] = set()
    for item in field.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise _cannot(name, field)
        step = int(match["step"] or 1)
        if match["low"] == "*":
            begin, end = low, high
        else:
            begin = _number(name, match["low"])
            end = (
                _number(name, match["high"]) if match["high"] else high if match["step"] else begin
            )
        if begin <= end:
            values.update(range(begin, end + 1, step))
        else:  # FRI-MON
            values.update([*range(begin, high + 1, step), *range(low, end + 1, step)])
    if not values or min(values) < low or max(values) > high:
        raise _cannot(name, field)
    return sorted(values)


def _number(name: str, text: str) -> int:
    names = {"month": _MONTHS, "day of week": _DAYS}.get(name, [])
    if text.upper() in names:
        return names.index(text.upper()) + 1
    if not text.isdigit():
        raise _cannot(name, text)
    return int(text)


def _cannot(name: str, field: str) -> InvalidArgument:
    low, high = _RANGES[name]
    return InvalidArgument(
        f"expected the cron's {name} to be numbers from {low} to {high}, ranges, steps or lists,"
        f" got {field!r}"
    )
