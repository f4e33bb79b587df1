import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Stack, TimeZone
from aws_cdk import aws_events as events
from aws_cdk.aws_scheduler import ScheduleExpression

from s3leader_cdk import Contenders
from s3leader_cdk._schedule.expressions import interval, schedule_expression, schedule_expressions
from tests.infra.jobs import build, existing_function
from tests.infra.synth import synthesize

RATES = {
    **{f"rate({number} minutes)": number for number in (2, 3, 4, 5, 6, 10, 12, 15, 20, 30)},
    **{f"rate({number} hours)": number * 60 for number in (2, 3, 4, 6, 8, 12)},
    "rate(1 minute)": 1,
    "rate(1 minutes)": 1,
    "rate(60 minutes)": 60,
    "rate(1 hour)": 60,
    "rate(120 minutes)": 120,
    "rate(24 hours)": 1440,
    "rate(1 day)": 1440,
}


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


def minutes_between(text: str, zone: TimeZone | None = None) -> float | None:
    found = interval(schedule_expression(text, time_zone=zone))
    return None if found is None else float(found.to_minutes())


@pytest.mark.parametrize(("rate", "minutes"), RATES.items())
def test_a_rate_is_due_at_its_multiples_all_day(rate: str, minutes: int) -> None:
    assert ticks(expression(rate)) == list(range(0, 1440, minutes))
    assert minutes_between(rate) == minutes


def is_accepted(minutes: int) -> bool:
    try:
        expression(f"rate({minutes} minutes)")
    except ValueError:
        return False
    return True


def test_only_minutes_that_divide_an_hour_and_hours_that_divide_a_day_are_accepted() -> None:
    assert {minutes for minutes in range(3000) if is_accepted(minutes)} == set(RATES.values())


@pytest.mark.parametrize(
    ("rate", "instead"),
    [
        ("rate(7 minutes)", "'cron(0 0/2 * * ? *)'"),
        ("rate(0 minutes)", "'cron(0 0/2 * * ? *)'"),
        ("rate(7 days)", "'cron(0 0 ? * MON *)', which is due every Monday"),
        ("rate(1 week)", "'cron(0 0 ? * MON *)', which is due every Monday"),
        ("rate(2 months)", "'cron(0 0 1 * ? *)', which is due on the first of every month"),
    ],
)
def test_another_rate_is_refused_with_the_reason_and_a_cron(rate: str, instead: str) -> None:
    reason = r"counts a rate from the creation of each schedule, .*: give a cron expression .*"
    with pytest.raises(
        ValueError,
        match=rf"schedule '{re.escape(rate)}' cannot be used: .*{reason}{re.escape(instead)}",
    ):
        expression(ScheduleExpression.expression(rate))


def test_a_rate_of_seconds_is_refused_with_what_to_do_instead() -> None:
    with pytest.raises(ValueError, match=r"give 'rate\(1 minute\)' and let the leader work"):
        expression("rate(10 seconds)")


def test_a_rate_follows_utc_and_accepts_no_other_zone() -> None:
    assert expression("rate(1 day)", TimeZone.ETC_UTC) == "cron(0 0 * * ? *)"
    match = r"'rate\(1 day\)' was given with time zone 'Europe/Vienna', .*: omit the zone, or"
    with pytest.raises(ValueError, match=match):
        expression("rate(1 day)", TimeZone.EUROPE_VIENNA)


def test_all_contenders_of_a_job_are_due_by_the_clock() -> None:
    template = synthesize(lambda stack: build(stack, schedule="rate(5 minutes)"))
    schedules = template.properties("AWS::Scheduler::Schedule")
    due = [(each["ScheduleExpression"], each["ScheduleExpressionTimezone"]) for each in schedules]
    assert due == [("cron(0/5 * * * ? *)", "Etc/UTC")] * 2


