"""Alarms for many elections, and one dashboard."""

import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations, Match

from s3leader_cdk import AlarmOptions, Monitoring, MonitoringOptions
from tests.infra.jobs import existing_function
from tests.infra.synth import Synthesized, new_stack
from tests.infra.test_dashboard import DASHBOARD, Shown
from tests.infra.test_monitoring import ALARM, AWAY, HOME

SHARDS = [f"shard/{number}" for number in range(64)]
EACH = ["not_completed", "failed", "leadership_lost", "corrupt_lock"]
HOURLY = MonitoringOptions(expected_within=cdk.Duration.hours(1))


def watch(stack: cdk.Stack, **given: Any) -> Monitoring:
    given = {"elections": SHARDS, "bucket": "acme-locks", "options": HOURLY, **given}
    return Monitoring(stack, "Shards", **given)


@pytest.fixture(scope="module")
def stack() -> cdk.Stack:
    return new_stack()


@pytest.fixture(scope="module")
def monitoring(stack: cdk.Stack) -> Monitoring:
    queue = sqs.Queue(stack, "Dead")
    return watch(stack, function=existing_function(stack), unprocessed=queue)


@pytest.fixture(scope="module")
def shown(monitoring: Monitoring) -> Shown:
    return Shown(cdk.Stack.of(monitoring))


def test_each_election_has_alarms_and_all_share_those_of_function_and_queue(
    monitoring: Monitoring,
) -> None:
    of_each = {f"{name}:{election}" for name in EACH for election in SHARDS}
    assert {*monitoring.alarms} == {*of_each, "function_errors", "throttles", "unprocessed"}


def test_alarm_watches_its_own_election(shown: Shown) -> None:
    found = {
        (each["MetricName"], pair["Value"])
        for each in shown.template.properties(ALARM)
        for pair in each["Dimensions"]
        if pair["Name"] == "election"
    }
    metrics = ("Completed", "Failed", "LeadershipLost", "CorruptLock")
    assert found == {(name, election) for name in metrics for election in SHARDS}


def test_description_names_the_election(shown: Shown) -> None:
    texts = [each["AlarmDescription"] for each in shown.template.properties(ALARM)]
    assert sum("of election shard/7 ended as failed" in each for each in texts) == 1


def test_there_is_one_dashboard(shown: Shown) -> None:
    assert len(shown.template.ids(DASHBOARD)) == 1


@pytest.mark.parametrize("title", ["Completed terms", "Latest completed tick", "Requests to S3"])
def test_graph_has_a_line_for_each_election(shown: Shown, title: str) -> None:
    assert shown.labels(title) == SHARDS


def test_every_alarm_has_its_status_in_a_widget_of_at_most_100(
    shown: Shown, monitoring: Monitoring
) -> None:
    counts = [len(each["alarms"]) for each in shown.widgets if "alarms" in each]
    assert (sum(counts), max(counts)) == (len(monitoring.alarms), 100)


def test_widgets_stay_within_the_limits_of_cloudwatch(shown: Shown) -> None:
    lines = [len(each["metrics"]) for each in shown.widgets if "metrics" in each]
    assert (max(lines) <= 500, sum(lines) <= 2_500) == (True, True)


def test_dashboard_fits_with_as_many_elections_and_regions_as_are_accepted() -> None:
    stack = new_stack(region=HOME)
    regions = [HOME, AWAY, "eu-central-1"]
    names = [f"shard/{number}" for number in range(80)]
    watch(stack, elections=names, regions=regions, continuations=True)
    lines = [len(each["metrics"]) for each in Shown(stack).widgets if "metrics" in each]
    assert (max(lines) <= 500, sum(lines) <= 2_500) == (True, True)


def test_adding_an_election_changes_no_logical_id_of_the_others() -> None:
    ids = []
    for elections in (["a", "c"], ["a", "b", "c"]):
        stack = new_stack()
        watch(stack, elections=elections)
        ids.append({*Synthesized(stack).ids(ALARM)})
    assert ids[0] < ids[1]


def test_continuations_add_two_alarms_for_each() -> None:
    found = watch(new_stack(), elections=["a", "b"], continuations=True).alarms
    assert {"too_many_continuations:a", "continuation_not_started:b"} < found.keys()


def test_alarms_are_changed_by_name_for_all_elections() -> None:
    stack = new_stack()
    topic = sns.Topic(stack, "Topic")
    alarms = {"failed": AlarmOptions(threshold=3), "corrupt_lock": AlarmOptions(enabled=False)}
    options = MonitoringOptions(
        expected_within=cdk.Duration.hours(1), topic=topic, alarms=alarms, dashboard=False
    )
    watch(stack, elections=["a", "b"], options=options)
    template = Synthesized(stack)
    failed = [each for each in template.properties(ALARM) if each.get("MetricName") == "Failed"]
    assert [each["Threshold"] for each in failed] == [3, 3]
    assert all("AlarmActions" in each for each in template.properties(ALARM))
    assert "CorruptLock" not in str(template.json)


def test_missing_expectation_is_warned_of_once() -> None:
    stack = new_stack()
    watch(stack, options=MonitoringOptions())
    message = Match.string_like_regexp("no alarm fires if election shard/0, shard/1")
    assert len(Annotations.from_stack(stack).find_warning("*", message)) == 1


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"elections": []}, "expected one of election='nightly' and elections=[…], got neither"),
        ({"election": "one"}, "expected one of election='nightly' and elections=[…], got both"),
        ({"elections": ["a", "a"]}, "at most 100 different names, got 2 of which 1 differ"),
        ({"elections": [str(each) for each in range(101)]}, "at most 100 different names, got 101"),
        ({"contenders": 2}, "contenders 2 was given with elections"),
    ],
    ids=["neither", "both", "twice", "too many", "contenders"],
)
def test_what_cannot_be_watched_is_refused(given: dict[str, Any], problem: str) -> None:
    pattern = re.escape(problem).replace("…", ".*")
    with pytest.raises(ValueError, match=pattern):
        watch(new_stack(), **given)


def test_more_regions_leave_room_for_fewer_elections() -> None:
    regions = [HOME, AWAY, "eu-central-1"]
    with pytest.raises(ValueError, match="at most 80 different names, got 81"):
        watch(new_stack(), elections=[str(each) for each in range(81)], regions=regions)
