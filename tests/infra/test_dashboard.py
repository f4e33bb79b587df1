"""What the dashboard shows, and that it and the alarms use metrics that the runtime emits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sqs as sqs

from s3leader_cdk.metrics import METRICS_NAMESPACE
from tests.fast.s3leader._lambda.invocations import emitted
from tests.infra.jobs import LONGEST_ELECTION, build
from tests.infra.synth import Json, Synthesized, new_stack, plain
from tests.infra.test_monitoring import ALARM, AWAY, HOME, watch

DASHBOARD = "AWS::CloudWatch::Dashboard"
Series = tuple[str, frozenset[str]]


class Shown:
    """A dashboard, by the titles of its widgets."""

    def __init__(self, stack: cdk.Stack) -> None:
        self.template = Synthesized(stack)
        text = plain(self.template.one(DASHBOARD)["DashboardBody"])
        self.widgets: list[Json] = [each["properties"] for each in json.loads(text)["widgets"]]
        self.titles = [each.get("title", "") for each in self.widgets]

    def widget(self, title: str) -> Json:
        """Return the only widget whose title begins so."""
        (found,) = (each for each in self.widgets if each.get("title", "").startswith(title))
        return found

    def series(self, title: str) -> list[tuple[str, Json]]:
        """Return the metrics of a widget: their names and attributes."""
        return [(line[1], attributes(line)) for line in self.widget(title)["metrics"]]

    def labels(self, title: str) -> list[str]:
        return [line[-1]["label"] for line in self.widget(title)["metrics"]]


def attributes(line: Sequence[Any]) -> Json:
    """Return a metric's dimensions and options together."""
    *dimensions, options = line[2:]
    return {**dict(zip(dimensions[::2], dimensions[1::2], strict=True)), **options}


def dashboard(**properties: Any) -> Shown:
    stack = new_stack(region=AWAY)
    queues = {name: sqs.Queue(stack, name) for name in ("undelivered", "unprocessed")}
    given: dict[str, Any] = {**queues, "expected_within": cdk.Duration.hours(1), **properties}
    watch(stack, **given)
    return Shown(stack)


@pytest.fixture(scope="module")
def one_region() -> Shown:
    return dashboard(contenders=2, continuations=True)


@pytest.fixture(scope="module")
def several() -> Shown:
    return dashboard(contenders=2, regions=[HOME, AWAY])


@pytest.fixture(scope="module")
def plain_function() -> Shown:
    return dashboard(undelivered=None, unprocessed=None)


@pytest.fixture(scope="module")
def jobs() -> Shown:
    stack = new_stack()
    build(stack, election=LONGEST_ELECTION)
    return Shown(stack)


@pytest.fixture(params=["one_region", "several", "plain_function", "jobs"])
def shown(request: pytest.FixtureRequest) -> Shown:
    found: Shown = request.getfixturevalue(request.param)
    return found


def in_alarms(template: Synthesized) -> Iterator[Series]:
    for each in template.properties(ALARM):
        if each["Namespace"] == METRICS_NAMESPACE:
            yield each["MetricName"], frozenset(one["Name"] for one in each["Dimensions"])


def of_runtime(shown: Shown) -> Iterator[Sequence[Any]]:
    """Yield the dashboard's metrics in the runtime's namespace."""
    for widget in shown.widgets:
        for line in widget.get("metrics", []):
            if line[0] == METRICS_NAMESPACE:
                yield line


def in_dashboard(shown: Shown) -> set[Series]:
    return {(line[1], frozenset(line[2:-1:2])) for line in of_runtime(shown)}


@pytest.fixture(scope="module")
def runtime() -> set[Series]:
    return {(name, frozenset(dimensions)) for name, dimensions in emitted()}


def test_alarms_and_dashboard_use_only_metrics_that_the_runtime_emits(
    shown: Shown, runtime: set[Series]
) -> None:
    assert {*in_alarms(shown.template), *in_dashboard(shown)} - runtime == set()


def test_dashboards_show_every_metric_that_the_runtime_emits(
    one_region: Shown, plain_function: Shown, runtime: set[Series]
) -> None:
    assert in_dashboard(one_region) | in_dashboard(plain_function) == runtime