def test_contenders_without_a_job_are_due_by_the_clock_too() -> None:
    def contend(stack: Stack) -> None:
        Contenders(
            stack,
            "Contenders",
            function=existing_function(stack),
            expressions=[ScheduleExpression.rate(Duration.minutes(5))],
            count=2,
            max_tick_age=Duration.hours(1),
        )

    schedules = synthesize(contend).properties("AWS::Scheduler::Schedule")
    assert [each["ScheduleExpression"] for each in schedules] == ["cron(0/5 * * * ? *)"] * 2


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (ScheduleExpression.rate(Duration.hours(24)), "cron(0 0 * * ? *)"),
        (ScheduleExpression.cron(minute="7", hour="3"), "cron(7 3 * * ? *)"),
        (ScheduleExpression.at(datetime(2030, 1, 2, tzinfo=UTC)), "at(2030-01-02T00:00:00)"),
        (" cron(0 3 ? * MON-FRI *)\n", "cron(0 3 ? * MON-FRI *)"),
        ("at(2030-01-02T03:04:05)", "at(2030-01-02T03:04:05)"),
    ],
    ids=["rate", "cron", "at", "text of a cron", "text of at"],
)
def test_expressions_and_texts_are_accepted(given: str | ScheduleExpression, used: str) -> None:
    assert expression(given) == used


@pytest.mark.parametrize("text", ["rate(five minutes)", "Rate(5 minutes)", "every(1 day)", ""])
def test_other_texts_are_refused_and_echoed(text: str) -> None:
    match = rf"schedule '{re.escape(text)}' cannot be used: it is not a schedule expression"
    with pytest.raises(ValueError, match=match):
        expression(text)


def test_a_cron_that_eventbridge_refuses_is_refused_with_field_and_value() -> None:
    match = r"schedule 'cron\(60 .*' cannot be used: minutes '60': EventBridge takes 0 to 59"
    with pytest.raises(ValueError, match=match):
        expression(ScheduleExpression.cron(minute="60", hour="3"))


def test_part_of_a_cron_may_be_known_only_at_deployment() -> None:
    hour = CfnParameter(Stack(), "Hour").value_as_string
    assert expression(f"cron(0 {hour} * * ? *)") == f"cron(0 {hour} * * ? *)"


def test_a_schedule_that_is_only_known_at_deployment_is_refused_since_it_may_be_a_rate() -> None:
    parameter = CfnParameter(Stack(), "Schedule").value_as_string
    with pytest.raises(ValueError, match="is not a schedule expression of EventBridge: give one"):
        expression(ScheduleExpression.expression(parameter))


@pytest.mark.parametrize("given", [events.Schedule.rate(Duration.minutes(5)), Duration.hours(1), 5])
def test_a_schedule_of_another_kind_is_refused_with_what_to_give(given: Any) -> None:
    with pytest.raises(
        TypeError, match=r"expected a string, .*aws_events has its string in expression_s"
    ):
        schedule_expressions(given, time_zone=None)


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
    assert minutes_between(cron.replace("0/", "*/")) == minutes_between(cron)


@pytest.mark.parametrize(
    ("text", "zone", "minutes"),
    [
        ("cron(0 3 ? * MON *)", "Etc/UTC", None),
        ("cron(0 3 1 * ? *)", "Etc/UTC", None),
        ("cron(0,30 * * * ? *)", "Etc/UTC", None),
        ("cron(50/5 * * * ? *)", "Etc/UTC", None),
        ("cron(0 9-17 * * ? *)", "Etc/UTC", None),
        ("cron(0/60 * * * ? *)", "Etc/UTC", None),
        ("at(2030-01-02T03:04:05)", "Etc/UTC", None),
        ("cron(0/5 * * * ? *)", "Europe/Vienna", None),  # one hour occurs twice, with one tick
        ("cron(30 2 * * ? *)", "Europe/Vienna", 1440),
    ],
)
def test_the_interval_of_other_schedules_is_known_only_if_they_are_daily(
    text: str, zone: str, minutes: float | None
) -> None:
    assert minutes_between(text, TimeZone.of(zone)) == minutes
