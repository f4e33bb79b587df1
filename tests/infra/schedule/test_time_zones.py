"""Schedules that are never due, zones of no place, and blanks around an expression."""

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from aws_cdk import TimeZone
from aws_cdk.assertions import Annotations, Match
from aws_cdk.aws_scheduler import ScheduleExpression

from s3leader_cdk._schedule import time_zones
from s3leader_cdk._schedule.expressions import is_over, schedule_expression
from tests.infra.jobs import build
from tests.infra.schedule.test_expressions import expression
from tests.infra.synth import new_stack


def over(text: str, zone: str = "Etc/UTC", now: str = "2026-11-26T12:00:30+00:00") -> bool:
    given = schedule_expression(text, time_zone=TimeZone.of(zone))
    return is_over(given, now=datetime.fromisoformat(now))


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("cron(0 3 1 1 ? 2020)", "Etc/UTC"),
        ("cron(0 3 29 2 ? 2027)", "Etc/UTC"),  # no leap year
        ("cron(0 3 26 11 ? 2026)", "Etc/UTC"),
        ("cron(0 12 26 11 ? 2026)", "Etc/UTC"),
        ("cron(0 3 ? 11 MON 2020-2025)", "Etc/UTC"),
        ("cron(0 20 26 11 ? 2026)", "Asia/Tokyo"),  # where it is 21:00
        ("at(2020-01-02T03:04:05)", "Etc/UTC"),
        ("at(2026-11-26T12:00:00)", "Etc/UTC"),
    ],
)
def test_a_schedule_whose_ticks_are_all_past_is_over(text: str, zone: str) -> None:
    assert over(text, zone)


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("cron(0 3 * * ? *)", "Etc/UTC"),
        ("cron(0 3 29 2 ? *)", "Etc/UTC"),
        ("cron(0 3 1 1 ? 2199)", "Etc/UTC"),
        ("cron(0 3 L 11 ? 2026)", "Etc/UTC"),
        ("cron(1 12 26 11 ? 2026)", "Etc/UTC"),
        ("cron(0,30 3-12 26 11 ? 2026)", "Etc/UTC"),
        ("cron(0 3 ? * 2#1 2026)", "Etc/UTC"),
        ("cron(0 8 26 11 ? 2026)", "America/New_York"),  # where it is 07:00
        ("at(2026-11-26T12:00:31)", "Etc/UTC"),
    ],
)
def test_a_schedule_with_a_tick_to_come_is_not_over(text: str, zone: str) -> None:
    assert not over(text, zone)


def test_a_machine_that_knows_no_time_zones_takes_the_latest_that_may_be_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time_zones, "names", frozenset)
    times = ["at(2026-11-26T00:00:00)", "at(2026-11-26T00:01:00)"]
    assert [over(each, "Etc/GMT+12") for each in times] == [True, False]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("cron(0 3 1 1 ? 2020)", 1),
        ("cron(0 3 29 2 ? 2021)", 1),
        ("at(2020-01-01T03:00:00)", 1),
        ("cron(0 3 * * ? *)", 0),
    ],
)
def test_a_schedule_that_is_never_due_is_warned_of(text: str, count: int) -> None:
    stack = new_stack()
    build(stack, schedule=text)
    found = Annotations.from_stack(stack).find_warning(
        "*", Match.string_like_regexp(f"schedule '{re.escape(text)}' is never due again")
    )
    assert [each.id for each in found] == ["/Test/Job/Contenders"] * count


@pytest.mark.parametrize("known", [True, False], ids=["database", "no database"])
@pytest.mark.parametrize("zone", ["localtime", "Factory"])
def test_what_is_no_zone_of_a_place_is_refused_on_every_machine(
    zone: str, monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    if not known:
        monkeypatch.setattr(time_zones, "names", frozenset)
    with pytest.raises(ValueError, match=f"unknown time zone '{zone}': .* such as '"):
        expression("cron(0 3 * * ? *)", TimeZone.of(zone))


@pytest.mark.parametrize("text", [" cron(0 3 * * ? *)", "cron(0 3 * * ? *)\n", "\trate(1 day) "])
@pytest.mark.parametrize("wrap", [str, ScheduleExpression.expression], ids=["text", "expression"])
def test_blanks_around_a_schedule_do_not_matter(
    text: str, wrap: Callable[[str], str | ScheduleExpression]
) -> None:
    assert expression(wrap(text)) == expression(text.strip())
