"""The optional groups of a singleton job: triggers, takeover, failures."""

import json
from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations, Match

from s3leader_cdk import LockBucket
from tests.infra.jobs import build, job, refused
from tests.infra.synth import Synthesized, plain, synthesize

DAYS, HOURS, MINUTES = cdk.Duration.days, cdk.Duration.hours, cdk.Duration.minutes


@pytest.fixture(scope="module")
def twice() -> Synthesized:
    return job(schedule=["cron(0 3 * * ? *)", "rate(6 hours)"], flexible_window=MINUTES(15))


def due(template: Synthesized) -> dict[str, str]:
    return {
        name: template.json["Resources"][name]["Properties"]["ScheduleExpression"]
        for name in template.ids("AWS::Scheduler::Schedule")
    }


def test_each_schedule_starts_each_contender_with_its_number(twice: Synthesized) -> None:
    inputs = [each["Target"]["Input"] for each in twice.properties("AWS::Scheduler::Schedule")]
    numbers = [json.loads(each)["contender"] for each in inputs]
    assert [*zip(due(twice).values(), numbers, strict=True)] == [
        ("cron(0 3 * * ? *)", 1),
        ("cron(0 3 * * ? *)", 2),
        ("cron(0 0/6 * * ? *)", 1),
        ("cron(0 0/6 * * ? *)", 2),
    ]


def test_a_window_lets_every_contender_start_later(twice: Synthesized) -> None:
    windows = [each["FlexibleTimeWindow"] for each in twice.properties("AWS::Scheduler::Schedule")]
    assert windows == [{"MaximumWindowInMinutes": 15, "Mode": "FLEXIBLE"}] * 4


def test_a_window_longer_than_the_time_between_ticks_is_refused() -> None:
    refused(
        "flexible_window 900 s is longer than the 300 s between two ticks",
        schedule="rate(5 minutes)",
        flexible_window=MINUTES(15),
    )


@pytest.mark.parametrize("seconds", [30, 90, 86_460])
def test_a_window_that_no_schedule_takes_is_refused(seconds: int) -> None:
    refused(
        f"flexible_window in minutes {seconds / 60:g}.* cannot be used",
        schedule="cron(0 3 ? * MON *)",
        flexible_window=cdk.Duration.seconds(seconds),
    )


@pytest.mark.parametrize("other", ["rate(5 minutes)", "cron(0/5 * * * ? *)"])
def test_the_same_schedule_in_two_notations_is_refused(other: str) -> None:
    refused(r"'cron\(0/5 .*' in Etc/UTC was given twice", schedule=["rate(5 minutes)", other])


def test_one_time_in_two_zones_is_two_schedules() -> None:
    night = {"minute": "0", "hour": "3"}
    schedules = [
        scheduler.ScheduleExpression.cron(**night, time_zone=zone)
        for zone in (cdk.TimeZone.EUROPE_VIENNA, cdk.TimeZone.ASIA_TOKYO)
    ]
    assert len(due(job(schedule=schedules, contenders=1))) == 2


def test_a_retry_that_comes_too_late_is_warned_of() -> None:
    stack = cdk.Stack(cdk.App(), "Test")
    build(stack, max_tick_age=MINUTES(6))
    text = "leaves 300 s to Lambda's queue, and the first retry after a timeout comes after 360 s"
    Annotations.from_stack(stack).has_warning("/Test/Job", Match.string_like_regexp(text))


def test_a_tick_that_could_run_after_its_lock_was_deleted_is_refused() -> None:
    stack = cdk.Stack(cdk.App(), "Test")
    locks = LockBucket(stack, "Short", history=DAYS(2))
    with pytest.raises(ValueError, match=r"a tick could be 48\.\d+ h old .* history is 2 days"):
        build(stack, lock_bucket=locks, max_tick_age=DAYS(2), flexible_window=DAYS(1))


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        ({}, {}),
        ({"max_attempts": 3}, {"S3LEADER_MAX_ATTEMPTS": "3"}),
        (
            {"lease": cdk.Duration.seconds(30), "wait": MINUTES(2)},
            {"S3LEADER_LEASE_SECONDS": "30", "S3LEADER_WAIT_SECONDS": "120"},
        ),
    ],
    ids=["default", "attempts", "lease and wait"],
)
def test_limits_are_set_on_request(options: dict[str, Any], variables: Mapping[str, str]) -> None:
    found = job(**options).variables()
    limits = ("MAX_ATTEMPTS", "WAIT_SECONDS", "LEASE_SECONDS")
    assert {name: found[name] for name in found if name.endswith(limits)} == variables


@pytest.mark.parametrize(
    ("seconds", "match"), [(33, "a lock lapses after 33 s"), (300, "the timeout of 300 s, which")]
)
def test_a_wait_that_cannot_end_in_a_takeover_is_refused(seconds: int, match: str) -> None:
    wait = cdk.Duration.seconds(seconds)
    refused(f"wait {seconds} s .*{match}", lease=cdk.Duration.seconds(30), wait=wait)


@pytest.fixture(scope="module")
def one_queue() -> Synthesized:
    def fill(stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key")
        queue = sqs.Queue(stack, "Mine", encryption_master_key=key)
        build(stack, dead_letters=queue)

    return synthesize(fill)


def test_a_given_queue_takes_both_kinds_of_dead_letters(one_queue: Synthesized) -> None:
    (queue,) = one_queue.ids("AWS::SQS::Queue")
    target = one_queue.properties("AWS::Scheduler::Schedule")[0]["Target"]
    config = one_queue.one("AWS::Lambda::EventInvokeConfig")["DestinationConfig"]
    assert [
        plain(target["DeadLetterConfig"]["Arn"]),
        plain(config["OnFailure"]["Destination"]),
    ] == [f"<{queue}.Arn>"] * 2


@pytest.mark.parametrize("role", ["JobFunctionRole", "JobContendersRole"])
def test_both_senders_may_send_and_use_the_queues_key_and_no_more(
    role: str, one_queue: Synthesized
) -> None:
    found = one_queue.statements("AWS::IAM::Policy", role)
    actions = [each["Action"] for each in found if "sqs" in str(each) or "kms" in str(each)]
    assert sorted(actions, key=str) == [["kms:Decrypt", "kms:GenerateDataKey"], "sqs:SendMessage"]
