"""Dead letters of all kinds, and what the ledger says of each; patterns for logs."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from s3leader import Term
from s3leader_cli.aws.dead_letter import DeadLetter
from s3leader_cli.aws.deployed_job import DeployedJob
from s3leader_cli.aws.logs import Filter
from s3leader_cli.aws.queues import queues_of
from s3leader_cli.operate.dead_letters import assess, runs_of
from tests.s3leader_cli.command_line import TICK, Cli
from tests.s3leader_cli.operate.fake_queue import ARN, letter
from tests.s3leader_cli.operate.stubs import FUNCTION, JOB, TASK_JOB, replace_client, stubbed

LATER = "2026-11-23T07:00:00Z"


def job(**queues: str) -> DeployedJob:
    return replace(JOB, group="group", queues=queues)


def read(monkeypatch: pytest.MonkeyPatch, body: Any, **attributes: str) -> DeadLetter:
    """Return the event that a queue holds."""
    sqs, stubber = stubbed("sqs")
    replace_client(monkeypatch, "queues", sqs=sqs)
    text = body if isinstance(body, str) else json.dumps(body)
    message = {
        "MessageId": "m",
        "ReceiptHandle": "r",
        "Body": text,
        "Attributes": {"SentTimestamp": "1764000000123"},
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": each} for name, each in attributes.items()
        },
    }
    stubber.add_response("get_queue_url", {"QueueUrl": "https://queue"})
    stubber.add_response("receive_message", {"Messages": [message]})
    stubber.add_response("receive_message", {})
    (queue,) = queues_of(job(undelivered=ARN, unprocessed=ARN))
    ((letter,),) = queue.read(900)
    assert letter.queue == "undelivered+unprocessed"
    return letter


GIVEN_UP = {
    "requestContext": {"condition": "RetriesExhausted"},
    "requestPayload": {"tick": TICK, "contender": 1, "leg": 2},
    "responsePayload": {"errorType": "KeyError", "errorMessage": "'rates'"},
}
OVERRIDES = {"containerOverrides": [{"environment": [{"name": "S3LEADER_TICK", "value": TICK}]}]}
FAILED_TASK = {
    "detail-type": "ECS Task State Change",
    "detail": {
        "stoppedReason": "no image",
        "containers": [{"exitCode": 1}],
        "overrides": OVERRIDES,
    },
}


@pytest.mark.parametrize(
    ("body", "cause", "payload"),
    [
        (GIVEN_UP, "RetriesExhausted: KeyError: 'rates'", GIVEN_UP["requestPayload"]),
        ({"tick": TICK}, "not delivered: NoRole: it is gone", {"tick": TICK}),
        (OVERRIDES, "not delivered: NoRole: it is gone", None),
        (FAILED_TASK, "task failed: no image (exit codes 1)", None),
    ],
)
def test_event_has_its_cause_its_tick_and_what_the_function_was_to_get(
    monkeypatch: pytest.MonkeyPatch, body: Any, cause: str, payload: Any
) -> None:
    letter = read(monkeypatch, body, ERROR_CODE="NoRole", ERROR_MESSAGE="it is gone")
    found = None if letter.payload is None else json.loads(letter.payload)
    assert (letter.cause, letter.tick, found) == (cause, datetime.fromisoformat(TICK), payload)


OTHER = "arn:aws:lambda:us-east-1:123456789012:function:other:$LATEST"
SCHEDULE = "arn:aws:scheduler:us-east-1:123456789012:schedule/{}/first"


@pytest.mark.parametrize(
    ("function", "schedule", "foreign"),
    [
        (None, None, False),
        (f"{FUNCTION}:$LATEST", None, False),
        (OTHER, None, True),
        (None, SCHEDULE.format("group"), False),
        (None, SCHEDULE.format("others"), True),
    ],
)
def test_event_of_another_job_in_the_same_queue_is_known_as_such(
    monkeypatch: pytest.MonkeyPatch, function: str | None, schedule: str | None, foreign: object
) -> None:
    body: dict[str, Any] = {"tick": TICK}
    if function is not None:
        body = {"requestPayload": body, "requestContext": {"functionArn": function}}
    named = {} if schedule is None else {"SCHEDULE_ARN": schedule}
    assert read(monkeypatch, body, **named).foreign is foreign


def test_event_of_another_job_is_neither_redriven_nor_discarded(cli: Cli) -> None:
    cli.lead().resign()
    other = replace(letter(TICK, "a"), problem="it is of another job: x", foreign=True)
    (found,) = assess(cli.election(), [other])
    assert found.standing == "unusable"


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[]",
        '{"tick": "soon"}',
        '{"repeat": "op: no tick"}',
        '{"tick": "2026-11-23T06:00:00Z", "repeat": 1}',
        '{"tick": "2026-11-23T06:00:00Z", "leg": "2"}',
    ],
)
def test_event_that_no_function_can_take_has_a_problem(
    monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    assert read(monkeypatch, body).problem is not None


def test_events_are_ordered_by_tick_and_known_by_the_ledger(cli: Cli) -> None:
    cli.lead().resign()
    letters = [letter(None, "a"), letter(LATER, "b"), letter(TICK, "c"), letter(LATER, "d")]
    found = assess(cli.election(), letters)
    assert [(each.letter.message_id, each.standing) for each in found] == [
        ("c", "done"),
        ("b", "open"),
        ("d", "open"),
        ("a", "no tick"),
    ]
    groups = runs_of([each for each in found if each.usable])
    assert [[each.message_id for each in group] for group in groups] == [["b", "d"], ["a"]]


def test_last_attempt_at_an_open_tick_is_named(cli: Cli) -> None:
    cli.lead().resign("failed", reason="KeyError.")
    (found,) = assess(cli.election(), [letter(TICK, "a")])
    assert found.ledger == "The tick is not done; term 1: failed (KeyError)"


def test_tick_that_is_done_by_a_later_one_is_not_said_to_have_run(cli: Cli) -> None:
    cli.lead().resign()
    (found,) = assess(cli.election(), [letter("2026-11-23T05:00:00Z", "a")])
    assert (found.standing, found.ledger.startswith("The tick counts as done, because")) == (
        "done",
        True,
    )


REASON = "op: bad rates"
BEFORE, AFTER = "2026-11-23T05:59:00Z", "2026-11-23T06:10:00Z"  # the terms below


@pytest.mark.parametrize(
    ("event", "repeats", "standing"),
    [
        ({"repeat": REASON, "sent_at": BEFORE}, [], "open"),
        ({"repeat": REASON, "sent_at": BEFORE}, [(REASON, "failed")], "open"),
        ({"repeat": REASON, "sent_at": BEFORE}, [(REASON, "completed")], "done"),
        ({"repeat": REASON, "sent_at": AFTER}, [(REASON, "completed")], "open"),
        ({"repeat": REASON}, [(REASON, "completed")], "open"),
        ({"repeat": REASON, "sent_at": BEFORE}, [("op: other", "completed")], "open"),
        ({"repeat": True, "sent_at": BEFORE}, [(True, "completed")], "done"),
        ({"repeat": False}, [], "done"),
        ({"repeat": REASON, "leg": 2}, [(REASON, "failed")], "open"),
        ({"repeat": REASON, "leg": 2}, [], "unusable"),
        ({"repeat": REASON, "leg": 2}, [(REASON, "failed"), ("op: x", "failed")], "unusable"),
    ],
)
def test_repeat_of_a_done_tick_is_done_once_its_own_term_is(
    cli: Cli, event: dict[str, Any], repeats: list[Any], standing: str
) -> None:
    cli.lead().resign()
    for repeat, outcome in repeats:
        term = cli.election().campaign(TICK, repeat=repeat)
        assert isinstance(term, Term)
        term.resign(outcome)
    (found,) = assess(cli.election(), [letter(TICK, "a", **event)])
    assert found.standing == standing


def test_repeat_of_a_tick_is_run_before_its_other_events(cli: Cli) -> None:
    """Once it has run, the tick is done, and the others need nothing."""
    letters = [letter(TICK, "a"), letter(TICK, "b", repeat=REASON), letter(TICK, "c", repeat="x")]
    groups = runs_of(assess(cli.election(), letters))
    assert [[each.message_id for each in group] for group in groups] == [["b"], ["c"], ["a"]]


def test_log_of_a_function_and_of_a_task_are_filtered_by_their_own_fields() -> None:
    wanted = Filter(election="nightly", tick=datetime.fromisoformat(TICK), term=3)
    rest = f'&& ($.tick = "{TICK}") && ($.term = 3) }}'
    assert wanted.pattern(JOB) == f'{{ ($.service = "nightly") {rest}'
    assert wanted.pattern(TASK_JOB) == f'{{ ($.election = "nightly") {rest}'


@pytest.mark.parametrize(
    ("fields", "accepted"),
    [
        ({"service": "nightly", "message": "elected", "tick": TICK}, True),
        ({"service": "nightly", "message": "elected", "tick": LATER}, False),
        ({"service": "other", "message": "elected", "tick": TICK}, False),
        ({"_aws": {}, "election": "nightly"}, False),
        (None, False),
    ],
)
def test_metrics_and_lines_of_others_are_left_out(fields: Any, accepted: object) -> None:
    wanted = Filter(election="nightly", tick=datetime.fromisoformat(TICK))
    assert wanted.accepts(fields) is accepted
