from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match

from tests.infra.synth import Synthesized, synthesize
from tests.infra.test_singleton_job import LONGEST_ELECTION, build


@pytest.fixture(scope="module")
def default() -> Synthesized:
    return synthesize(build)


@pytest.fixture(scope="module")
def longest() -> Synthesized:
    return synthesize(lambda stack: build(stack, election=LONGEST_ELECTION))


def alarm(template: Synthesized, name: str) -> Mapping[str, Any]:
    return template.one("AWS::CloudWatch::Alarm", f"JobAlarms{name}")


def metric(template: Synthesized, name: str) -> tuple[object, ...]:
    found = alarm(template, name)
    return found["Namespace"], found["MetricName"], found["Statistic"], found["Dimensions"]


def dimensions(template: Synthesized, election: str = "nightly") -> list[Mapping[str, Any]]:
    (bucket,) = template.ids("AWS::S3::Bucket")
    return [
        {"Name": "bucket", "Value": {"Ref": bucket}},
        {"Name": "election", "Value": election},
    ]


def test_six_alarms_are_set(default: Synthesized) -> None:
    assert len(default.ids("AWS::CloudWatch::Alarm")) == 6


@pytest.mark.parametrize("name", ["Failed", "LeadershipLost"])
def test_alarm_on_a_count_that_the_runtime_emits(default: Synthesized, name: str) -> None:
    assert metric(default, name) == ("s3leader", name, "Sum", dimensions(default))


def test_alarm_on_failures_that_the_runtime_cannot_tell(default: Synthesized) -> None:
    dimensions = [{"Name": "FunctionName", "Value": {"Ref": "JobFunction23969A7D"}}]
    assert metric(default, "FunctionErrors") == ("AWS/Lambda", "Errors", "Sum", dimensions)


@pytest.mark.parametrize(("name", "queue"), [("Unprocessed", 0), ("Undelivered", 1)])
def test_alarm_on_dead_letters(default: Synthesized, name: str, queue: int) -> None:
    found = default.ids("AWS::SQS::Queue")[queue]
    assert metric(default, name) == (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        "Maximum",
        [{"Name": "QueueName", "Value": {"Fn::GetAtt": [found, "QueueName"]}}],
    )


@pytest.mark.parametrize(
    "name", ["Failed", "FunctionErrors", "LeadershipLost", "Undelivered", "Unprocessed"]
)
def test_one_is_enough_and_silence_is_well(default: Synthesized, name: str) -> None:
    found = alarm(default, name)
    assert (
        found["ComparisonOperator"],
        found["Threshold"],
        found["EvaluationPeriods"],
        found["TreatMissingData"],
    ) == ("GreaterThanOrEqualToThreshold", 1, 1, "notBreaching")


def test_completed_terms_are_counted_in_the_same_bucket_and_election(default: Synthesized) -> None:
    assert alarm(default, "NotCompleted")["Dimensions"] == dimensions(default)


def test_a_job_s_metric_is_of_its_bucket_and_election() -> None:
    def with_alarm(stack: cdk.Stack) -> None:
        build(stack).metric("TakenOver").create_alarm(
            stack, "Mine", threshold=1, evaluation_periods=1
        )

    template = synthesize(with_alarm)
    assert template.one("AWS::CloudWatch::Alarm", "Mine")["Dimensions"] == dimensions(template)


@pytest.mark.parametrize("name", ["Failed", "LeadershipLost", "NotCompleted"])
def test_the_longest_name_is_watched_in_full(longest: Synthesized, name: str) -> None:
    assert alarm(longest, name)["Dimensions"] == dimensions(longest, LONGEST_ELECTION)


def test_silence_is_a_fault_where_terms_should_complete(default: Synthesized) -> None:
    found = alarm(default, "NotCompleted")
    assert (
        found["MetricName"],
        found["ComparisonOperator"],
        found["Threshold"],
        found["TreatMissingData"],
    ) == ("Completed", "LessThanThreshold", 1, "breaching")


@pytest.mark.parametrize(
    ("expected", "period", "periods"),
    [
        (cdk.Duration.minutes(3), 60, 3),
        (cdk.Duration.minutes(10), 240, 3),
        (cdk.Duration.hours(23), 27_600, 3),
        (cdk.Duration.days(1), 28_800, 3),
        (cdk.Duration.hours(25), 32_400, 3),
        (cdk.Duration.days(7), 86_400, 7),
    ],
)
def test_expected_time_is_cut_into_periods_that_cloudwatch_takes(
    expected: cdk.Duration, period: int, periods: int
) -> None:
    template = synthesize(lambda stack: build(stack, expected_within=expected))
    found = alarm(template, "NotCompleted")
    assert (found["Period"], found["EvaluationPeriods"]) == (period, periods)


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [("rate(1 minute)", 420), ("rate(1 hour)", 7_500), ("cron(0/10 * * * ? *)", 1_500)],
)
def test_a_simple_schedule_says_by_itself_when_to_expect_a_term(
    schedule: str, seconds: int
) -> None:
    template = synthesize(lambda stack: build(stack, schedule=schedule, expected_within=None))
    found = alarm(template, "NotCompleted")
    watched = found["Period"] * found["EvaluationPeriods"]
    assert seconds <= watched < seconds + 3 * 60


def test_a_daily_schedule_may_miss_a_day_and_not_two() -> None:
    template = synthesize(lambda stack: build(stack, expected_within=None))
    found = alarm(template, "NotCompleted")
    watched = found["Period"] * found["EvaluationPeriods"]
    assert 2 * 86_400 < watched < 3 * 86_400


def test_other_schedules_without_an_expected_time_are_warned_about() -> None:
    stack = cdk.Stack(cdk.App(), "Test")
    build(stack, schedule="cron(0 3 ? * MON *)", expected_within=None)
    Annotations.from_stack(stack).has_warning(
        "/Test/Job/Alarms", Match.string_like_regexp("pass expected_within to SingletonJob")
    )


def test_every_alarm_does_what_was_asked() -> None:
    def with_topic(stack: cdk.Stack) -> None:
        build(stack, alarm_actions=[actions.SnsAction(sns.Topic(stack, "Topic"))])

    template = synthesize(with_topic)
    (topic,) = template.ids("AWS::SNS::Topic")
    assert [each["AlarmActions"] for each in template.properties("AWS::CloudWatch::Alarm")] == [
        [{"Ref": topic}]
    ] * 6
