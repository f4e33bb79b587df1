import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Stack, TimeZone
from aws_cdk import aws_events as events
from aws_cdk.assertions import Annotations, Match
from aws_cdk.aws_scheduler import ScheduleExpression

from s3leader_cdk import Contenders
from s3leader_cdk._schedule import time_zones
from s3leader_cdk._schedule.expressions import (
    interval,
    lost_tick,
    schedule_expression,
    schedule_expressions,
)
from tests.infra.jobs import build
from tests.infra.permissions.test_grants import function
from tests.infra.synth import new_stack, synthesize

RATES = {
    **{f"rate({number} minutes)": number for number in (2, 3, 4, 5, 6, 10, 12, 15, 20, 30)},
    **{f"rate({number} hours)": number * 60 for number in (2, 3, 4, 6, 8, 12)},
    "rate(1 minute)": 1,
    "rate(60 minutes)": 60,
    "rate(1 hour)": 60,
    "rate(120 minutes)": 120,
    "rate(24 hours)": 1440,
    "rate(1 day)": 1440,
}
UNEVEN = ["rate(7 minutes)", "rate(45 minutes)", "rate(90 minutes)", "rate(5 hours)"]
UNEVEN += ["rate(48 hours)", "rate(2 days)", "rate(0 minutes)"]


def expression(schedule: str | ScheduleExpression, zone: TimeZone | None = None) -> str:
    return schedule_expression(schedule, time_zone=zone).expression_string


def values(field: str, count: int) -> list[int]:
    """Return what a field of a cron allows: all, from zero in steps, or one."""
    if field == "*":
        return list(range(count))
    first, _, step = field.partition("/")
    return list(range(int(first), count, int(step))) if step else [int(first)]


def ticks(cron: str) -> list[int]:
    """Return the minutes of a day at which a cron is due."""
    minute, hour, *every_day = cron.removeprefix("cron(").removesuffix(")").split()
    assert every_day == ["*", "*", "?", "*"]
    return [60 * hours + minutes for hours in values(hour, 24) for minutes in values(minute, 60)]


@pytest.mark.parametrize(
    ("rate", "cron"),
    [
        ("rate(1 minute)", "cron(* * * * ? *)"),
        ("rate(5 minutes)", "cron(0/5 * * * ? *)"),
        ("rate(1 hour)", "cron(0 * * * ? *)"),
        ("rate(6 hours)", "cron(0 0/6 * * ? *)"),
        ("rate(1 day)", "cron(0 0 * * ? *)"),
    ],
)
def test_a_rate_becomes_a_cron(rate: str, cron: str) -> None:
    assert expression(rate) == cron


@pytest.mark.parametrize(("rate", "minutes"), RATES.items())
def test_a_rate_is_due_at_its_multiples_all_day(rate: str, minutes: int) -> None:
    assert ticks(expression(rate)) == list(range(0, 1440, minutes))


def is_taken(minutes: int) -> bool:
    try:
        expression(f"rate({minutes} minutes)")
    except ValueError:
        return False
    return True


def test_only_minutes_that_divide_an_hour_and_hours_that_divide_a_day_are_taken() -> None:
    assert {minutes for minutes in range(3000) if is_taken(minutes)} == set(RATES.values())


@pytest.mark.parametrize("rate", UNEVEN)
def test_an_uneven_rate_is_refused_with_reason_and_remedy(rate: str) -> None:
    reason = "counts a rate from the creation of each schedule, .*: give a cron expression"
    with pytest.raises(
        ValueError, match=rf"schedule '{re.escape(rate)}' cannot be used: .*{reason}"
    ):
        expression(rate)


@pytest.mark.parametrize("contenders", [1, 2, 10])
def test_all_contenders_are_due_by_the_clock(contenders: int) -> None:
    template = synthesize(
        lambda stack: build(stack, schedule="rate(5 minutes)", contenders=contenders)
    )
    schedules = template.properties("AWS::Scheduler::Schedule")
    due = [(each["ScheduleExpression"], each["ScheduleExpressionTimezone"]) for each in schedules]
    assert due == [("cron(0/5 * * * ? *)", "Etc/UTC")] * contenders


def test_contenders_by_themselves_are_due_by_the_clock_too() -> None:
    def contend(stack: Stack) -> None:
        Contenders(
            stack,
            "Contenders",
            function=function(stack),
            expressions=[ScheduleExpression.rate(Duration.minutes(5))],
            count=2,
            max_tick_age=Duration.hours(1),
        )

    schedules = synthesize(contend).properties("AWS::Scheduler::Schedule")
    assert [each["ScheduleExpression"] for each in schedules] == ["cron(0/5 * * * ? *)"] * 2


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (lambda: ScheduleExpression.rate(Duration.minutes(5)), "cron(0/5 * * * ? *)"),
        (lambda: ScheduleExpression.rate(Duration.hours(24)), "cron(0 0 * * ? *)"),
        (lambda: ScheduleExpression.expression("rate(1 hour)"), "cron(0 * * * ? *)"),
        (lambda: ScheduleExpression.cron(minute="7", hour="3"), "cron(7 3 * * ? *)"),
        (
            lambda: ScheduleExpression.at(datetime(2030, 1, 2, tzinfo=UTC)),
            "at(2030-01-02T00:00:00)",
        ),
    ],
    ids=["rate", "rate of a day", "text", "cron", "at"],
)
def test_expressions_are_treated_as_texts_are(
    given: Callable[[], ScheduleExpression], used: str
) -> None:
    assert expression(given()) == used


