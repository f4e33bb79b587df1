"""A job without a record: `--function` finds its queues, and accepts no other election's."""

from typing import Any

import click
import pytest

from s3leader_cli.aws.failures import RequestFailed
from s3leader_cli.aws.function_job import job_of_function
from tests.s3leader_cli.operate.stubs import FUNCTION, PLACE, replace_client, stubbed

QUEUE = "arn:aws:sqs:us-east-1:123456789012:"
OURS = {"Variables": {"S3LEADER_ELECTION": "nightly"}}
UNREADABLE = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "KMS access was denied"}}


def queues(
    monkeypatch: pytest.MonkeyPatch, dead: dict[str, str | None], environment: dict[str, Any]
) -> dict[str, str]:
    """Return the queues of a function; `dead` has the dead-letter queue of each schedule."""
    lambdas, of_lambda = stubbed("lambda")
    scheduler, of_scheduler = stubbed("scheduler")
    replace_client(monkeypatch, "function_job", **{"lambda": lambdas, "scheduler": scheduler})
    found = {"FunctionArn": FUNCTION, "Timeout": 60, "Environment": environment}
    of_lambda.add_response("get_function_configuration", found)
    of_lambda.add_response(
        "get_function_event_invoke_config",
        {"DestinationConfig": {"OnFailure": {"Destination": f"{QUEUE}unprocessed"}}},
    )
    listed = [{"GroupName": "g", "Name": each, "Target": {"Arn": FUNCTION}} for each in dead]
    of_scheduler.add_response("list_schedules", {"Schedules": listed})
    for name, queue in dead.items():
        letters = {} if queue is None else {"DeadLetterConfig": {"Arn": f"{QUEUE}{queue}"}}
        target = {"Arn": FUNCTION, "RoleArn": "arn:aws:iam::123456789012:role/r", **letters}
        asked = {"GroupName": "g", "Name": name}
        of_scheduler.add_response("get_schedule", {"Target": target}, asked)
    return dict(job_of_function(PLACE, "nightly", None).queues)


@pytest.mark.parametrize(
    ("dead", "named"),
    [
        ({"a": "one", "b": "two", "c": "one"}, {"undelivered": "one", "undelivered-2": "two"}),
        ({"a": None, "b": "two"}, {"undelivered": "two"}),
        ({"a": None}, {}),
    ],
)
def test_dead_letter_queues_of_all_schedules_are_found(
    monkeypatch: pytest.MonkeyPatch, dead: dict[str, str | None], named: dict[str, str]
) -> None:
    expected = {**named, "unprocessed": "unprocessed"}
    found = queues(monkeypatch, dead, OURS)
    assert found == {name: QUEUE + queue for name, queue in expected.items()}


def test_function_of_another_election_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(click.UsageError, match="a candidate of another election"):
        queues(monkeypatch, {}, {"Variables": {"S3LEADER_ELECTION": "weekly"}})


def test_function_whose_election_cannot_be_read_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(RequestFailed, match=r"KMS access was denied.*kms:Decrypt"):
        queues(monkeypatch, {}, UNREADABLE)
