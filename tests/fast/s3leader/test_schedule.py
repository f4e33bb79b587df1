"""The ticks of EventBridge's schedule expressions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from s3leader import InvalidArgument
from s3leader.schedule import Schedule, missed_ticks

START = datetime(2026, 1, 1, tzinfo=UTC)


def first(expression: str, count: int = 3, zone: str = "UTC", after: datetime = START) -> list[str]:
    """Return the first ticks after a time, as local times of the zone."""
    ticks = Schedule(expression, zone).ticks(after, after + timedelta(days=3650))
    return [next(ticks).strftime("%Y-%m-%dT%H:%M") for _ in range(count)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 3 * * ? *)", ["2026-01-01T03:00", "2026-01-02T03:00", "2026-01-03T03:00"]),
        ("cron(0/20 * * * ? *)", ["2026-01-01T00:20", "2026-01-01T00:40", "2026-01-01T01:00"]),
        ("cron(*/30 1,2 * * ? *)", ["2026-01-01T01:00", "2026-01-01T01:30", "2026-01-01T02:00"]),
        ("cron(0 12 ? * MON-FRI *)", ["2026-01-01T12:00", "2026-01-02T12:00", "2026-01-05T12:00"]),
        ("cron(0 12 ? * FRI-MON *)", ["2026-01-02T12:00", "2026-01-03T12:00", "2026-01-04T12:00"]),
        ("cron(0 12 ? * 1 *)", ["2026-01-04T12:00", "2026-01-11T12:00", "2026-01-18T12:00"]),
        ("cron(0 0 L * ? *)", ["2026-01-31T00:00", "2026-02-28T00:00", "2026-03-31T00:00"]),
        ("cron(0 0 L-2 * ? *)", ["2026-01-29T00:00", "2026-02-26T00:00", "2026-03-29T00:00"]),
        ("cron(0 0 LW * ? *)", ["2026-01-30T00:00", "2026-02-27T00:00", "2026-03-31T00:00"]),
        ("cron(0 0 1W * ? *)", ["2026-02-02T00:00", "2026-03-02T00:00", "2026-04-01T00:00"]),
        ("cron(0 0 15W * ? *)", ["2026-01-15T00:00", "2026-02-16T00:00", "2026-03-16T00:00"]),
        ("cron(0 0 ? * 6L *)", ["2026-01-30T00:00", "2026-02-27T00:00", "2026-03-27T00:00"]),
        ("cron(0 0 ? * L *)", ["2026-01-03T00:00", "2026-01-10T00:00", "2026-01-17T00:00"]),
        ("cron(0 0 ? * TUE#2 *)", ["2026-01-13T00:00", "2026-02-10T00:00", "2026-03-10T00:00"]),
        ("cron(0 0 31 * ? *)", ["2026-01-31T00:00", "2026-03-31T00:00", "2026-05-31T00:00"]),
        ("cron(0 0 29 FEB ? *)", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("cron(0 0 1 1/6 ? 2027-2028)", ["2027-01-01T00:00", "2027-07-01T00:00"]),
        ("at(2026-05-06T07:08:09)", ["2026-05-06T07:08"]),
    ],
)
def test_ticks_are_those_of_eventbridge(expression: str, expected: list[str]) -> None:
    assert first(expression, len(expected)) == expected


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        pytest.param((2026, 3, 28), ["2026-03-28T01:30", "2026-03-30T00:30"], id="skipped"),
        pytest.param((2026, 10, 25), ["2026-10-25T00:30", "2026-10-26T01:30"], id="fires once"),
    ],
)
def test_night_of_the_clock_change(around: tuple[int, int, int], expected: list[str]) -> None:
    after = datetime(*around, tzinfo=UTC) - timedelta(hours=3)
    assert first("cron(30 2 * * ? *)", 2, "Europe/Berlin", after) == expected


def test_missed_ticks_of_several_schedules_are_merged_and_limited() -> None:
    schedules = (Schedule("cron(0 6 * * ? *)"), Schedule("cron(0 6,18 * * ? *)"))
    found = missed_ticks(schedules, after=START, before=START + timedelta(days=9), limit=3)
    assert [(tick.day, tick.hour) for tick in found] == [(1, 6), (1, 18), (2, 6)]


def test_both_ends_are_left_out() -> None:
    ends = START, START + timedelta(days=1)
    assert list(Schedule("cron(0 0 * * ? *)").ticks(*ends)) == []


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("rate(5 minutes)", "UTC"),
        ("cron(0 3 * * ?)", "UTC"),
        ("cron(60 3 * * ? *)", "UTC"),
        ("cron(x 3 * * ? *)", "UTC"),
        ("cron(0 3 32 * ? *)", "UTC"),
        ("cron(0 3 * * ? *)", "Mars/Olympus"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(expression: str, zone: str) -> None:
    with pytest.raises(InvalidArgument, match="expected"):
        list(Schedule(expression, zone).ticks(START, START + timedelta(days=1)))