def test_every_series_is_of_the_election_in_its_bucket(one_region: Shown) -> None:
    found = [attributes(line) for line in of_runtime(one_region)]
    assert {(each["election"], each["bucket"]) for each in found} == {("nightly", "acme-locks")}


def test_the_longest_name_is_shown_in_full(jobs: Shown) -> None:
    assert {each["election"] for _, each in jobs.series("Terms")} == {LONGEST_ELECTION}


def test_it_has_no_fixed_name_that_would_collide_across_regions(one_region: Shown) -> None:
    assert "DashboardName" not in one_region.template.one(DASHBOARD)


@pytest.mark.parametrize(
    ("properties", "text"),
    [
        ({}, "\ns3leader status nightly --bucket acme-locks\n"),
        ({}, "in the bucket `acme-locks` under `elections/nightly/`."),
        ({"prefix": "jobs/"}, "\ns3leader status nightly --bucket acme-locks --prefix 'jobs/'\n"),
        (
            {"regions": [HOME, AWAY]},
            f"Contenders run in {HOME}, {AWAY}; *this Region* is {AWAY}.",
        ),
    ],
    ids=["status command", "place of the locks", "prefix", "Regions"],
)
def test_it_begins_with(properties: Mapping[str, Any], text: str) -> None:
    assert text in dashboard(**properties).widgets[0]["markdown"]


def test_every_alarm_s_state_is_shown(shown: Shown) -> None:
    ids = [each.strip("<>").removesuffix(".Arn") for each in shown.widget("Alarms")["alarms"]]
    assert sorted(ids) == sorted(shown.template.ids(ALARM))


@pytest.mark.parametrize(
    ("title", "labels"),
    [
        ("Terms", ["Completed", "Failed", "Resigned", "LeadershipLost"]),
        ("Wins (left) and losses (right) by", ["Won 1", "Won 2", "Lost 1", "Lost 2"]),
        (
            "Takeovers, and losses by reason",
            ["TakenOver", "LostHeld", "LostDone", "LostBeaten", "LostExhausted"],
        ),
        ("Duration", ["p50", "p95", "Maximum"]),
        ("Latest completed tick", ["Minimum", "Maximum", "Missed", "Repeated"]),
        ("The highest leg", ["Maximum"]),
        ("Continued terms", ["Continued", "TooManyContinuations", "ContinuationNotStarted"]),
        ("Requests", ["Requests", "RenewedLate", "TaggingFailed"]),
        ("Campaigns that failed", ["CampaignFailed", "CorruptLock"]),
        ("Function", ["Errors", "Throttles", "Concurrent"]),
        ("Dead letters", ["Undelivered", "Unprocessed"]),
    ],
)
def test_it_shows(title: str, labels: Sequence[str], one_region: Shown) -> None:
    assert one_region.labels(title) == labels


@pytest.mark.parametrize("title", ["Duration", "The highest leg"])
def test_a_statistic_is_the_label(title: str, one_region: Shown) -> None:
    assert [each["stat"] for _, each in one_region.series(title)] == one_region.labels(title)


def test_contenders_without_numbers_are_summed(plain_function: Shown) -> None:
    assert plain_function.labels("Wins and losses") == ["Won", "Lost"]


def test_without_queues_no_dead_letters_are_shown(plain_function: Shown) -> None:
    assert [title for title in plain_function.titles if "Dead" in title] == []


def test_one_queue_for_both_is_shown_once() -> None:
    stack = new_stack()
    build(stack, dead_letters=sqs.Queue(stack, "Mine"))
    assert Shown(stack).labels("Dead letters") == ["DeadLetters"]


@pytest.mark.parametrize(
    "title", ["Terms", "Takeovers", "Duration", "Latest", "Requests", "Campaigns"]
)
def test_each_metric_is_shown_for_each_region(title: str, several: Shown) -> None:
    found = [each.get("region", AWAY) for _, each in several.series(title)]
    assert found == [HOME, AWAY] * (len(found) // 2)


@pytest.mark.parametrize("region", [HOME, AWAY])
def test_each_region_has_a_graph_of_its_contenders(region: str, several: Shown) -> None:
    found = several.series(f"Wins (left) and losses (right) by contender, {region}")
    shown = [(name, each["contender"], each.get("region", AWAY)) for name, each in found]
    assert shown == [(name, number, region) for name in ("Won", "Lost") for number in ("1", "2")]
