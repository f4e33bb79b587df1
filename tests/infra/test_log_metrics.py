"""The metrics that are read from the log of `s3leader run`."""

from collections.abc import Mapping

import aws_cdk as cdk
import pytest
from aws_cdk import aws_logs as logs

from s3leader_cdk import LogMetrics, Monitoring, MonitoringOptions
from s3leader_cdk.log_metrics import LINE_METRICS, filter_pattern
from tests.infra.jobs import LONGEST_ELECTION
from tests.infra.synth import Json, Synthesized, new_stack, plain, synthesize

ELECTED = {"event": "elected", "taken_over": False, "term": 7}
HELD = {"event": "not_elected", "reason": "held", "requests": 2, "behind_s": 60}
COMPLETED = {
    "event": "ended",
    "outcome": "completed",
    "requests": 5,
    "duration_ms": 812,
    "behind_s": 0,
}
IDENTITY = {"bucket": "locks", "election": "nightly"}


def fill(stack: cdk.Stack) -> None:
    group = logs.LogGroup(stack, "Group")
    LogMetrics(stack, "Metrics", log_group=group, election="nightly", bucket="locks")
    options = MonitoringOptions(expected_within=cdk.Duration.hours(1))
    Monitoring(
        stack, "Monitoring", election="nightly", bucket="locks", contenders=2, options=options
    )


@pytest.fixture(scope="module")
def found() -> Synthesized:
    return synthesize(fill)


def filters(found: Synthesized) -> list[Json]:
    return [plain(each) for each in found.properties("AWS::Logs::MetricFilter")]


def matches(line: Mapping[str, object], conditions: Mapping[str, object]) -> bool:
    """Whether CloudWatch counts a line; its filter patterns are documented to mean this."""
    return all(
        key in line if value is None else line.get(key) == value
        for key, value in conditions.items()
    )


def counted(line: Mapping[str, object]) -> dict[str, object]:
    """Return the metrics of a line, those by contender with the ending `/k`."""
    return {
        each.metric + (f"/{line['contender']}" if each.by_contender else ""): (
            1 if each.value is None else line[each.value]
        )
        for each in LINE_METRICS
        if matches(line, each.conditions(**IDENTITY))
    }


@pytest.mark.parametrize(
    ("line", "metrics"),
    [
        (ELECTED, {"Won": 1}),
        ({**ELECTED, "taken_over": True}, {"Won": 1, "TakenOver": 1}),
        ({**ELECTED, "contender": "2"}, {"Won": 1, "Won/2": 1}),
        (HELD, {"Lost": 1, "LostHeld": 1, "Requests": 2, "Behind": 60}),
        ({"event": "not_elected", "reason": "done"}, {"Lost": 1, "LostDone": 1}),
        (COMPLETED, {"Completed": 1, "Requests": 5, "Duration": 812, "Behind": 0}),
        ({"event": "ended", "outcome": "failed", "status": 3}, {"Failed": 1}),
        ({"event": "ended", "outcome": "resigned"}, {"Resigned": 1}),
        ({"event": "lost", "term": 7}, {"LeadershipLost": 1}),
        ({"event": "error"}, {"CampaignFailed": 1}),
        ({"event": "error", "error": "CorruptLock"}, {"CampaignFailed": 1, "CorruptLock": 1}),
        ({"event": "warning"}, {}),
    ],
    ids=str,
)
def test_a_line_counts_for_its_metrics(line: dict[str, object], metrics: dict[str, object]) -> None:
    assert counted({**line, **IDENTITY}) == metrics


@pytest.mark.parametrize("other", [{"election": "weekly"}, {"bucket": "others"}], ids=str)
def test_a_line_of_another_election_does_not_count(other: dict[str, str]) -> None:
    assert counted({**ELECTED, **IDENTITY, **other}) == {}


def test_a_pattern_is_in_the_syntax_of_cloudwatch() -> None:
    pattern = filter_pattern({"event": "elected", "taken_over": True, "requests": None})
    assert pattern == '{ ($.event = "elected") && ($.taken_over IS TRUE) && ($.requests = *) }'


def test_a_filter_names_each_dimension_in_its_pattern(found: Synthesized) -> None:
    for each in filters(found):
        (transformation,) = each["MetricTransformations"]
        keys = [dimension["Value"] for dimension in transformation["Dimensions"]]
        assert [key for key in keys if f"({key} =" not in each["FilterPattern"]] == []


def test_every_alarm_of_the_election_has_its_metric(found: Synthesized) -> None:
    made = {each["MetricTransformations"][0]["MetricName"] for each in filters(found)}
    watched = {
        each["MetricName"]
        for each in found.properties("AWS::CloudWatch::Alarm")
        if each["Namespace"] == "s3leader"
    }
    assert watched <= made


def test_the_metrics_have_the_dimensions_that_alarms_name(found: Synthesized) -> None:
    for each in filters(found):
        (transformation,) = each["MetricTransformations"]
        names = [dimension["Key"] for dimension in transformation["Dimensions"]]
        assert names[:2] == ["bucket", "election"]
        assert transformation["MetricNamespace"] == "s3leader"


def test_a_name_that_no_pattern_holds_is_refused_with_the_length_that_one_holds() -> None:
    stack = new_stack()
    group = logs.LogGroup(stack, "Group")
    with pytest.raises(ValueError, match=r"^election .* characters.* shorten the name to") as error:
        LogMetrics(stack, "Long", log_group=group, bucket="locks", election=LONGEST_ELECTION)
    most = int(str(error.value).split()[-1])
    LogMetrics(stack, "Most", log_group=group, bucket="locks", election="n" * most)


def test_an_election_takes_as_many_filters_as_the_docstring_says(found: Synthesized) -> None:
    assert f"takes {len(filters(found))} of them" in str(LogMetrics.__doc__)
