"""The commands for a deployed job: trigger, pause, resume, redrive, logs, alarms.

The emulator checks the operator's rights. Runs that start a task of ECS are tested without a
server, in tests/s3leader_cli/test_tasks.py.
"""

import itertools
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.local_cloud.operators import RIGHTS, Operator, deployed
from tests.local_cloud.projects import ROOT
from tests.local_cloud.test_lifetime import eventually

FIRST_TICK = datetime(2026, 11, 1, tzinfo=UTC)
HOURS = itertools.count()
PAGE = (ROOT / "docs" / "permissions.md").read_text()
# The emulator's own names.
UNNAMED = ("lambda:GetFunction", "sqs:ChangeMessageVisibilityBatch", "sqs:DeleteMessageBatch")
# Rights that are taken away, one at a time, and a command that needs each.
REMOVED = [
    ("ssm:GetParametersByPath", ["pause", "long"]),
    ("scheduler:ListSchedules", ["pause", "long"]),
    ("scheduler:GetSchedule", ["pause", "long"]),
    ("scheduler:UpdateSchedule", ["resume", "long"]),
    ("events:ListRuleNamesByTarget", ["pause", "long"]),
    ("lambda:InvokeFunction", ["trigger", "long"]),
    ("lambda:GetFunctionConfiguration", ["logs", "long", "--function", "{LongName}"]),
    ("lambda:GetFunction", ["logs", "long", "--function", "{LongName}"]),
    ("sqs:GetQueueUrl", ["redrive", "long", "--dry-run"]),
    ("sqs:ReceiveMessage", ["redrive", "long", "--dry-run"]),
    ("logs:FilterLogEvents", ["logs", "long"]),
    ("cloudwatch:DescribeAlarms", ["alarms", "long"]),
]


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    make = tmp_path_factory.mktemp
    with deployed(make("cloud"), make("operators")) as made:
        yield made


def tick() -> str:
    """Return a tick that is later than all before."""
    return f"{FIRST_TICK + timedelta(hours=next(HOURS)):%Y-%m-%dT%H:%M:%SZ}"


def schedules(operator: Operator, job: str = "Long") -> list[Any]:
    """Return the schedules of a job, without what an update changes."""
    scheduler = operator.client("scheduler")
    found = [
        scheduler.get_schedule(Name=each["Name"], GroupName=each["GroupName"])
        for each in scheduler.list_schedules()["Schedules"]
        if each["Name"].startswith(f"Continued-{job}")
    ]
    changing = ("LastModificationDate", "ResponseMetadata")
    return [{key: each[key] for key in each if key not in changing} for each in found]


def states(operator: Operator) -> list[str]:
    return [each["State"] for each in schedules(operator)]


def queue(operator: Operator, name: str) -> Any:
    (url,) = (each for each in operator.client("sqs").list_queues()["QueueUrls"] if name in each)
    return url


def send(operator: Operator, *ticks: str, **event: Any) -> None:
    """Leave events in the queue of those that Scheduler could not deliver."""
    causes = {"ERROR_CODE": "AWS.Scheduler.NoRole", "ERROR_MESSAGE": "the role is gone"}
    for each in ticks:
        operator.client("sqs").send_message(
            QueueUrl=queue(operator, "LongContendersUndelivered"),
            MessageBody=json.dumps({"tick": each, "contender": 1, **event}),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": text} for name, text in causes.items()
            },
        )


@pytest.fixture
def empty(operator: Operator) -> Iterator[None]:
    """Leave no event behind."""
    yield
    operator.client("sqs").purge_queue(QueueUrl=queue(operator, "LongContendersUndelivered"))


def test_job_is_found_in_all_regions_and_run_to_its_end(operator: Operator) -> None:
    wanted = tick()
    printed = operator.run("trigger", "long", "--tick", wanted, "--json", regions=None)
    assert (printed.code, printed.json["outcome"], printed.json["region"]) == (
        0,
        "completed",
        "us-east-1",
    )
    lock = operator.election("long").observe()
    assert lock is not None
    assert lock.tick == datetime.fromisoformat(wanted)


def test_run_of_several_legs_is_followed_to_its_last_one(operator: Operator) -> None:
    printed = operator.run("trigger", "long", "--tick", tick(), "--event", '{"legs": 3}')
    assert (printed.code, "leg 3), led by" in printed.out) == (0, True)
    assert printed.err.count("is over: continued") == 2


