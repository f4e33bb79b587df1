"""What can be changed about a single alarm."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match

from s3leader_cdk import AlarmOptions
from tests.infra.jobs import build
from tests.infra.synth import Synthesized, new_stack, synthesize
from tests.infra.test_monitoring import alarm, children, watch


def test_an_alarm_that_is_switched_off_does_not_exist() -> None:
    found, _ = children(alarms={"throttles": AlarmOptions(enabled=False)})
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
        (
            {"alarms": {"errors": AlarmOptions()}},
            "unknown alarm 'errors': .* not_completed, failed,",
        ),
        (
            {"alarms": {"undelivered": AlarmOptions()}},
            "unknown alarm 'undelivered': the alarms are",
        ),
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
        children(**options)


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
