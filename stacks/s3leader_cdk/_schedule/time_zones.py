"""The time zone of a schedule: whether it exists, and which local times it skips.

EventBridge Scheduler does not start a schedule at a local time that the clocks skip, and starts it
once at one that occurs twice (User Guide, *Schedule types*, "Daylight savings time").
"""

from __future__ import annotations

import zoneinfo
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cache
from itertools import pairwise

from s3leader_cdk._schedule.cron import Cron

_NOT_ZONES = frozenset({"Factory", "localtime"})  # in some machines' databases, but not places
_FURTHEST_WEST = timedelta(hours=12)
_YEARS = 10  # searched for clock changes, whose dates repeat every few years


def check_name(name: str) -> None:
    """Raise `ValueError` unless the time zone database has a zone of that name.

    On a machine without a database, every name passes: see `has_database`.
    """
    if name in names() or (not has_database() and name not in _NOT_ZONES):
        return
    suggested = " or ".join(map(repr, _similar(name) or ["Europe/Berlin"]))
    raise ValueError(
        f"unknown time zone {name!r}: give a name of the IANA time zone database, such as"
        f" {suggested}. If it is newer than this machine's database, install the package tzdata"
    )


def has_database() -> bool:
    """Return whether this machine has a time zone database: Windows and small images may not."""
    return bool(names())


@cache
def names() -> frozenset[str]:
    """Return the names in this machine's time zone database."""
    return frozenset(zoneinfo.available_timezones()) - _NOT_ZONES


def skips(zone: str, local: datetime) -> bool:
    """Return whether the clocks of `zone` never show the local time `local`."""
    tz = zoneinfo.ZoneInfo(zone)
    shown = local.replace(tzinfo=tz).astimezone(UTC).astimezone(tz)
    return shown.replace(tzinfo=None) != local


def earliest_local(zone: str, now: datetime) -> datetime:
    """Return the local time at `now`, or the earliest possible one if `zone` is not known."""
    if zone in names():
        return now.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)
    return now.astimezone(UTC).replace(tzinfo=None) - _FURTHEST_WEST


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
    years = sorted(year for year in cron.years if year >= first_year)[:_YEARS]
    tz = zoneinfo.ZoneInfo(zone)
    for year in years:
        for start, skipped in _skipped(tz, year):
            for minute in range(skipped // timedelta(minutes=1)):
                local = start + timedelta(minutes=minute)
                if _is_due(cron, local) and not _is_due(cron, local + skipped):
                    return local
    return None


def _similar(name: str) -> list[str]:
    known = {each.casefold(): each for each in sorted(names())}
    cities = {each.rpartition("/")[2]: each for each in known if "/" in each}
    wanted = name.casefold().replace(" ", "_")
    found = get_close_matches(wanted, known, n=3, cutoff=0.7)
    found += [cities[each] for each in get_close_matches(wanted.rpartition("/")[2], cities, n=1)]
    return [known[each] for each in dict.fromkeys(found)][:3]


def _skipped(tz: zoneinfo.ZoneInfo, year: int) -> Iterator[tuple[datetime, timedelta]]:
    """Yield each local time at which the clocks go forward in `year`, and by how much."""
    first = datetime(year, 1, 1, tzinfo=UTC)
    days = [first + timedelta(days=day) for day in range(367)]
    for before, after in pairwise(days):
        skipped = _offset(tz, after) - _offset(tz, before)
        if skipped > timedelta(0):
            change = _change(tz, before, after)
            yield (change + _offset(tz, before)).replace(tzinfo=None), skipped


def _change(tz: zoneinfo.ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the first minute between two instants at which the later offset applies."""
    low, high = 0, (after - before) // timedelta(minutes=1)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(tz, before + timedelta(minutes=middle)) == _offset(tz, before):
            low = middle
        else:
            high = middle
    return before + timedelta(minutes=high)


def _offset(tz: zoneinfo.ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(tz).utcoffset() or timedelta(0)


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