def test_tick_that_is_done_is_not_run_again_unless_an_operator_says_why(
    operator: Operator,
) -> None:
    words = ["long", "--tick", tick()]
    operator.run("trigger", *words)
    again = operator.run("trigger", *words)
    repeated = operator.run("trigger", *words, "--repeat", "--reason", "wrong rates")
    assert (again.code, "Nothing to do" in again.out) == (0, True)
    lock = operator.election("long").observe()
    assert lock is not None
    assert (repeated.code, lock.repeat, str(lock.repeat_reason).endswith(": wrong rates")) == (
        0,
        True,
        True,
    )


def test_run_that_fails_says_why(operator: Operator) -> None:
    printed = operator.run("trigger", "long", "--tick", tick(), "--event", '{"work_seconds": "x"}')
    assert (printed.code, "The function failed: " in printed.out) == (1, True)


def test_run_can_be_started_without_waiting(operator: Operator) -> None:
    wanted = tick()
    printed = operator.run("trigger", "long", "--tick", wanted, "--no-wait")
    election = operator.election("long")

    def done() -> bool:
        lock = election.observe()
        return lock is not None and lock.is_done(datetime.fromisoformat(wanted))

    assert (printed.code, eventually(done, 20)) == (0, True)


def test_pausing_and_resuming_change_nothing_but_the_states(operator: Operator) -> None:
    before = schedules(operator)
    resumed = operator.run("resume", "long")
    assert (resumed.code, states(operator)) == (0, ["ENABLED"] * 2)
    paused = operator.run("pause", "long")
    assert (paused.code, paused.out.count(": off\n")) == (0, 2)
    assert schedules(operator) == before


def test_paused_job_may_be_paused_again(operator: Operator) -> None:
    printed = operator.run("pause", "long", "--json").json
    assert (printed["complete"], [each["changed"] for each in printed["switched"]]) == (
        True,
        [False, False],
    )


def test_pausing_says_who_still_leads(operator: Operator) -> None:
    term = operator.election("long").campaign()
    assert term
    with term:
        printed = operator.run("pause", "long")
    assert f"Term {term.number} (no tick) is led by " in printed.out


def test_job_without_a_record_is_paused_by_its_function(operator: Operator) -> None:
    printed = operator.run("pause", "long", "--function", operator.outputs["LongName"])
    assert (printed.code, printed.out.count("off already")) == (0, 2)


def test_function_of_another_election_is_refused(operator: Operator) -> None:
    printed = operator.run("pause", "long", "--function", operator.outputs["KilledName"])
    assert (printed.code, "S3LEADER_ELECTION='killed'" in printed.err) == (2, True)


@pytest.mark.parametrize(("others", "code"), [([], 0), (["arn:aws:sqs:us-east-1:1:q"], 1)])
def test_rule_is_switched_off_if_it_starts_nothing_else(
    operator: Operator, others: list[str], code: int
) -> None:
    events = operator.client("events")
    function = schedules(operator)[0]["Target"]["Arn"]
    targets = [{"Id": str(n), "Arn": arn} for n, arn in enumerate([function, *others])]
    events.put_rule(Name="extra", ScheduleExpression="rate(1 day)", State="ENABLED")
    events.put_targets(Rule="extra", Targets=targets)
    try:
        printed = operator.run("pause", "long")
        state = events.describe_rule(Name="extra")["State"]
    finally:
        events.remove_targets(Rule="extra", Ids=[each["Id"] for each in targets])
        events.delete_rule(Name="extra")
    assert (printed.code, state) == (code, "ENABLED" if others else "DISABLED")


@pytest.mark.usefixtures("empty")
def test_dead_letters_are_redriven_in_the_order_of_their_ticks(operator: Operator) -> None:
    first, second, third = tick(), tick(), tick()
    operator.run("trigger", "long", "--tick", first)
    send(operator, third, first, second)
    shown = operator.run("redrive", "long", "--dry-run")
    assert [line.split(", ")[1] for line in shown.out.splitlines()[:-1]] == [
        f"tick {each}" for each in (first, second, third)
    ]
    assert shown.out.count("not delivered: AWS.Scheduler.NoRole: the role is gone") == 3
    before = operator.election("long").observe()
    assert before is not None
    printed = operator.run("redrive", "long", "--yes", "--discard-done", "--json")
    actions = [each["action"] for each in printed.json["events"]]
    assert (printed.code, actions) == (0, ["discarded", "redriven", "redriven"])
    led = operator.election("long").history(2)[::-1]
    assert [each.tick for each in led] == [datetime.fromisoformat(each) for each in (second, third)]
    assert operator.run("redrive", "long", "--json").json["events"] == []


