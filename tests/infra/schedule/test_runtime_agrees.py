"""The runtime can evaluate every cron that the constructs accept."""

from datetime import UTC, datetime

import pytest

from s3leader.schedule import Schedule
from s3leader_cdk._schedule import cron

AFTER, BEFORE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
DAYS = (
    "*",
    "1",
    "1-5/2",
    "1,15,31",
    "L",
    "l",
    "LW",
    "lw",
    "15W",
    "15w",
    "L-3",
    "L-3W",
    "1,L",
    "1,15W",
)
WEEKDAYS = ("*", "MON-FRI", "fri-mon", "1,7", "L", "6L", "FRIL", "2#1", "mon#5", "2#1,3#2", "1,L")


@pytest.mark.parametrize("day", DAYS)
def test_every_accepted_day_of_the_month_is_evaluated(day: str) -> None:
    fields = ["0", "3", day, "*", "?", "*"]
    try:
        cron.parse(fields)
    except ValueError:
        return
    assert list(Schedule(f"cron({' '.join(fields)})").ticks(AFTER, BEFORE))


@pytest.mark.parametrize("weekday", WEEKDAYS)
def test_every_accepted_day_of_the_week_is_evaluated(weekday: str) -> None:
    fields = ["0", "3", "?", "*", weekday, "*"]
    try:
        cron.parse(fields)
    except ValueError:
        return
    assert list(Schedule(f"cron({' '.join(fields)})").ticks(AFTER, BEFORE))


@pytest.mark.parametrize(
    "field", ["0/7 3 * * ? *", "5-50/9 */5 ? JAN,jul TUE *", "1,2 3 4 5 ? 2026/2"]
)
def test_plain_fields_mean_the_same(field: str) -> None:
    parsed = cron.parse(field.split())
    ticks = list(Schedule(f"cron({field})").ticks(AFTER, BEFORE))
    assert {tick.minute for tick in ticks} == {*parsed.minutes}
    assert {tick.hour for tick in ticks} == {*parsed.hours}
    assert {tick.month for tick in ticks} == {*parsed.months}
