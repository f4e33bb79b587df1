"""Jobs whose terms may be continued, jobs that catch up, and jobs that are switched off."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_

from tests.infra.jobs import build, existing_function, job
from tests.infra.synth import Synthesized, new_stack, plain


@pytest.fixture(scope="module")
def long() -> Synthesized:
    return job(max_continuations=5, catch_up="each", max_catch_up=3, schedule="rate(1 hour)")


@pytest.fixture(scope="module")
def off() -> Synthesized:
    return job(enabled=False)


def test_function_may_invoke_itself_and_nothing_else(long: Synthesized) -> None:
    arn = f"<{long.ids('AWS::Lambda::Function')[0]}.Arn>"
    assert long.statements("AWS::IAM::Policy", "SelfInvocation") == [
        {
            "Action": "lambda:InvokeFunction",
            "Effect": "Allow",
            "Resource": [arn, f"{arn}:*"],
        }
    ]


def test_function_does_not_depend_on_its_own_permission(long: Synthesized) -> None:
    (policy,) = (name for name in long.ids("AWS::IAM::Policy") if "SelfInvocation" in name)
    (function,) = long.resources("AWS::Lambda::Function")
    assert policy not in function["DependsOn"]
    (role,) = plain(long.one("AWS::IAM::Policy", "SelfInvocation")["Roles"])
    assert "FunctionRole" in role


def test_lambda_does_not_stop_the_loop(long: Synthesized) -> None:
    assert long.one("AWS::Lambda::Function")["RecursiveLoop"] == "Allow"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("S3LEADER_MAX_CONTINUATIONS", "5"),
        ("S3LEADER_CATCH_UP", "each"),
        ("S3LEADER_MAX_CATCH_UP", "3"),
        ("S3LEADER_SCHEDULES", '[["cron(0 * * * ? *)", "Etc/UTC"]]'),
    ],
)
def test_limits_reach_the_function(long: Synthesized, name: str, value: str) -> None:
    assert long.variables()[name] == value


@pytest.mark.parametrize("metric", ["TooManyContinuations", "ContinuationNotStarted"])
def test_runaway_and_a_lost_start_have_alarms(long: Synthesized, metric: str) -> None:
    alarms = [each.get("MetricName") for each in long.properties("AWS::CloudWatch::Alarm")]
    assert metric in alarms


def test_dashboard_shows_legs(long: Synthesized) -> None:
    body = str(plain(long.one("AWS::CloudWatch::Dashboard")["DashboardBody"]))
    assert '"Leg"' in body
    assert '"Missed"' in body


def test_job_without_continuations_gets_none_of_this() -> None:
    template = job()
    function = template.one("AWS::Lambda::Function")
    assert "RecursiveLoop" not in function
    assert not [name for name in template.ids("AWS::IAM::Policy") if "SelfInvocation" in name]
    assert '"Leg"' not in str(template.json)


def test_existing_function_may_be_continued_too() -> None:
    stack = new_stack()
    build(stack, function=existing_function(stack), max_continuations=1)
    template = Synthesized(stack)
    assert template.one("AWS::Lambda::Function")["RecursiveLoop"] == "Allow"
    assert template.statements("AWS::IAM::Policy", "SelfInvocation")


def test_function_that_lambda_is_to_stop_cannot_be_continued() -> None:
    with pytest.raises(ValueError, match=r"recursive_loop of function .* is Terminate"):
        job(max_continuations=1, recursive_loop=lambda_.RecursiveLoop.TERMINATE)


def test_schedules_of_a_job_that_is_off_do_not_fire(off: Synthesized) -> None:
    assert {each["State"] for each in off.properties("AWS::Scheduler::Schedule")} == {"DISABLED"}


def test_job_that_is_off_has_no_alarm_of_silence(off: Synthesized) -> None:
    assert not [name for name in off.ids("AWS::CloudWatch::Alarm") if "NotCompleted" in name]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_continuations": -1}, "max_continuations"),
        ({"max_continuations": 1, "retry_attempts": 0}, "only Lambda's retry goes on"),
        ({"catch_up": "all"}, "catch_up"),
        ({"max_catch_up": 5}, "give catch_up='each'"),
        ({"catch_up": "each", "max_catch_up": 0}, "max_catch_up"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        job(**options)


def test_timeout_stays_that_of_one_invocation() -> None:
    template = job(max_continuations=100, timeout=cdk.Duration.minutes(15))
    assert template.one("AWS::Lambda::Function")["Timeout"] == 900


@pytest.mark.parametrize(
    ("options", "lease"),
    [
        ({"max_continuations": 2}, "30"),
        ({"max_continuations": 2, "lease": cdk.Duration.seconds(60)}, "60"),
        ({"max_continuations": 2, "timeout": cdk.Duration.seconds(20)}, None),
        ({}, None),
    ],
)
def test_lock_of_a_killed_leg_lapses_before_lambda_retries(
    options: dict[str, object], lease: str | None
) -> None:
    assert job(**options).variables().get("S3LEADER_LEASE_SECONDS") == lease
