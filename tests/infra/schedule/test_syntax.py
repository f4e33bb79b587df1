"""The syntax of schedule expressions, and the suggestions in errors."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from s3leader_cdk._schedule import cron
from s3leader_cdk._schedule.syntax import check_expression, translations

ACCEPTED = [
    "0 3 ? * 1 *",
    "0 3 ? * MON-FRI *",
    "0 3 ? * mon,Wed *",
    "0 3 L * ? *",
    "0 3 LW * ? *",
    "0 3 L-3 * ? *",
    "0 3 15W * ? *",
    "0 3 ? * 6#3 *",
    "0 3 ? * FRI#1 *",
    "0 3 ? * L *",
    "0 3 ? * 6L 2026-2027",
    "0/5 8-17 ? * 2-6 2026-2030",
    "*/5 * * * ? *",
    "05,35 07 1-7 JAN,APR-JUN ? *",
    "0 0/2 1/7 1/3 ? 2026/2",
    "0 1-7/2,11-23/2,10 * * ? *",
    "59 23 31 12 ? 2199",
    "0 0 29 2 ? 1970",
]
REFUSED = {
    "60 3 * * ? *": "minutes '60': EventBridge takes 0 to 59; write 0",
    "-1 3 * * ? *": "minutes '-1'",
    "0/0 3 * * ? *": "minutes '0/0': .* a step is from 1 to 60",
    "0/90 3 * * ? *": "minutes '0/90': .* a step is from 1 to 60",
    "/5 3 * * ? *": "minutes '/5'",
    "0, 3 * * ? *": "minutes ''",
    "? 3 * * ? *": r"minutes '\?'",
    "L 3 * * ? *": "minutes 'L'",
    "٣ 3 * * ? *": "minutes '٣'",
    "0 24 * * ? *": "hours '24': EventBridge takes 0 to 23; write 0",
    "0 3.5 * * ? *": "hours '3.5'",
    "0 22-6 * * ? *": "hours '22-6': .* a range runs upwards: write '0-6,22-23'",
    "0 3 32 * ? *": "day of month '32': EventBridge takes 1 to 31, or L, LW or 15W",
    "0 3 0 * ? *": "day of month '0'",
    "0 3 W * ? *": "day of month 'W'",
    "0 3 32W * ? *": "day of month '32W'",
    "0 3 5L * ? *": "day of month '5L'",
    "0 3 30 2 ? *": "day of month '30': month '2' never has it",
    "0 3 31 FEB,4 ? *": "day of month '31': month 'FEB,4' never has it",
    "0 3 * 13 ? *": "month '13': EventBridge takes 1 to 12 or JAN to DEC",
    "0 3 * JANUARY ? *": "month 'JANUARY': .*; write JAN",
    "0 3 * JU ? *": "month 'JU': EventBridge takes 1 to 12 or JAN to DEC$",
    "0 3 ? * 0 *": "day of week '0': EventBridge takes 1 to 7 or SUN to SAT, where Sunday is 1",
    "0 3 ? * 8 *": "day of week '8'",
    "0 3 ? * MO-FR *": "day of week 'MO-FR': .*; write MON",
    "0 22-6/2 * * ? *": "hours '22-6/2': .* a range runs upwards: write '0,2,4,6,22'",
    "0 3 ? * FRI-SUN *": "day of week 'FRI-SUN': .*: write '1,6-7'",
    "0 3 ? * 2/2 *": "day of week '2/2': .* steps are not allowed: write '2,4,6'",
    "0 3 ? * 2#6 *": "day of week '2#6': .* 6#1 to 6#5",
    "0 3 ? * 9L *": "day of week '9L'",
    "0 3 * * ? 1969": "year '1969': EventBridge takes 1970 to 2199",
    "0 3 * * ? 2200": "year '2200'",
    "0 3 * * ? ?": r"year '\?'",
    "0 3 ? * ? *": r"exactly one of these two is '\?'.*: write 'cron\(0 3 \* \* \? \*\)'",
    "0 3 * * * *": r"exactly one of these two is '\?'.*: write 'cron\(0 3 \* \* \? \*\)'",
    "0 3 1 * MON *": "exactly one of these two is",
    "@daily x ? * * *": "minutes '@daily'",
    "0 0 3 * * ? *": "EventBridge takes six fields",
    "": "EventBridge takes six fields",
}


@pytest.mark.parametrize("inner", ACCEPTED)
def test_what_eventbridge_takes_is_accepted(inner: str) -> None:
    check_expression(f"cron({inner})")


@pytest.mark.parametrize(("inner", "match"), REFUSED.items())
def test_what_eventbridge_refuses_is_refused_with_field_and_value(inner: str, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        check_expression(f"cron({inner})")


@pytest.mark.parametrize(
    ("crontab", "expected"),
    [
        ("0 3 * * *", "0 3 * * ? *"),
        ("*/5 * * * *", "*/5 * * * ? *"),
        ("0 3 1 * *", "0 3 1 * ? *"),
        ("0 3 * * 0", "0 3 ? * 1 *"),
        ("0 3 * * 7", "0 3 ? * 1 *"),
        ("0 3 * * 6", "0 3 ? * 7 *"),
        ("0 3 * * 1-5", "0 3 ? * 2-6 *"),
        ("0 3 * * 5-7", "0 3 ? * 1,6-7 *"),
        ("0 3 * * 0-6", "0 3 * * ? *"),
        ("0 3 * * */2", "0 3 ? * 1,3,5,7 *"),
        ("0 3 * * MON-FRI", "0 3 ? * MON-FRI *"),
        ("0 3 * * ?", "0 3 * * ? *"),
        ("@daily", "0 0 * * ? *"),
        ("@weekly", "0 0 ? * 1 *"),
        ("0 3 ? * 0 *", "0 3 ? * 1 *"),  # six fields, but Unix's Sunday
        ("0 3 * * 2 *", "0 3 ? * 2 *"),  # six fields, and EventBridge's Monday
    ],
)
def test_a_crontab_is_translated(crontab: str, expected: str) -> None:
    assert translations(crontab) == [f"cron({expected})"]


def test_days_of_month_and_of_week_become_two_schedules() -> None:
    assert translations("0 3 1 * 1") == ["cron(0 3 1 * ? *)", "cron(0 3 ? * 2 *)"]


@pytest.mark.parametrize(
    "text", ["0 25 * * *", "every day at three o'clock", "0 3 */2 * 1", "0 3 * * 8", "0 3"]
)
def test_what_is_not_known_is_not_translated(text: str) -> None:
    assert translations(text) == []


@pytest.mark.parametrize("text", ["0 3 * * 1-5", "cron(0 3 * * 1-5)"])
def test_a_crontab_is_answered_with_its_translation(text: str) -> None:
    with pytest.raises(ValueError, match=r"six fields .*: write 'cron\(0 3 \? \* 2-6 \*\)'"):
        check_expression(text)


def test_unix_s_either_day_is_answered_with_two_schedules() -> None:
    match = r"one EventBridge cron cannot express: give two schedules, \['cron\(0 3 1 "
    with pytest.raises(ValueError, match=match):
        check_expression("cron(0 3 1 * 1)")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("0 3 * * ? *", r"write 'cron\(0 3 \* \* \? \*\)'"),
        (
            "rate(10 seconds)",
            r"shortest interval is a minute: give 'rate\(1 minute\)' and let the leader work",
        ),
        ("rate(120 seconds)", r"write 'rate\(2 minutes\)'"),
        ("rate(60 seconds)", r"write 'rate\(1 minute\)'"),
        ("rate(1 week)", r"'cron\(0 0 \? \* MON \*\)', which is due every Monday"),
        ("rate(2 months)", r"'cron\(0 0 1 \* \? \*\)'"),
        (
            f"cron({','.join(map(str, range(60)))},{'0,' * 60}0 3 * * ? *)",
            "expected at most 256 characters, got",
        ),
    ],
)
def test_other_mistakes_are_answered_with_what_to_write(text: str, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        check_expression(text)


@pytest.mark.parametrize(
    ("inner", "match"),
    [
        ("tomorrow", "got 'tomorrow'"),
        ("2026-02-30T06:00:00", "got '2026-02-30T06:00:00'"),
        ("2026-11-23T24:00:01", "got"),
        ("2026-11-23 06:00:00", r"such as 'at\(2026-11-23T06:00:00\)'$"),
        ("2026-11-23T06:00", r"such as 'at\(2026-11-23T06:00:00\)'$"),
        ("2026-11-23T06:00:00.5", r"such as 'at\(2026-11-23T06:00:00\)'$"),
        ("2026-11-23T06:00:00Z", r"such as 'at\(2026-11-23T06:00:00\)' with time_zone UTC"),
        ("2026-11-23T06:00:00+02:00", r"such as 'at\(2026-11-23T04:00:00\)' with time_zone UTC"),
    ],
)
def test_a_time_that_eventbridge_refuses_is_refused(inner: str, match: str) -> None:
    with pytest.raises(ValueError, match=f"a local date and time without a zone, .*{match}"):
        check_expression(f"at({inner})")


def test_a_local_time_is_accepted() -> None:
    check_expression("at(2026-11-23T06:00:00)")


# ------------------------------------------------------------------------- by the grammar


def numbers(field: cron.Field) -> st.SearchStrategy[str]:
    plain = st.integers(field.low, field.high).map(str)
    return plain | st.sampled_from(field.names) if field.names else plain


@st.composite
def items(draw: st.DrawFn, field: cron.Field) -> str:
    first, last = sorted(draw(st.tuples(*[st.integers(field.low, field.high)] * 2)))
    item = draw(numbers(field) | st.just("*") | st.just(f"{first}-{last}"))
    if field.steps and draw(st.booleans()):
        return f"{item}/{draw(st.integers(1, field.high - field.low + 1))}"
    return item


def texts(field: cron.Field) -> st.SearchStrategy[str]:
    return st.lists(items(field), min_size=1, max_size=3).map(",".join)


@st.composite
def crons(draw: st.DrawFn) -> list[str]:
    fields = [draw(texts(field)) for field in cron.FIELDS]
    fields[draw(st.sampled_from([2, 4]))] = "?"
    fields[3] = draw(st.just("*") | st.just(fields[3]))
    assume(fields[2] == "?" or min(cron.DAY_OF_MONTH.values(fields[2])) < 30)
    return fields


@given(crons())
def test_every_cron_of_the_grammar_is_accepted(fields: list[str]) -> None:
    parsed = cron.parse(fields)
    assert all([parsed.minutes, parsed.hours, parsed.days, parsed.months, parsed.weekdays])


@given(crons(), st.sampled_from(range(6)), st.booleans(), st.integers(1, 10_000))
def test_one_number_out_of_range_is_refused_with_its_field(
    fields: list[str],
    position: int,
    above: bool,  # noqa: FBT001 - Hypothesis gives it by position
    by: int,
) -> None:
    field = cron.FIELDS[position]
    assume(fields[position] != "?")
    wrong = str(field.high + by if above else field.low - by)
    fields[position] += f",{wrong}"
    with pytest.raises(ValueError, match=f"^{field.name} '{wrong}': EventBridge takes"):
        cron.parse(fields)


@given(st.sets(st.integers(0, 59), min_size=1))
def test_a_compressed_list_stands_for_its_numbers(wanted: set[int]) -> None:
    assert cron.MINUTES.values(cron.compressed(wanted)) == wanted