@pytest.mark.usefixtures("empty")
def test_repeat_of_a_done_tick_is_redriven_and_not_discarded(operator: Operator) -> None:
    wanted = tick()
    operator.run("trigger", "long", "--tick", wanted)
    send(operator, wanted, repeat="op: wrong rates")
    printed = operator.run("redrive", "long", "--yes", "--discard-done", "--json")
    lock = operator.election("long").observe()
    assert lock is not None
    assert (printed.code, [each["action"] for each in printed.json["events"]]) == (0, ["redriven"])
    assert (lock.tick, lock.repeat_reason) == (datetime.fromisoformat(wanted), "op: wrong rates")


@pytest.mark.usefixtures("empty")
def test_dead_letters_stay_without_a_confirmation(operator: Operator) -> None:
    send(operator, tick())
    printed = operator.run("redrive", "long")
    assert (printed.code, "add --yes" in printed.err) == (1, True)
    assert len(operator.run("redrive", "long", "--dry-run", "--json").json["events"]) == 1


@pytest.mark.usefixtures("empty")
def test_dead_letter_whose_tick_is_no_time_is_shown_and_stays(operator: Operator) -> None:
    send(operator, "no time")
    printed = operator.run("redrive", "long", "--yes", "--json")
    (event,) = printed.json["events"]
    assert (event["standing"], event["action"]) == ("unusable", "kept")


def test_redriving_stops_at_the_first_tick_that_fails_again(operator: Operator) -> None:
    wanted = tick()
    operator.run("trigger", "runaway", "--tick", wanted, "--event", '{"legs": 99}')

    def given_up() -> bool:
        printed = operator.run("redrive", "runaway", "--dry-run", "--json")
        return [each["tick"] for each in printed.json["events"]] == [wanted]

    assert eventually(given_up, 20)
    printed = operator.run("redrive", "runaway", "--yes")
    assert (printed.code, "RetriesExhausted: " in printed.out) == (1, True)
    assert "is failed: " in printed.err


def test_logs_of_a_term_are_those_about_it(operator: Operator) -> None:
    operator.run("trigger", "killed", "--tick", tick())
    operator.run("trigger", "killed", "--tick", tick())
    lines = operator.run("logs", "killed", "--term", "2", "--json").lines
    assert {(each["message"], each["term"], each["region"]) for each in lines} == {
        ("elected", 2, "us-east-1"),
        ("term over", 2, "us-east-1"),
    }


def test_logs_of_a_tick_are_those_of_its_contenders(operator: Operator) -> None:
    wanted = tick()
    operator.run("trigger", "killed", "--tick", wanted)
    lines = operator.run("logs", "killed", "--tick", wanted, "--json").lines
    assert [each["tick"] for each in lines] == [wanted] * 2


def test_alarm_that_is_on_is_shown_with_what_explains_it(operator: Operator) -> None:
    cloudwatch = operator.client("cloudwatch")
    names = [each["AlarmName"] for each in cloudwatch.describe_alarms()["MetricAlarms"]]
    (failed,) = (each for each in names if "LongMonitoringFailed" in each)
    off = operator.run("alarms", "long", "--exit-code")
    cloudwatch.set_alarm_state(AlarmName=failed, StateValue="ALARM", StateReason="a test")
    on = operator.run("alarms", "long", "--exit-code")
    cloudwatch.set_alarm_state(AlarmName=failed, StateValue="OK", StateReason="a test")
    assert (off.code, on.code) == (0, 1)
    assert on.out.splitlines()[0].endswith(": a test")
    assert on.out.splitlines()[1] == "  s3leader history long"


def test_job_that_is_not_found_is_an_error_with_what_was_searched(operator: Operator) -> None:
    printed = operator.run("pause", "nightly", regions="us-east-1,eu-west-1")
    assert printed.code == 1
    assert "below /s3leader/nightly in us-east-1, eu-west-1. " in printed.err


@pytest.mark.parametrize(("action", "words"), REMOVED)
def test_missing_right_is_named_with_the_statement_to_add(
    operator: Operator, action: str, words: list[str]
) -> None:
    with operator.without(action):
        printed = operator.run(*(each.format(**operator.outputs) for each in words))
    said = printed.out + printed.err
    assert (printed.code, f'"Action": "{action}", "Resource": ' in said) == (1, True)


def test_rights_of_the_page_suffice(operator: Operator) -> None:
    assert {*RIGHTS} - {*UNNAMED} - set(re.findall(r"`(\w+:\w+)`", PAGE)) == set()
    denied = [each for each in operator.cloud.decisions() if not each.allowed]
    allowed = {each.action for each in operator.cloud.decisions() if each.allowed}
    assert {
        "sqs:DeleteMessageBatch",
        "scheduler:UpdateSchedule",
        "ssm:GetParametersByPath",
    } <= allowed
    assert {each.action for each in denied} <= {each for each, _ in REMOVED}
