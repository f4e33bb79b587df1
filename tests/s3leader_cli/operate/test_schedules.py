"""A schedule is switched with all its other fields as they are."""

from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest

from s3leader_cli.aws.schedules import OFF, ON, Switched, switch_schedules
from tests.s3leader_cli.operate.stubs import TASK_JOB, replace_client, stubbed

NAMED = {"GroupName": "group", "Name": "first"}
ROLE = "arn:aws:iam::123456789012:role/schedules"
KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
SENT: dict[str, Any] = {
    **NAMED,
    "ActionAfterCompletion": "NONE",
    "Description": "nightly",
    "EndDate": datetime(2099, 1, 1, tzinfo=UTC),
    "StartDate": datetime(2026, 1, 1, tzinfo=UTC),
    "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
    "KmsKeyArn": KEY,
    "ScheduleExpression": "cron(0 3 * * ? *)",
    "ScheduleExpressionTimezone": "Europe/Vienna",
    "Target": {"Arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "RoleArn": ROLE},
}
ADDED = {"Arn": "arn:aws:scheduler:…", "CreationDate": datetime(2026, 1, 1, tzinfo=UTC)}


def switch(monkeypatch: pytest.MonkeyPatch, *found: dict[str, Any], update: Any) -> Switched:
    scheduler, stubber = stubbed("scheduler")
    replace_client(monkeypatch, "schedules", scheduler=scheduler)
    listed = {"Schedules": [{"GroupName": "group", "Name": "first"}]}
    stubber.add_response("list_schedules", listed, {"GroupName": "group"})
    stubber.add_response("get_schedule", {**ADDED, **found[0]}, NAMED)
    if isinstance(update, str):
        status = 500 if update == "InternalServerException" else 400
        stubber.add_client_error("update_schedule", update, "the date is past", status)
    elif update:
        stubber.add_response("update_schedule", {"ScheduleArn": "arn"}, update)
        stubber.add_response("get_schedule", {**ADDED, **found[1]}, NAMED)
    (switched,) = switch_schedules(TASK_JOB, OFF)
    stubber.assert_no_pending_responses()
    return switched


def test_all_fields_that_an_update_takes_are_kept() -> None:
    model = botocore.session.Session().get_service_model("scheduler")
    shape = model.operation_model("UpdateSchedule").input_shape
    assert shape is not None
    assert {*SENT, "State"} == {*shape.members} - {"ClientToken"}


def test_only_the_state_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    off = {**SENT, "State": OFF}
    switched = switch(monkeypatch, {**SENT, "State": ON}, off, update=off)
    assert (switched.state, switched.changed, switched.problem) == (OFF, True, None)


def test_schedule_that_is_off_is_not_updated(monkeypatch: pytest.MonkeyPatch) -> None:
    switched = switch(monkeypatch, {**SENT, "State": OFF}, update=None)
    assert (switched.state, switched.changed) == (OFF, False)


def test_field_that_came_back_different_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    off = {**SENT, "State": OFF}
    switched = switch(monkeypatch, {**SENT, "State": ON}, {**off, "Description": "x"}, update=off)
    assert switched.problem == "after the update Description differ from what was sent: look at it"


def test_refused_update_leaves_the_state_that_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    switched = switch(monkeypatch, {**SENT, "State": ON}, update="ValidationException")
    assert (switched.state, switched.changed, "the date is past" in str(switched.problem)) == (
        ON,
        False,
        True,
    )


def test_update_whose_answer_is_lost_leaves_the_state_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    switched = switch(monkeypatch, {**SENT, "State": ON}, update="InternalServerException")
    assert (switched.state, switched.problem is not None) == (None, True)


def test_update_that_cannot_be_verified_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler, stubber = stubbed("scheduler")
    replace_client(monkeypatch, "schedules", scheduler=scheduler)
    stubber.add_response("list_schedules", {"Schedules": [{"Name": "first"}]})
    stubber.add_response("get_schedule", {**SENT, "State": ON})
    stubber.add_response("update_schedule", {"ScheduleArn": "arn"})
    stubber.add_client_error("get_schedule", "ThrottlingException")
    (switched,) = switch_schedules(TASK_JOB, OFF)
    assert (switched.state, switched.changed, switched.problem is not None) == (OFF, True, True)
