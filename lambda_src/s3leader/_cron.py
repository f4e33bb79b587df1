"""The times of EventBridge's cron and `at` expressions.

A cron expression has EventBridge's six fields. `dateutil`, which is part of Lambda's Python
runtime, evaluates its days and knows the time zones. As in Scheduler, a local time that does not
exist is skipped, and one that exists twice fires once, the first time.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil import rrule, tz
from dateutil.zoneinfo import get_zonefile_instance

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
_SLACK: Final = timedelta(hours=3)  # more than the offsets of a zone change
_ITEM = re.compile(r"(?P<low>\*|\w+)(-(?P<high>\w+))?(/(?P<step>\d+))?")


def ticks_between(
    expression: str, zone_name: str, after: datetime, before: datetime
) -> Iterator[datetime]:
    """Yield the ticks between two times, without these, in order and in UTC.

    Raises `InvalidArgument` for an expression or a zone that cannot be evaluated.
    """
    zone = _zone(zone_name)
    if match := re.fullmatch(r"at\((.*)\)", expression):
        local = iter([datetime.fromisoformat(match[1])])
    elif match := re.fullmatch(r"cron\((.*)\)", expression):
        local = _local_times(match[1].split(), after.astimezone(zone), before.astimezone(zone))
    else:
        raise InvalidArgument(f"expected cron(…) or at(…), got {expression!r}")
    for each in local:
        tick = each.replace(tzinfo=zone)
        if tz.datetime_exists(tick) and after < tick < before:
            yield tick.astimezone(UTC)


def _zone(name: str) -> tzinfo:
    """Return a time zone, of the system or else of `dateutil`'s own database."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        found: tzinfo | None = get_zonefile_instance().get(name)
    if found is None:
        raise InvalidArgument(f"expected a time zone such as 'Europe/Berlin', got {name!r}")
    return found


def _local_times(fields: list[str], after: datetime, before: datetime) -> Iterator[datetime]:
    """Yield the local times without a zone; some hours before and after allow for offsets."""
    if len(fields) != len(_RANGES):
        raise InvalidArgument(
            f"expected the six fields of EventBridge's cron, got {len(fields)}: {' '.join(fields)}"
        )
    minutes, hours, _, _, _, years = fields
    times = sorted(itertools.product(_values("hours", hours), _values("minutes", minutes)))
    in_years, first = set(_values("year", years)), after.replace(tzinfo=None) - _SLACK
    for day in _days(fields, first.date(), before.date() + timedelta(days=1)):
        for hour, minute in times if day.year in in_years else ():
            local = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 - local
            if local >= first:
                yield local


def _days(fields: list[str], first: date, last: date) -> Iterator[date]:
    _, _, day, month, weekday, _ = (field.upper() for field in fields)
    bounds = {
        "dtstart": datetime(first.year, first.month, 1),  # noqa: DTZ001 - local
        "until": datetime(last.year, last.month, last.day) + _SLACK,  # noqa: DTZ001 - local
        "bymonth": _values("month", month),
    }
    days = rrule.rruleset()
    if weekday not in {"?", "*"}:
        for item in weekday.split(","):
            days.rrule(rrule.rrule(rrule.MONTHLY, byweekday=_weekdays(item), **bounds))
    else:
        for item in ("*" if day == "?" else day).split(","):
            _add_days_of_month(days, item, bounds)
    for found in days:
        if first <= found.date() <= last:
            yield found.date()


def _weekdays(item: str) -> Any:  # noqa: ANN401 - rrule's weekdays have no types
    """Return the weekdays of one item of the field day of week."""
    if item == "L":
        return rrule.SA
    if match := re.fullmatch(r"(\w+)(?:(L)|#([1-5]))", item):
        nth = -1 if match[2] else int(match[3])
        return _WEEKDAYS[_number("day of week", match[1]) - 1](nth)
    return [_WEEKDAYS[each - 1] for each in _values("day of week", item)]


def _add_days_of_month(days: rrule.rruleset, item: str, bounds: dict[str, Any]) -> None:
    """Add the days of one item of the field day of month."""
    match = re.fullmatch(r"(?:(\d{1,2})|L(?:-(\d{1,2}))?)(W?)", item)
    if item == "LW":
        workdays = {"byweekday": _WORKDAYS, "bysetpos": -1}
        days.rrule(rrule.rrule(rrule.MONTHLY, **workdays, **bounds))
    elif match is None:
        numbers = _values("day of month", item)
        days.rrule(rrule.rrule(rrule.MONTHLY, bymonthday=numbers, **bounds))
    else:
        number = _values("day of month", match[1])[0] if match[1] else -1 - int(match[2] or 0)
        named = rrule.rrule(rrule.MONTHLY, bymonthday=number, **bounds)
        if not match[3]:
            days.rrule(named)
            return
        for each in named:
            days.rdate(_nearest_workday(each))


def _nearest_workday(day: datetime) -> datetime:
    """Return the workday nearest to a day, in the same month."""
    shift = {5: -1, 6: 1}.get(day.weekday(), 0)  # Saturday to Friday, Sunday to Monday
    nearest = day + timedelta(days=shift)
    return nearest if nearest.month == day.month else day - timedelta(days=2 * shift)


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