def test_an_uneven_rate_is_refused_as_an_expression_too() -> None:
    with pytest.raises(ValueError, match=r"schedule 'rate\(7 minutes\)' cannot be used"):
        expression(ScheduleExpression.rate(Duration.minutes(7)))


@pytest.mark.parametrize("text", ["at(2030-01-02T03:04:05)", "cron(0 3 ? * MON-FRI *)"])
def test_what_goes_by_the_clock_is_left_as_it_is(text: str) -> None:
    assert expression(text, TimeZone.EUROPE_VIENNA) == text


@pytest.mark.parametrize(
    "text",
    ["rate(five minutes)", "rate(5)", "Rate(5 minutes)", "every(1 day)", ""],
)
def test_other_texts_are_echoed(text: str) -> None:
    match = rf"schedule '{re.escape(text)}' cannot be used: it is not a schedule expression"
    with pytest.raises(ValueError, match=match):
        expression(text)


@pytest.mark.parametrize(
    "given",
    ["cron(60 3 * * ? *)", ScheduleExpression.expression("cron(60 3 * * ? *)")],
    ids=["text", "expression"],
)
def test_a_cron_that_eventbridge_refuses_is_refused_with_field_and_value(
    given: str | ScheduleExpression,
) -> None:
    match = r"schedule 'cron\(60 .*' cannot be used: minutes '60': EventBridge takes 0 to 59"
    with pytest.raises(ValueError, match=match):
        expression(given)


def test_a_cron_made_by_cdk_is_refused_too() -> None:
    with pytest.raises(ValueError, match=r"day of week '0': .*: write 'cron\(0 3 \? \* 1 \*\)'"):
        expression(ScheduleExpression.cron(minute="0", hour="3", week_day="0"))


def test_part_of_a_cron_may_be_known_only_at_deployment() -> None:
    hour = CfnParameter(Stack(), "Hour").value_as_string
    assert expression(f"cron(0 {hour} * * ? *)") == f"cron(0 {hour} * * ? *)"


@pytest.mark.parametrize(
    ("rate", "instead"),
    [
        ("rate(7 days)", r"cron\(0 0 \? \* MON \*\)"),
        ("rate(168 hours)", r"cron\(0 0 \? \* MON \*\)"),
        ("rate(30 days)", r"cron\(0 0 1 \* \? \*\)"),
    ],
)
def test_a_rate_of_a_week_or_a_month_is_answered_with_its_cron(rate: str, instead: str) -> None:
    with pytest.raises(ValueError, match=f"cannot be used: .*'{instead}', which is due"):
        expression(rate)


def test_rates_are_taken_in_the_singular_and_the_plural_as_the_api_reference_says() -> None:
    assert expression("rate(1 minutes)") == expression("rate(1 minute)")


def lost(text: str, zone: str) -> str:
    found = lost_tick(schedule_expression(text, time_zone=TimeZone.of(zone)), first_year=2026)
    return str(found)


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
    ],
)
def test_a_tick_that_a_change_of_clocks_costs_is_found(text: str, zone: str, expected: str) -> None:
    assert lost(text, zone) == expected


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("cron(30 3 * * ? *)", "Europe/Berlin"),
        ("cron(30 2 ? * MON-FRI *)", "Europe/Berlin"),  # clocks change on Sundays
        ("cron(30 2 * 7 ? *)", "Europe/Berlin"),
        ("cron(0/5 * * * ? *)", "Europe/Berlin"),  # five minutes after 01:55 it is 03:00, and due
        ("cron(30 2 * * ? *)", "Asia/Tokyo"),
        ("cron(30 2 * * ? *)", "Etc/UTC"),
        ("cron(30 2 * * ? 1999)", "Europe/Berlin"),
        ("at(2027-10-31T02:30:00)", "Europe/Berlin"),  # comes twice, and is run once
    ],
)
def test_no_tick_is_lost_where_each_day_has_the_time(text: str, zone: str) -> None:
    assert lost(text, zone) == "None"


def test_a_lost_tick_is_warned_of_once_for_each_schedule() -> None:
    stack = new_stack()
    build(stack, schedule="cron(30 2 * * ? *)", time_zone=TimeZone.EUROPE_VIENNA)
    text = "loses a tick, .* the clocks of Europe/Vienna skip 02:30 on that day"
    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp(text))
    assert [each.id for each in found] == ["/Test/Job/Contenders"]


