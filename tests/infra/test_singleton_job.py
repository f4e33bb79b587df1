"""What a singleton job is made of, by default and as chosen."""

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
from tests.infra.jobs import LONGEST_ELECTION, build, job
from tests.infra.synth import Synthesized, plain, synthesize

DAYS, HOURS = cdk.Duration.days, cdk.Duration.hours
MINUTES, SECONDS = cdk.Duration.minutes, cdk.Duration.seconds


@pytest.fixture(scope="module")
def default() -> Synthesized:
    return job()


@pytest.fixture(scope="module")
def chosen() -> Synthesized:
    return job(
        contenders=3,
        time_zone=cdk.TimeZone.EUROPE_VIENNA,
        timeout=MINUTES(15),
        memory_size=256,
        lease=SECONDS(20),
        environment={"COLOUR": "red"},
        retry_attempts=0,
        max_tick_age=MINUTES(10),
        log_removal_policy=cdk.RemovalPolicy.DESTROY,
    )


@pytest.fixture(scope="module")
def function_id(default: Synthesized) -> str:
    return default.ids("AWS::Lambda::Function")[0]


@pytest.mark.parametrize(
    ("which", "kind", "name", "value"),
    [
        ("default", "Lambda::Function", "Architectures", ["arm64"]),
        ("default", "Lambda::Function", "Runtime", "python3.14"),
        ("default", "Lambda::Function", "Timeout", 300),
        ("default", "Lambda::Function", "MemorySize", 512),
        ("default", "Lambda::Function", "Handler", "s3leader.lambda_entry.handler"),
        ("default", "Logs::LogGroup", "RetentionInDays", 30),
        ("chosen", "Lambda::Function", "Timeout", 900),
        ("chosen", "Lambda::Function", "MemorySize", 256),
        ("chosen", "Lambda::EventInvokeConfig", "MaximumRetryAttempts", 0),
    ],
)
def test_properties_by_default_and_as_chosen(
    which: str, kind: str, name: str, value: object, request: pytest.FixtureRequest
) -> None:
    assert request.getfixturevalue(which).one(f"AWS::{kind}")[name] == value


def test_environment_names_the_election_and_keeps_the_jobs_variables(chosen: Synthesized) -> None:
    (bucket,) = chosen.ids("AWS::S3::Bucket")
    assert chosen.variables() == {
        "COLOUR": "red",
        "S3LEADER_BUCKET": f"<{bucket}>",
        "S3LEADER_BUCKET_OWNER": "<AWS::AccountId>",
        "S3LEADER_ELECTION": "nightly",
        "S3LEADER_HANDLER": "billing.main.handler",
        "S3LEADER_LEASE_SECONDS": "20",
        "S3LEADER_PREFIX": "elections/",
        "S3LEADER_SCHEDULES": '[["cron(0 3 * * ? *)", "Europe/Vienna"]]',
    }


def test_logs_are_json_in_a_group_of_its_own(default: Synthesized) -> None:
    (group,) = default.ids("AWS::Logs::LogGroup")
    assert default.one("AWS::Lambda::Function")["LoggingConfig"] == {
        "LogFormat": "JSON",
        "LogGroup": {"Ref": group},
    }


@pytest.mark.parametrize(("which", "policy"), [("default", "Retain"), ("chosen", "Delete")])
def test_deletion_policy_of_logs(which: str, policy: str, request: pytest.FixtureRequest) -> None:
    template: Synthesized = request.getfixturevalue(which)
    assert template.resources("AWS::Logs::LogGroup")[0]["DeletionPolicy"] == policy


