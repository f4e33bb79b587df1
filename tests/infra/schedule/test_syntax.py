"""The syntax of schedule expressions, and the suggestions in errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3leader_cdk._schedule import cron
from s3leader_cdk._schedule.syntax import check_expression, translations

ACCEPTED = [
    "cron(0 3 ? * 1 *)",
    "cron(0 3 ? * mon,Wed *)",
    "cron(0 3 L * ? *)",
    "cron(0 3 LW * ? *)",
    "cron(0 3 L-3 * ? *)",
    "cron(0 3 15W * ? *)",
    "cron(0 3 ? * 6#3 *)",
    "cron(0 3 ? * FRI#1 *)",
    "cron(0 3 ? * L *)",
    "cron(0 3 ? * 6L 2026-2027)",
    "cron(0/5 8-17 ? * 2-6 2026-2030)",
    "cron(*/5 * * * ? *)",
    "cron(05,35 07 1-7 JAN,APR-JUN ? *)",
    "cron(0 0/2 1/7 1/3 ? 2026/2)",
    "cron(0 1-7/2,11-23/2,10 * * ? *)",
    "cron(59 23 31 12 ? 2199)",
    "cron(0 0 29 2 ? 1970)",
    "at(2026-11-23T06:00:00)",
]
REFUSED = {
    "60 3 * * ? *": "minutes '60': EventBridge takes 0 to 59",
    "-1 3 * * ? *": "minutes '-1'",
    "0/0 3 * * ? *": "minutes '0/0': .* a step is from 1 to 60",
    "0/90 3 * * ? *": "minutes '0/90': .* a step is from 1 to 60",
    "/5 3 * * ? *": "minutes '/5'",
    "0, 3 * * ? *": "minutes ''",
    "? 3 * * ? *": r"minutes '\?'",
    "٣ 3 * * ? *": "minutes '٣'",
    "0 24 * * ? *": "hours '24': EventBridge takes 0 to 23",
    "0 22-6 * * ? *": "hours '22-6': .* a range runs upwards: write '0-6,22-23'",
    "0 22-6/2 * * ? *": "hours '22-6/2': .* a range runs upwards: write '0,2,4,6,22'",
    "0 3 32 * ? *": "day of month '32': EventBridge takes 1 to 31, or L, LW or 15W",
    "0 3 0 * ? *": "day of month '0'",
    "0 3 32W * ? *": "day of month '32W'",
    "0 3 5L * ? *": "day of month '5L'",
    "0 3 31 FEB,4 ? *": "day of month '31': month 'FEB,4' never has it",
    "0 3 * 13 ? *": "month '13': EventBridge takes 1 to 12 or JAN to DEC",
    "0 3 * JANUARY ? *": "month 'JANUARY': EventBridge takes 1 to 12 or JAN to DEC",
    "0 3 ? * 0 *": "day of week '0': EventBridge takes 1 to 7 or SUN to SAT, where Sunday is 1",
    "0 3 ? * 8 *": "day of week '8'",
    "0 3 ? * FRI-SUN *": "day of week 'FRI-SUN': .*: write '1,6-7'",
    "0 3 ? * 2/2 *": "day of week '2/2': .* steps are not allowed: write '2,4,6'",
    "0 3 ? * 2#6 *": "day of week '2#6': .* 6#1 to 6#5",
    "0 3 ? * 9L *": "day of week '9L'",
    "0 3 * * ? 1969": "year '1969': EventBridge takes 1970 to 2199",
    "0 3 * * ? 2200": "year '2200'",
    "0 3 * * ? ?": r"year '\?'",
    "0 3 ? * ? *": r"exactly one of these two is '\?'.*: write 'cron\(0 3 \* \* \? \*\)'",
    "0 3 * * * *": r"exactly one of these two is '\?'.*: write 'cron\(0 3 \* \* \? \*\)'",
    "0 0 3 * * ? *": "EventBridge takes six fields",
    "": "EventBridge takes six fields",
    "0 3 * * 1-5": r"six fields .*: write 'cron\(0 3 \? \* 2-6 \*\)'",
    "0 3 1 * 1": r"one EventBridge cron cannot express: give two schedules, \['cron\(0 3 1 ",
}


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_eventbridge_accepts_is_accepted(text: str) -> None:
    check_expression(text)


@pytest.mark.parametrize(("inner", "match"), REFUSED.items())
def test_a_cron_that_eventbridge_refuses_is_refused_with_the_correction(
    inner: str, match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        check_expression(f"cron({inner})")


@pytest.mark.parametrize(
    "inner",
    [
        "tomorrow",
        "2026-02-30T06:00:00",
        "2026-11-23T6:00:00",
        "2026-11-23 06:00:00",
        "2026-11-23T06:00:00Z",
    ],
)
def test_a_time_that_eventbridge_refuses_is_refused(inner: str) -> None:
    match = rf"a local date and time without a zone, such as 'at\(.*\)', got '{inner}'"
    with pytest.raises(ValueError, match=match):
        check_expression(f"at({inner})")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 3 * * *", "0 3 * * ? *"),
        ("*/5 * * * *", "*/5 * * * ? *"),
        ("0 3 1 * *", "0 3 1 * ? *"),
        ("0 3 * * 0", "0 3 ? * 1 *"),
        ("0 3 * * 7", "0 3 ? * 1 *"),
        ("0 3 * * 5-7", "0 3 ? * 1,6-7 *"),
        ("0 3 * * 0-6", "0 3 * * ? *"),
        ("0 3 * * */2", "0 3 ? * 1,3,5,7 *"),
        ("0 3 * * MON-FRI", "0 3 ? * MON-FRI *"),
        ("0 3 ? * 2", "0 3 ? * 2 *"),  # EventBridge's without the year
        ("0 3 * * 2 *", "0 3 ? * 2 *"),  # six fields, and EventBridge's Monday
        ("0 3 * * ? *", "0 3 * * ? *"),
    ],
)
def test_a_crontab_is_refused_with_its_translation(text: str, expected: str) -> None:
    assert translations(text) == [f"cron({expected})"]
    with pytest.raises(ValueError, match=r"six fields .*: write 'cron\("):
        check_expression(text)


@pytest.mark.parametrize(
    "text", ["0 25 * * *", "every day at three o'clock", "0 3 */2 * 1", "0 3 * * 8", "0 3"]
)
def test_a_text_of_unclear_meaning_is_not_translated(text: str) -> None:
    assert translations(text) == []


@given(st.sets(st.integers(0, 59), min_size=1))
def test_a_compressed_list_stands_for_its_numbers(wanted: set[int]) -> None:
    assert cron.MINUTES.values(cron.compressed(wanted)) == wanted