@pytest.mark.parametrize(
    ("zone", "near"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
    ],
)
def test_an_unknown_time_zone_is_refused_with_a_close_one(zone: str, near: str) -> None:
    match = f"'cron.*' cannot be used: unknown time zone '{zone}': .* such as '{near}'"
    with pytest.raises(ValueError, match=match):
        expression("cron(0 3 * * ? *)", TimeZone.of(zone))


def test_a_machine_that_knows_no_time_zones_takes_every_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time_zones, "names", frozenset)
    assert lost("cron(30 2 * * ? *)", "Mars/Olympus") == "None"


@pytest.mark.parametrize(("zone", "count"), [("Europe/Vienna", 1), ("Etc/UTC", 0)])
def test_a_machine_that_knows_no_time_zones_says_what_it_has_not_checked(
    zone: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_zones, "names", frozenset)
    stack = new_stack()
    build(stack, time_zone=TimeZone.of(zone))
    text = Match.string_like_regexp(f"{zone} .* was not checked, .* install the package tzdata")
    assert len(Annotations.from_stack(stack).find_warning("*", text)) == count


@pytest.mark.parametrize("given", [events.Schedule.rate(Duration.minutes(5)), Duration.hours(1), 5])
def test_a_schedule_of_another_kind_is_refused_with_what_to_give(given: Any) -> None:
    with pytest.raises(
        TypeError, match=r"expected a string, .*aws_events has its string in expression_s"
    ):
        schedule_expressions(given, time_zone=None)


def test_a_schedule_that_is_only_known_at_deployment_is_refused_since_it_may_be_a_rate() -> None:
    parameter = CfnParameter(Stack(), "Schedule").value_as_string
    with pytest.raises(ValueError, match="is not a schedule expression of EventBridge: give one"):
        expression(ScheduleExpression.expression(parameter))


def test_a_rate_goes_by_utc_and_takes_no_other_zone() -> None:
    match = r"'rate\(1 day\)' was given with time zone 'Europe/Vienna', .*: omit the zone, or"
    with pytest.raises(ValueError, match=match):
        expression("rate(1 day)", TimeZone.EUROPE_VIENNA)


def test_a_rate_within_an_expression_takes_no_other_zone() -> None:
    given = ScheduleExpression.expression("rate(1 day)", TimeZone.EUROPE_VIENNA)
    with pytest.raises(ValueError, match="was given with time zone 'Europe/Vienna'"):
        expression(given)


def test_a_rate_in_utc_is_taken() -> None:
    assert expression("rate(1 day)", TimeZone.ETC_UTC) == "cron(0 0 * * ? *)"


def minutes_between(text: str, zone: TimeZone | None = None) -> float | None:
    found = interval(schedule_expression(text, time_zone=zone))
    return None if found is None else float(found.to_minutes())


def test_a_star_before_the_slash_is_a_zero() -> None:
    assert minutes_between("cron(*/5 * * * ? *)") == minutes_between("cron(0/5 * * * ? *)")


@pytest.mark.parametrize(("rate", "minutes"), RATES.items())
def test_the_interval_of_a_rate_is_known(rate: str, minutes: int) -> None:
    assert minutes_between(rate) == minutes


@pytest.mark.parametrize(
    "cron",
    [
        "cron(* * * * ? *)",
        "cron(0/7 * * * ? *)",
        "cron(0/59 * * * ? *)",
        "cron(5 * * * ? *)",
        "cron(30 0/5 * * ? *)",
        "cron(0 0/23 * * ? *)",
        "cron(10 3 * * ? *)",
    ],
)
def test_the_interval_of_a_simple_cron_is_the_longest_between_its_ticks(cron: str) -> None:
    due = ticks(cron)
    due.append(due[0] + 1440)
    assert minutes_between(cron) == max(after - before for before, after in pairwise(due))


@pytest.mark.parametrize(
    "text",
    [
        "cron(0 3 ? * MON *)",
        "cron(0 3 1 * ? *)",
        "cron(0,30 * * * ? *)",
        "cron(50/5 * * * ? *)",
        "cron(0 9-17 * * ? *)",
        "cron(0/60 * * * ? *)",
        "at(2030-01-02T03:04:05)",
    ],
)
def test_the_interval_of_any_other_schedule_is_not_known(text: str) -> None:
    assert minutes_between(text) is None


def test_a_daily_cron_is_daily_in_any_zone() -> None:
    assert minutes_between("cron(30 2 * * ? *)", TimeZone.EUROPE_VIENNA) == 1440


def test_hours_that_come_twice_leave_the_interval_unknown_in_other_zones() -> None:
    assert minutes_between("cron(0/5 * * * ? *)", TimeZone.EUROPE_VIENNA) is None