def test_function_may_log_report_failures_and_campaign_and_nothing_else(
    default: Synthesized,
) -> None:
    statements = default.statements("AWS::IAM::Policy", "JobFunctionRole")
    objects = [
        "<LocksBucket941BDB31.Arn>/elections/nightly/hint.json",
        "<LocksBucket941BDB31.Arn>/elections/nightly/lock_*",
    ]
    assert [(each["Action"], each["Resource"]) for each in statements] == [
        (
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            f"<{default.ids('AWS::Logs::LogGroup')[0]}.Arn>",
        ),
        ("s3:ListBucket", "<LocksBucket941BDB31.Arn>"),
        ("s3:GetObject", objects),
        ("s3:PutObject", objects),
        ("s3:PutObject", objects),
        ("s3:PutObjectTagging", "<LocksBucket941BDB31.Arn>/elections/nightly/lock_*"),
        ("sqs:SendMessage", f"<{default.ids('AWS::SQS::Queue')[0]}.Arn>"),
    ]


def test_failed_invocations_are_retried_and_then_kept(
    default: Synthesized, function_id: str
) -> None:
    config = default.one("AWS::Lambda::EventInvokeConfig")
    queue = default.ids("AWS::SQS::Queue")[0]
    assert config == {
        "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": [queue, "Arn"]}}},
        "FunctionName": {"Ref": function_id},
        "MaximumEventAgeInSeconds": 1800,
        "MaximumRetryAttempts": 2,
        "Qualifier": "$LATEST",
    }


def test_dead_letters_are_encrypted_and_kept_for_14_days(default: Synthesized) -> None:
    queue = {"MessageRetentionPeriod": 1_209_600, "SqsManagedSseEnabled": True}
    assert default.properties("AWS::SQS::Queue") == [queue, queue]


def test_dead_letters_require_tls(default: Synthesized) -> None:
    policies = default.properties("AWS::SQS::QueuePolicy")
    conditions = [each["PolicyDocument"]["Statement"][0]["Condition"] for each in policies]
    assert conditions == [{"Bool": {"aws:SecureTransport": "false"}}] * 2


def test_each_contender_has_a_schedule_with_the_tick_its_number_and_the_given_zone(
    chosen: Synthesized,
) -> None:
    schedules = chosen.properties("AWS::Scheduler::Schedule")
    assert [json.loads(each["Target"]["Input"]) for each in schedules] == [
        {"tick": "<aws.scheduler.scheduled-time>", "contender": number} for number in (1, 2, 3)
    ]
    shared = ("FlexibleTimeWindow", "ScheduleExpression", "ScheduleExpressionTimezone", "State")
    assert {name: schedules[0][name] for name in shared} == {
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ScheduleExpression": "cron(0 3 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Vienna",
        "State": "ENABLED",
    }


def test_delivery_is_retried_until_the_event_is_too_old(chosen: Synthesized) -> None:
    target = chosen.properties("AWS::Scheduler::Schedule")[0]["Target"]
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 20}


def test_undelivered_events_go_to_their_own_queue(default: Synthesized) -> None:
    queue = default.ids("AWS::SQS::Queue")[1]
    target = default.properties("AWS::Scheduler::Schedule")[0]["Target"]
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [queue, "Arn"]}}


def test_a_schedule_depends_on_its_group(default: Synthesized) -> None:
    (group,) = default.ids("AWS::Scheduler::ScheduleGroup")
    assert all(
        group in schedule["DependsOn"] for schedule in default.resources("AWS::Scheduler::Schedule")
    )


def test_schedules_may_start_this_function_and_report_and_nothing_else(
    default: Synthesized, function_id: str
) -> None:
    assert default.statements("AWS::IAM::Policy", "ContendersRole") == [
        {
            "Action": "lambda:InvokeFunction",
            "Effect": "Allow",
            "Resource": f"<{function_id}.Arn>",
        },
        {
            "Action": "sqs:SendMessage",
            "Effect": "Allow",
            "Resource": f"<{default.ids('AWS::SQS::Queue')[1]}.Arn>",
        },
    ]


