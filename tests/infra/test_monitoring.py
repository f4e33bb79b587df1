"""Which alarms exist, and on which metrics; test_silence.py replays the one for silence."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations, Match

from s3leader_cdk import AlarmOptions, Monitoring, MonitoringOptions
from tests.infra.jobs import LONGEST_ELECTION, build, existing_function
from tests.infra.synth import Synthesized, new_stack, synthesize

ALARM = "AWS::CloudWatch::Alarm"
HOME, AWAY = "us-east-1", "eu-west-1"
ANY = ["Failed", "LeadershipLost", "CorruptLock", "FunctionErrors", "Throttles"]
HOUR = 3_600
QUEUES = ["Undelivered", "Unprocessed"]
COUNTED = ["Failed", "LeadershipLost", "CorruptLock"]


def watch(stack: cdk.Stack, name: str = "Watch", **properties: Any) -> Monitoring:
    """Monitor an attached function, with the options of monitoring given flat."""
    given = {"election": "nightly", "bucket": "acme-locks", **properties}
    names = [each.name for each in fields(MonitoringOptions)]
    options = MonitoringOptions(**{each: given.pop(each) for each in names if each in given})
    if "function" not in given:
        given["function"] = existing_function(stack)
    return Monitoring(stack, name, options=options, **given)


@pytest.fixture(scope="module")
def default() -> Synthesized:
    return synthesize(build)


@pytest.fixture(scope="module")
def longest() -> Synthesized:
    return synthesize(lambda stack: build(stack, election=LONGEST_ELECTION))


def alarm(template: Synthesized, name: str) -> Mapping[str, Any]:
    return template.one(ALARM, f"JobMonitoring{name}")


def metric(template: Synthesized, name: str) -> tuple[object, ...]:
    found = alarm(template, name)
    return found["Namespace"], found["MetricName"], found["Statistic"], found["Dimensions"]


def dimensions(template: Synthesized, election: str = "nightly") -> list[Mapping[str, Any]]:
    (bucket,) = template.ids("AWS::S3::Bucket")
    return [
        {"Name": "bucket", "Value": {"Ref": bucket}},
        {"Name": "election", "Value": election},
    ]


def test_logical_ids_of_the_alarms_never_change(default: Synthesized) -> None:
    assert default.ids(ALARM) == [
        "JobMonitoringNotCompleted153C91C3",
        "JobMonitoringFailedC0C90CC5",
        "JobMonitoringLeadershipLostA11606EC",
        "JobMonitoringCorruptLock8595E238",
        "JobMonitoringFunctionErrorsDC496A0D",
        "JobMonitoringThrottles1F4DF4C2",
        "JobMonitoringUndelivered1870C32D",
        "JobMonitoringUnprocessed43EA6461",
    ]


@pytest.mark.parametrize("name", COUNTED)
def test_alarm_on_a_count_that_the_runtime_emits(default: Synthesized, name: str) -> None:
    assert metric(default, name) == ("s3leader", name, "Sum", dimensions(default))


@pytest.mark.parametrize(
    ("name", "metric_name"), [("FunctionErrors", "Errors"), ("Throttles", "Throttles")]
)
def test_alarm_on_failures_that_the_runtime_cannot_report(
    default: Synthesized, name: str, metric_name: str
) -> None:
    function = {"Ref": default.ids("AWS::Lambda::Function")[0]}
    of_function = [{"Name": "FunctionName", "Value": function}]
    assert metric(default, name) == ("AWS/Lambda", metric_name, "Sum", of_function)


@pytest.mark.parametrize("name", ["Unprocessed", "Undelivered"])
def test_alarm_on_dead_letters(default: Synthesized, name: str) -> None:
    (queue,) = (each for each in default.ids("AWS::SQS::Queue") if name in each)
    assert metric(default, name) == (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        "Maximum",
        [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}],
    )


@pytest.mark.parametrize(
    ("name", "missing"),
    [*((name, "notBreaching") for name in ANY), *((name, "ignore") for name in QUEUES)],
)
def test_one_in_a_minute_sets_the_alarm_off_and_missing_data_does_not(
    default: Synthesized, name: str, missing: str
) -> None:
    found = alarm(default, name)
    assert (
        found["ComparisonOperator"],
        found["Threshold"],
        found["Period"],
        found["EvaluationPeriods"],
        found["TreatMissingData"],
    ) == ("GreaterThanOrEqualToThreshold", 1, 60, 1, missing)


def test_missing_data_sets_the_alarm_on_completed_terms_off(default: Synthesized) -> None:
    found = alarm(default, "NotCompleted")
    assert (
        *metric(default, "NotCompleted"),
        found["ComparisonOperator"],
        found["Threshold"],
        found["TreatMissingData"],
    ) == ("s3leader", "Completed", "Sum", dimensions(default), "LessThanThreshold", 1, "breaching")


@pytest.mark.parametrize("name", [*COUNTED, "NotCompleted"])
def test_the_longest_name_is_in_full_in_dimensions_and_shortened_in_descriptions(
    longest: Synthesized, name: str
) -> None:
    found = alarm(longest, name)
    assert found["Dimensions"] == dimensions(longest, LONGEST_ELECTION)
    assert f"election {'n' * 48}...{'m' * 48}" in found["AlarmDescription"]


def test_the_metric_of_a_job_is_of_its_bucket_and_election() -> None:
    def with_alarm(stack: cdk.Stack) -> None:
        build(stack).metric("TakenOver").create_alarm(
            stack, "Mine", threshold=1, evaluation_periods=1
        )

    template = synthesize(with_alarm)
    assert template.one(ALARM, "Mine")["Dimensions"] == dimensions(template)


@pytest.mark.parametrize("option", ["topic", "actions"])
def test_every_alarm_publishes_to_the_topic(option: str) -> None:
    def with_topic(stack: cdk.Stack) -> None:
        topic = sns.Topic(stack, "Topic")
        value: Any = topic if option == "topic" else [actions.SnsAction(topic)]
        build(stack, **{option: value})

    template = synthesize(with_topic)
    (topic,) = template.ids("AWS::SNS::Topic")
    assert [each["AlarmActions"] for each in template.properties(ALARM)] == [[{"Ref": topic}]] * 8


@pytest.mark.parametrize(
    ("options", "interval"),
    [
        ({"schedule": "rate(1 minute)"}, 60),
        ({"schedule": "rate(1 hour)"}, HOUR),
        ({"schedule": "cron(0/10 * * * ? *)"}, 600),
        ({"schedule": ["cron(0 3 * * ? *)", "rate(6 hours)"]}, 6 * HOUR),
        ({"flexible_window": cdk.Duration.minutes(15)}, 24 * HOUR),
    ],
    ids=["rate", "rate of hours", "cron", "the most frequent of two", "with a window"],
)
def test_the_expectation_is_two_intervals_the_timeout_and_the_window(
    options: Mapping[str, Any], interval: int
) -> None:
    template = synthesize(lambda stack: build(stack, expected_within=None, **options))
    found = alarm(template, "NotCompleted")
    seconds = 2 * interval + 300 + (900 if "flexible_window" in options else 0)
    watched = found["Period"] * found["EvaluationPeriods"]
    assert seconds <= watched < seconds + found["Period"]


@pytest.mark.parametrize(
    "expected",
    [cdk.Duration.seconds(179), cdk.Duration.days(7).plus(cdk.Duration.seconds(1))],
    ids=["179 s", "7 days and 1 s"],
)
def test_an_expectation_that_cloudwatch_cannot_evaluate_is_refused(expected: cdk.Duration) -> None:
    echoed = f"expected_within {expected.to_seconds():g} s cannot be used"
    with pytest.raises(ValueError, match=echoed):
        synthesize(lambda stack: watch(stack, expected_within=expected))


def test_synth_warns_if_no_expectation_can_be_derived() -> None:
    stack = new_stack()
    build(stack, schedule="cron(0 3 ? * MON *)", expected_within=None)
    Annotations.from_stack(stack).has_warning(
        "/Test/Job/Monitoring",
        Match.string_like_regexp(
            r"if election nightly stops .*: give MonitoringOptions\(expected_within"
        ),
    )
    assert len(Synthesized(stack).ids(ALARM)) == 7


def test_the_dashboard_can_be_switched_off() -> None:
    assert watch(new_stack(), dashboard=False).dashboard is None


@pytest.mark.parametrize(
    ("which", "alarms"),
    [
        ({}, set()),
        ({"undelivered": "Mine"}, {"Undelivered"}),
        ({"unprocessed": "Mine"}, {"Unprocessed"}),
        ({"undelivered": "Mine", "unprocessed": "Other"}, {"Undelivered", "Unprocessed"}),
        ({"undelivered": "Mine", "unprocessed": "Mine"}, {"DeadLetters"}),
    ],
    ids=["none", "one", "the other", "both", "one for both"],
)
def test_each_queue_has_one_alarm(which: Mapping[str, str], alarms: set[str]) -> None:
    stack = new_stack()
    queues = {name: sqs.Queue(stack, name) for name in {*which.values()}}
    given: dict[str, Any] = {role: queues[name] for role, name in which.items()}
    found = {each.node.id for each in watch(stack, **given).alarms.values()}
    assert found == {*ANY} | alarms


def test_the_alarm_of_one_queue_for_both_describes_both() -> None:
    template = synthesize(lambda stack: build(stack, dead_letters=sqs.Queue(stack, "Mine")))
    assert alarm(template, "DeadLetters")["AlarmDescription"] == (
        "[critical] Events of the schedule started no contender, the function gave up on them after"
        " all its retries, or tasks failed. The events wait in the queue."
    )


def test_two_elections_can_share_a_function_and_a_queue() -> None:
    def twice(stack: cdk.Stack) -> None:
        function, queue = existing_function(stack, "Shared"), sqs.Queue(stack, "Queue")
        for election in ("first", "second"):
            watch(stack, election, election=election, function=function, unprocessed=queue)

    assert len(synthesize(twice).ids(ALARM)) == 12


def in_regions(**properties: Any) -> Synthesized:
    stack = new_stack(region=AWAY)
    given: dict[str, Any] = {
        "regions": [HOME, AWAY],
        "expected_within": cdk.Duration.hours(2),
        **properties,
    }
    watch(stack, **given)
    return Synthesized(stack)


def test_with_several_regions_the_alarm_uses_the_age_of_the_ledger() -> None:
    found = in_regions().one(ALARM, "NotCompleted")
    assert (
        found["MetricName"],
        found["Statistic"],
        found["ComparisonOperator"],
        found["Threshold"],
        found["TreatMissingData"],
    ) == ("Behind", "Minimum", "GreaterThanThreshold", 7_200, "breaching")


@pytest.mark.parametrize(
    ("properties", "match"),
    [
        ({"regions": ["europe"]}, "unknown Region 'europe'"),
        ({"regions": [AWAY, AWAY]}, r"regions \['eu-west-1', 'eu-west-1'\] name one Region twice"),
        (
            {"regions": [HOME, "us-west-2"]},
            r"regions \['us-east-1', 'us-west-2'\] do not include 'eu-west-1'",
        ),
        ({"contenders": 100}, "contenders 100 cannot be used: give a whole number, 0 to 99"),
    ],
)
def test_invalid_values_are_refused(properties: Mapping[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        in_regions(**properties)


def test_the_own_region_may_be_unknown_at_synth() -> None:
    template = synthesize(lambda stack: watch(stack, regions=[HOME, AWAY]))
    assert len(template.ids(ALARM)) == 5


def test_an_alarm_that_is_switched_off_does_not_exist() -> None:
    found = watch(new_stack(), alarms={"throttles": AlarmOptions(enabled=False)})
    assert found.alarms.keys() == {"failed", "leadership_lost", "corrupt_lock", "function_errors"}


def test_without_the_alarm_for_completed_terms_nothing_is_warned_of() -> None:
    stack = new_stack()
    watch(stack, alarms={"not_completed": AlarmOptions(enabled=False)})
    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())


@pytest.fixture(scope="module")
def tuned() -> Synthesized:
    def fill(stack: cdk.Stack) -> None:
        topics = {name: sns.Topic(stack, name) for name in ("critical", "warning")}
        failed = AlarmOptions(threshold=3, severity="critical")
        build(stack, topic=topics, alarms={"failed": failed})

    return synthesize(fill)


def test_a_threshold_can_be_raised(tuned: Synthesized) -> None:
    assert alarm(tuned, "Failed")["Threshold"] == 3


@pytest.mark.parametrize(
    ("name", "severity"),
    [("Failed", "critical"), ("Throttles", "warning"), ("NotCompleted", "critical")],
)
def test_an_alarm_goes_to_the_topic_of_its_severity_and_names_it(
    tuned: Synthesized, name: str, severity: str
) -> None:
    found = alarm(tuned, name)
    (topic,) = (each for each in tuned.ids("AWS::SNS::Topic") if each.startswith(severity))
    assert found["AlarmActions"] == [{"Ref": topic}]
    assert found["AlarmDescription"].startswith(f"[{severity}] ")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"alarms": {"errors": AlarmOptions()}}, "unknown alarm 'errors': .* not_completed, fail"),
        ({"alarms": {"undelivered": AlarmOptions()}}, "unknown alarm 'undelivered': the alarms"),
        ({"alarms": {"not_completed": AlarmOptions(threshold=2)}}, "set expected_within"),
        ({"topic": {"critical": "ops"}}, "topic: expected a topic"),
        ({"topic": {"urgent": sns.Topic}}, "unknown severity 'urgent'"),
    ],
    ids=["no such alarm", "no such queue", "no threshold", "no topic", "no severity"],
)
def test_options_of_alarms_that_cannot_be_meant_are_refused(
    options: Mapping[str, Any], match: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=match):
        watch(new_stack(), **options)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"threshold": 0}, "threshold 0 cannot be used: give a whole number, 1 or more"),
        ({"severity": "high"}, "unknown severity 'high': give 'critical' or 'warning'"),
        ({"enabled": "no"}, "enabled: expected True or False, got 'no'"),
    ],
)
def test_alarm_options_check_themselves(options: Mapping[str, Any], match: str) -> None:
    with pytest.raises((TypeError, ValueError), match=match):
        AlarmOptions(**options)
