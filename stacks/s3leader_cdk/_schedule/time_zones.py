"""The time zone of a schedule: whether it exists, and which local times it skips.

EventBridge Scheduler does not start a schedule at a local time that the clocks skip, and starts it
once at one that occurs twice (User Guide, *Schedule types*, "Daylight savings time").
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from s3leader_cdk._schedule.cron import Cron

_YEARS = 10  # searched for clock changes, whose dates repeat every few years
_DAY = 1440  # in minutes


def check_name(name: str) -> None:
    """Raise `ValueError` unless the time zone database has a zone of that name.

    On a machine without a database, every name passes: see `has_database`.
    """
    if name in names() or not has_database():
        return
    near = get_close_matches(name, sorted(names())) or ["Europe/Berlin"]
    raise ValueError(
        f"unknown time zone {name!r}: give a name of the IANA time zone database, such as"
        f" {' or '.join(map(repr, near))}. If it is newer than this machine's database, install the"
        " package tzdata"
    )


def has_database() -> bool:
    """Return whether this machine has a time zone database: Windows and small images may not."""
    return bool(names())


@cache
def names() -> frozenset[str]:
    """Return the names in this machine's time zone database."""
    return frozenset(available_timezones())


def is_over(cron: Cron, now: datetime) -> bool:
    """Return whether `cron` is never due at or after the local time `now`.

    For `L`, `W` and `#`, every day that may match counts.
    """
    last = time(max(cron.hours), max(cron.minutes))
    days = (
        date(year, month, day)
        for year in sorted(cron.years)
        for month in sorted(cron.months)
        for day in sorted(cron.days)
        if year >= now.year and day <= monthrange(year, month)[1]
    )
    return not any(
        _weekday(day) in cron.weekdays and datetime.combine(day, last) >= now for day in days
    )


def first_lost_tick(cron: Cron, zone: str, *, first_year: int) -> datetime | None:
    """Return the first local time from `first_year` on at which `cron` loses a tick.

    A skipped time is not lost if the cron is also due at the time that the clocks show instead: an
    hourly cron stays hourly. For `L`, `W` and `#`, the tick may be on another day.
    """
    tz = ZoneInfo(zone)
    for year in sorted(year for year in cron.years if year >= first_year)[:_YEARS]:
        for day in _days_of_change(tz, year):
            for minute in range(-_DAY, _DAY):  # the skipped hour may begin on the day before
                local = day + timedelta(minutes=minute)
                if _is_due(cron, local):
                    shown = _shown(tz, local)
                    if shown != local and not _is_due(cron, shown):
                        return local
    return None


def _days_of_change(tz: ZoneInfo, year: int) -> Iterator[datetime]:
    """Yield the days on which the zone's offset from UTC changes."""
    days = [datetime(year, 1, 1, tzinfo=tz) + timedelta(days=day) for day in range(367)]
    for before, after in pairwise(days):
        if before.utcoffset() != after.utcoffset():
            yield before.replace(tzinfo=None)


def _shown(tz: ZoneInfo, local: datetime) -> datetime:
    """Return what the clocks show at a local time: a later one if they skip it."""
    return local.replace(tzinfo=tz).astimezone(UTC).astimezone(tz).replace(tzinfo=None)


def _is_due(cron: Cron, local: datetime) -> bool:
    return (
        local.minute in cron.minutes
        and local.hour in cron.hours
        and local.day in cron.days
        and local.month in cron.months
        and _weekday(local.date()) in cron.weekdays
        and local.year in cron.years
    )


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1  # Sunday is 1