def test_only_schedules_of_this_group_may_assume_the_role(default: Synthesized) -> None:
    (group,) = default.ids("AWS::Scheduler::ScheduleGroup")
    role = default.one("AWS::IAM::Role", "ContendersRole")
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] == {
        "StringEquals": {
            "aws:SourceAccount": {"Ref": "AWS::AccountId"},
            "aws:SourceArn": {"Fn::GetAtt": [group, "Arn"]},
        }
    }


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"election": "night*"}, r"election: expected .*; got 'night\*'"),
        ({"contenders": 0}, "contenders 0 cannot be used: give a whole number, 1 to 10"),
        ({"schedule": "hourly"}, r"'hourly' cannot be used: .*rate\(5 minutes\)"),
        ({"retry_attempts": 3}, "retry_attempts 3 cannot be used: give a whole number, 0 to 2"),
        ({"max_tick_age": HOURS(25)}, "max_tick_age 90000 s cannot be used"),
        ({"max_attempts": float("inf")}, "max_attempts inf cannot be used"),
        ({"max_attempts": 0}, "max_attempts 0 cannot be used: give a whole number, 1 or more"),
        ({"lease": SECONDS(4)}, "lease: expected whole seconds from 5 .*, got 4 s"),
        ({"lease": MINUTES(5)}, "lease 300 s is not shorter than the timeout"),
        ({"wait": MINUTES(2)}, "wait 120 s was given without a lease"),
        ({"expected_within": MINUTES(4)}, "expected_within 240 s is shorter than the"),
        ({"schedule": []}, "schedule: expected at least one"),
        ({"election": f"{LONGEST_ELECTION}m"}, "together have 901 characters"),
        (
            {"schedule": "rate(5 minutes)", "flexible_window": MINUTES(15)},
            "flexible_window 900 s is longer than the 300 s between two ticks",
        ),
        ({"flexible_window": SECONDS(90)}, r"flexible_window in minutes 1\.5 cannot be used"),
        ({"flexible_window": MINUTES(1441)}, r"flexible_window in minutes 1441.* cannot be used"),
        ({"lease": SECONDS(30), "wait": SECONDS(33)}, "wait 33 s .*a lock lapses after 33 s"),
        ({"lease": SECONDS(30), "wait": MINUTES(5)}, "wait 300 s .*the timeout of 300 s, which"),
        (
            {"schedule": ["rate(5 minutes)", "cron(0/5 * * * ? *)"]},
            r"'cron\(0/5 .*' in Etc/UTC was given twice",
        ),
        (
            {
                "schedule": scheduler.ScheduleExpression.cron(hour="3"),
                "time_zone": cdk.TimeZone.ETC_UTC,
            },
            "'Etc/UTC' was given with a ScheduleExpression",
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_cannot_work_is_refused_at_synth(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        build(cdk.Stack(cdk.App(), "Test"), **options)


def test_the_longest_name_leaves_every_description_short_enough() -> None:
    resources = job(election=LONGEST_ELECTION).json["Resources"].values()
    properties = [pair for each in resources for pair in each.get("Properties", {}).items()]
    lengths = [len(text) for name, text in properties if name.endswith("Description")]
    assert len(lengths) > 10
    assert max(lengths) <= 256


def test_a_handler_check_for_a_job_function_is_refused_at_the_job() -> None:
    stack = cdk.Stack(cdk.App(), "Test")
    first = build(stack, "First")
    with pytest.raises(ValueError, match="a JobFunction, which checks its handler itself"):
        build(stack, lock_bucket=first.lock_bucket, function=first.function, handler_check="error")


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
            {"lease": SECONDS(30), "wait": MINUTES(2)},
            {"S3LEADER_LEASE_SECONDS": "30", "S3LEADER_WAIT_SECONDS": "120"},
        ),
    ],
    ids=["default", "attempts", "lease and wait"],
)
def test_limits_are_set_on_request(options: dict[str, Any], variables: Mapping[str, str]) -> None:
    found = job(**options).variables()
    limits = ("MAX_ATTEMPTS", "WAIT_SECONDS", "LEASE_SECONDS")
    assert {name: found[name] for name in found if name.endswith(limits)} == variables


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
