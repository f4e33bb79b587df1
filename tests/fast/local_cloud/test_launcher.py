from datetime import UTC, datetime
from typing import Any

import pytest
from ministack.services import eventbridge

from local_cloud.launcher import scheduled_time, substitute

DUE = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def at(hour: int, minute: int, second: float) -> float:
    return datetime(2026, 11, 23, hour, minute, tzinfo=UTC).timestamp() + second


@pytest.mark.parametrize(
    ("expression", "now", "expected"),
    [
        ("cron(* * * * ? *)", at(6, 0, 0.4), "06:00:00"),
        ("cron(* * * * ? *)", at(6, 0, 59.9), "06:00:00"),
        ("cron(0/5 * * * ? *)", at(6, 6, 1), "06:05:00"),
        ("cron(0 6 * * ? *)", at(6, 2, 30), "06:00:00"),
        ("rate(1 minute)", at(6, 7, 12.3), "06:07:00"),
        ("at(2026-11-23T06:00:07)", at(6, 0, 8.2), "06:00:07"),
    ],
)
def test_the_tick_is_the_scheduled_time_and_not_the_sweeps(
    expression: str, now: float, expected: str
) -> None:
    due = scheduled_time({"ScheduleExpression": expression}, now, eventbridge)
    assert f"{due:%H:%M:%S}" == expected


def test_every_attribute_of_the_scheduler_is_replaced() -> None:
    schedule: dict[str, Any] = {"Arn": "arn:aws:scheduler:us-east-1:0:schedule/default/nightly"}
    names = ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")
    text = " ".join(f"<aws.scheduler.{name}>" for name in names)
    expected = f"{schedule['Arn']} 2026-11-23T06:00:00Z one 1"
    assert substitute(text, schedule, DUE, "one") == expected
