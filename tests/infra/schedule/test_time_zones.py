"""Time zones, the ticks that they lose, and schedules that are never due."""

import re
from datetime import datetime
from typing import Any

import pytest
from aws_cdk import TimeZone
from aws_cdk.assertions import Annotations, Match

from s3leader_cdk._schedule import time_zones
from s3leader_cdk._schedule.expressions import is_over, lost_tick, schedule_expression
from tests.infra.jobs import build
from tests.infra.synth import new_stack


def lost(text: str, zone: str) -> str:
    found = lost_tick(schedule_expression(text, time_zone=TimeZone.of(zone)), first_year=2026)
    return str(found)


def warned(text: str, **options: Any) -> list[str]:
    """Return which constructs of a job have such a warning."""
    stack = new_stack()
    build(stack, **options)
    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp(text))
    return [each.id for each in found]


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-29 02:30:00"),
        ("cron(30 2 * * ? 2031)", "Europe/Berlin", "2031-03-30 02:30:00"),
        ("cron(0 0/2 * * ? *)", "Europe/Berlin", "2026-03-29 02:00:00"),
        ("cron(30 2 ? * 1L *)", "Europe/Berlin", "2026-03-29 02:30:00"),
        ("cron(15 * * * ? *)", "Australia/Lord_Howe", "2026-10-04 02:15:00"),
        ("cron(0 0 * * ? *)", "America/Santiago", "2026-09-06 00:00:00"),
        ("at(2027-03-28T02:30:00)", "Europe/Berlin", "2027-03-28 02:30:00"),
        ("cron(30 3 * * ? *)", "Europe/Berlin", "None"),
        ("cron(30 2 ? * MON-FRI *)", "Europe/Berlin", "None"),  # clocks change on Sundays
        ("cron(0/5 * * * ? *)", "Europe/Berlin", "None"),  # also due at 03:00, after 01:55
        ("cron(30 2 * * ? *)", "Asia/Tokyo", "None"),
        ("cron(30 2 * * ? *)", "Etc/UTC", "None"),
        ("cron(30 2 * * ? 1999)", "Europe/Berlin", "None"),
        ("at(2027-10-31T02:30:00)", "Europe/Berlin", "None"),  # occurs twice, and is run once
    ],
)
def test_a_tick_that_a_change_of_clocks_skips_is_found(text: str, zone: str, expected: str) -> None:
    assert lost(text, zone) == expected


def test_a_lost_tick_is_warned_of_once_for_each_schedule() -> None:
    text = "loses a tick, .* the clocks of Europe/Vienna skip 02:30 on that day"
    given = {"schedule": "cron(30 2 * * ? *)", "time_zone": TimeZone.EUROPE_VIENNA}
    assert warned(text, **given) == ["/Test/Job/Contenders"]


@pytest.mark.parametrize(
    ("zone", "near"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("Mars/Phobos Base", "Europe/Berlin"),
    ],
)
def test_an_unknown_time_zone_is_refused_with_a_close_one(zone: str, near: str) -> None:
    match = f"'cron.*' cannot be used: unknown time zone '{zone}': .* such as '{near}'"
    with pytest.raises(ValueError, match=match):
        schedule_expression("cron(0 3 * * ? *)", time_zone=TimeZone.of(zone))


def test_a_machine_without_time_zones_accepts_every_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_zones, "names", frozenset)
    assert lost("cron(30 2 * * ? *)", "Mars/Olympus") == "None"
    assert not over("at(2020-01-02T03:04:05)", "Mars/Olympus")


@pytest.mark.parametrize(("zone", "count"), [("Europe/Vienna", 1), ("Etc/UTC", 0)])
def test_a_machine_without_time_zones_warns_of_what_it_has_not_checked(
    zone: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_zones, "names", frozenset)
    text = f"{zone} .* was not checked, .* install the package tzdata"
    assert len(warned(text, time_zone=TimeZone.of(zone))) == count


def over(text: str, zone: str = "Etc/UTC") -> bool:
    given = schedule_expression(text, time_zone=TimeZone.of(zone))
    return is_over(given, now=datetime.fromisoformat("2026-11-26T12:00:30+00:00"))


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("cron(0 3 29 2 ? 2027)", "Etc/UTC", True),  # no leap year
        ("cron(0 12 26 11 ? 2026)", "Etc/UTC", True),
        ("cron(0 3 ? 11 MON 2020-2025)", "Etc/UTC", True),
        ("cron(0 20 26 11 ? 2026)", "Asia/Tokyo", True),  # where it is 21:00
        ("at(2026-11-26T12:00:00)", "Etc/UTC", True),
        ("cron(0 3 29 2 ? *)", "Etc/UTC", False),
        ("cron(0 3 1 1 ? 2199)", "Etc/UTC", False),
        ("cron(0 3 L 11 ? 2026)", "Etc/UTC", False),
        ("cron(1 12 26 11 ? 2026)", "Etc/UTC", False),
        ("cron(0,30 3-12 26 11 ? 2026)", "Etc/UTC", False),
        ("cron(0 3 ? * 2#1 2026)", "Etc/UTC", False),
        ("cron(0 8 26 11 ? 2026)", "America/New_York", False),  # where it is 07:00
        ("at(2026-11-26T12:01:00)", "Etc/UTC", False),
    ],
)
def test_a_schedule_is_over_after_its_last_tick(text: str, zone: str, *, expected: bool) -> None:
    assert over(text, zone) is expected


@pytest.mark.parametrize(
    ("text", "count"),
    [("cron(0 3 1 1 ? 2020)", 1), ("at(2020-01-01T03:00:00)", 1), ("cron(0 3 * * ? *)", 0)],
)
def test_a_schedule_that_is_never_due_is_warned_of(text: str, count: int) -> None:
    found = warned(f"schedule '{re.escape(text)}' is never due again", schedule=text)
    assert found == ["/Test/Job/Contenders"] * count
