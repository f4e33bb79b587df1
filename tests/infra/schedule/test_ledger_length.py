"""Whether candidates read the hint first, by the schedule and the lock bucket's history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from s3leader.schedule import Schedule
from s3leader_cdk import LockBucket
from s3leader_cdk._schedule.ledger_length import ledger_variables, ticks_a_year
from tests.infra.jobs import build, existing_function
from tests.infra.synth import Synthesized, new_stack, synthesize
from tests.infra.tasks import build_task, task_definition

Make: TypeAlias = Callable[..., object]
LONG = {"S3LEADER_LONG_LEDGER": "true"}
AFTER, BEFORE = datetime(2025, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "fields",
    [
        "0 3 * * ? *",
        "0/30 8-18 * * ? *",
        "0 0/6 1-5/2 * ? *",
        "0 0 ? * MON-FRI *",
        "0 0 ? JUN-AUG WED *",
        "0 0 L * ? *",
        "0 0 LW * ? *",
        "0 0 1,15W,L * ? *",
        "0 0 ? * L *",
        "0 0 ? * 6L *",
        "0 0 ? * MON,L *",
        "0 0 ? * l,SAT,6L *",
        "0 0 ? * MON,FRIL *",
        "0 0 ? 1-6 2#1 *",
    ],
)
def test_ticks_of_a_year_are_those_that_the_runtime_evaluates(fields: str) -> None:
    ticks = list(Schedule(f"cron({fields})").ticks(AFTER, BEFORE))
    assert ticks_a_year(f"cron({fields})") == len(ticks)


def test_a_one_time_schedule_and_one_that_is_known_at_deployment_have_no_ticks() -> None:
    later = f"cron(0/{cdk.Fn.import_value('minutes')} * * * ? *)"
    assert [ticks_a_year(each) for each in ("at(2030-01-02T03:04:05)", later)] == [0, 0]


@pytest.mark.parametrize(
    ("schedules", "days", "expected"),
    [
        (["cron(* * * * ? *)"], 30, LONG),
        (["cron(0/30 * * * ? *)"], 30, LONG),
        (["cron(0 * * * ? *)"], 30, {}),
        (["cron(0 * * * ? *)"], 41, {}),
        (["cron(0 * * * ? *)"], 42, LONG),
        (["cron(0 * * * ? *)", "cron(30 * * * ? *)"], 30, LONG),
        (["cron(0 3 * * ? *)"], 365, {}),
        (["cron(* * * * ? *)"], 2, LONG),
        (["cron(0/5 * * * ? *)"], 2, {}),
        (["cron(* * * * ? *)"], None, {}),
    ],
)
def test_a_ledger_of_more_than_a_page_is_long(
    schedules: list[str], days: int | None, expected: dict[str, str]
) -> None:
    history = None if days is None else cdk.Duration.days(days)
    assert ledger_variables([[each, "Etc/UTC"] for each in schedules], history) == expected


def set_in(template: Synthesized) -> list[object]:
    """Return the values that the functions and containers of a template have."""
    environments = [dict(template.variables())] if template.ids("AWS::Lambda::Function") else []
    for each in template.properties("AWS::ECS::TaskDefinition"):
        for container in each["ContainerDefinitions"]:
            pairs = container["Environment"]
            environments.append({pair["Name"]: pair["Value"] for pair in pairs})
    return [each.get("S3LEADER_LONG_LEDGER") for each in environments]


@pytest.mark.parametrize("make", [build, build_task], ids=["job", "task"])
@pytest.mark.parametrize(
    ("schedule", "value"), [("rate(1 minute)", "true"), ("cron(0 3 * * ? *)", None)]
)
def test_candidates_of_a_long_ledger_read_the_hint_first(
    make: Make, schedule: str, value: str | None
) -> None:
    assert set_in(synthesize(lambda stack: make(stack, schedule=schedule))) == [value]


def imported(stack: cdk.Stack) -> LockBucket:
    return LockBucket(stack, "Locks", bucket=s3.Bucket.from_bucket_name(stack, "Old", "old"))


@pytest.mark.parametrize("make", [build, build_task], ids=["job", "task"])
def test_the_history_of_an_imported_bucket_is_not_known(make: Make) -> None:
    def fill(stack: cdk.Stack) -> None:
        make(stack, schedule="rate(1 minute)", lock_bucket=imported(stack))

    assert set_in(synthesize(fill)) == [None]


def test_an_existing_bucket_of_this_app_has_a_history() -> None:
    def fill(stack: cdk.Stack) -> None:
        locks = LockBucket(stack, "Locks", bucket=s3.Bucket(stack, "Old"))
        build(stack, schedule="rate(1 minute)", lock_bucket=locks)

    assert set_in(synthesize(fill)) == ["true"]


@pytest.mark.parametrize(
    ("schedule", "of_this_app"),
    [("cron(0 3 * * ? *)", True), ("rate(1 minute)", False)],
    ids=["short by the schedule", "imported bucket"],
)
def test_a_value_of_the_functions_own_stays_where_the_job_sets_none(
    schedule: str, *, of_this_app: bool
) -> None:
    def fill(stack: cdk.Stack) -> None:
        locks = LockBucket(stack, "Locks") if of_this_app else imported(stack)
        function = existing_function(stack, environment={"S3LEADER_LONG_LEDGER": "true"})
        build(stack, schedule=schedule, lock_bucket=locks, function=function)

    assert set_in(synthesize(fill)) == ["true"]


@pytest.mark.parametrize("schedule", ["cron(0 3 * * ? *)", "rate(1 minute)"])
def test_a_value_of_the_containers_own_stays_where_the_task_sets_none(schedule: str) -> None:
    def fill(stack: cdk.Stack) -> None:
        definition = task_definition(stack, environment={"S3LEADER_LONG_LEDGER": "true"})
        locks = LockBucket(stack, "Locks") if "0 3" in schedule else imported(stack)
        build_task(stack, schedule=schedule, lock_bucket=locks, task_definition=definition)

    assert set_in(synthesize(fill)) == ["true"]


def test_a_value_that_the_task_sets_is_refused_in_the_containers_environment() -> None:
    stack = new_stack()
    definition = task_definition(stack, environment={"S3LEADER_LONG_LEDGER": "false"})
    with pytest.raises(ValueError, match="'S3LEADER_LONG_LEDGER' of container"):
        build_task(stack, schedule="rate(1 minute)", task_definition=definition)


def test_a_value_that_the_job_sets_is_refused_in_the_functions_environment() -> None:
    stack = new_stack()
    function = existing_function(stack, environment={"S3LEADER_LONG_LEDGER": "false"})
    with pytest.raises(ValueError, match="set by s3leader, from schedule and the LockBucket's"):
        build(stack, schedule="rate(1 minute)", function=function)
