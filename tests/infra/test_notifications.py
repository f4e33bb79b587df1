"""Destinations of alarms and dead letters, and settings with which these would be lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations, Match

from s3leader_cdk import LockBucket
from s3leader_cdk.alarm_topic import topic_action
from s3leader_cdk.dead_letters import check_queue
from tests.infra.jobs import build, existing_function
from tests.infra.synth import Synthesized, new_stack, synthesize
from tests.infra.test_monitoring import watch

KEY = "arn:aws:kms:us-east-1:123456789012:key/0000"


@pytest.fixture
def stack() -> cdk.Stack:
    return new_stack(region="us-east-1", account="123456789012")


def warnings(stack: cdk.Stack) -> list[str]:
    found = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    return [str(each.entry.data) for each in found]


@pytest.fixture(scope="module")
def guarded_topic() -> Synthesized:
    def fill(stack: cdk.Stack) -> None:
        topic = sns.Topic(stack, "Topic", enforce_ssl=True, master_key=kms.Key(stack, "Key"))
        build(stack, topic=topic)

    return synthesize(fill)


def test_alarms_may_publish_to_a_topic_with_its_own_policy(guarded_topic: Synthesized) -> None:
    statements = guarded_topic.statements("AWS::SNS::TopicPolicy")
    allowed = [each for each in statements if each["Effect"] == "Allow"]
    assert [(each["Action"], each["Principal"], each["Condition"]) for each in allowed] == [
        (
            "sns:Publish",
            {"Service": "cloudwatch.amazonaws.com"},
            {"StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"}},
        )
    ]


def test_alarms_may_use_the_topics_key(guarded_topic: Synthesized) -> None:
    document = guarded_topic.one("AWS::KMS::Key")["KeyPolicy"]["Statement"]
    actions = [each["Action"] for each in document if "cloudwatch" in str(each["Principal"])]
    assert actions == [["kms:Decrypt", "kms:GenerateDataKey*"]]


def imported_topic(stack: cdk.Stack, region: str = "us-east-1") -> sns.ITopic:
    arn = f"arn:aws:sns:{region}:123456789012:pager"
    return sns.Topic.from_topic_arn(stack, "Topic", arn)


def encrypted_topic(stack: cdk.Stack, key: kms.IKey) -> sns.Topic:
    return sns.Topic(stack, "Topic", master_key=key, enforce_ssl=True)


def test_synth_warns_of_an_imported_topic_with_the_rights_it_needs(stack: cdk.Stack) -> None:
    topic_action(stack, imported_topic(stack))
    (warning,) = warnings(stack)
    assert "allow sns:Publish to the service cloudwatch.amazonaws.com" in warning
    assert "kms:Decrypt and kms:GenerateDataKey*" in warning


def test_synth_warns_of_a_topic_with_an_imported_key(stack: cdk.Stack) -> None:
    topic_action(stack, encrypted_topic(stack, kms.Key.from_key_arn(stack, "Key", KEY)))
    (warning,) = warnings(stack)
    assert "the key of topic Test/Topic is not created in this app" in warning


@pytest.mark.parametrize(
    "key",
    [
        lambda stack: kms.Key(stack, "Key"),
        lambda stack: kms.Key(stack, "Key").add_alias("alias/pager"),
    ],
    ids=["key", "alias"],
)
def test_a_topic_and_key_of_the_app_need_no_warning(
    stack: cdk.Stack, key: Callable[[cdk.Stack], kms.IKey]
) -> None:
    topic_action(stack, encrypted_topic(stack, key(stack)))
    assert warnings(stack) == []


def test_the_key_that_sns_manages_is_refused(stack: cdk.Stack) -> None:
    key = kms.Alias.from_alias_name(stack, "Managed", "alias/aws/sns")
    with pytest.raises(ValueError, match="with alias/aws/sns, whose policy does not let CloudW"):
        topic_action(stack, encrypted_topic(stack, key))


def test_a_topic_of_another_region_is_refused(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match="Test/Topic is in eu-west-1, and the alarms are in us-e"):
        topic_action(stack, imported_topic(stack, "eu-west-1"))


def imported_queue(
    stack: cdk.Stack, region: str = "us-east-1", key_arn: str | None = None
) -> sqs.IQueue:
    arn = f"arn:aws:sqs:{region}:123456789012:letters"
    return sqs.Queue.from_queue_attributes(stack, "Queue", queue_arn=arn, key_arn=key_arn)


@pytest.mark.parametrize(
    ("queue", "match"),
    [
        (lambda stack: sqs.Queue(stack, "Fifo", fifo=True), "letters Test/Fifo is a FIFO queue"),
        (
            lambda stack: imported_queue(stack, "eu-west-1"),
            "Test/Queue is in eu-west-1, and the job in us-east-1",
        ),
    ],
    ids=["FIFO", "another Region"],
)
def test_a_queue_that_takes_no_dead_letters_is_refused(
    stack: cdk.Stack, queue: Callable[[cdk.Stack], sqs.IQueue], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        build(stack, dead_letters=queue(stack))


@pytest.mark.parametrize(("key_arn", "warned"), [(None, True), (KEY, False)])
def test_synth_warns_of_an_imported_queue_without_its_key(
    stack: cdk.Stack, key_arn: str | None, *, warned: bool
) -> None:
    check_queue(stack, imported_queue(stack, key_arn=key_arn))
    advice = "import it with Queue.from_queue_attributes(key_arn=…)"
    assert [advice in each for each in warnings(stack)] == [True] * warned


JSON = lambda_.LoggingFormat.JSON


def campaign(stack: cdk.Stack, candidate: lambda_.Function) -> None:
    LockBucket(stack, "Locks").grant_candidate(candidate, election="nightly")


def observe(stack: cdk.Stack, candidate: lambda_.Function) -> None:
    watch(stack, function=candidate)


Use = Callable[[cdk.Stack, lambda_.Function], None]
each_use = pytest.mark.parametrize("use", [campaign, observe])


@each_use
@pytest.mark.parametrize(
    "properties",
    [
        {"logging_format": JSON, "application_log_level_v2": lambda_.ApplicationLogLevel.WARN},
        {"logging_format": JSON, "application_log_level_v2": lambda_.ApplicationLogLevel.FATAL},
        {"log_format": "JSON", "application_log_level": "ERROR"},
    ],
    ids=["WARN", "FATAL", "a deprecated property"],
)
def test_a_log_level_that_drops_metrics_is_refused(
    stack: cdk.Stack, properties: Mapping[str, Any], use: Use
) -> None:
    candidate = existing_function(stack, **properties)
    with pytest.raises(ValueError, match=r"Test/Function has the application log level [WEF]"):
        use(stack, candidate)


@pytest.mark.parametrize(
    "levels",
    [
        {"application_log_level_v2": lambda_.ApplicationLogLevel.TRACE},
        {"application_log_level_v2": lambda_.ApplicationLogLevel.INFO},
        {"system_log_level_v2": lambda_.SystemLogLevel.WARN},
    ],
    ids=["TRACE", "INFO", "of the system"],
)
def test_a_log_level_that_keeps_metrics_is_accepted(
    stack: cdk.Stack, levels: Mapping[str, Any]
) -> None:
    campaign(stack, existing_function(stack, logging_format=JSON, **levels))


def test_a_log_group_without_metrics_is_refused(stack: cdk.Stack) -> None:
    rare = logs.LogGroup(stack, "Logs", log_group_class=logs.LogGroupClass.INFREQUENT_ACCESS)
    campaign(stack, existing_function(stack, "Other"))
    with pytest.raises(ValueError, match="logs to Test/Logs/Resource of class INFREQUENT_ACCESS"):
        observe(stack, existing_function(stack, log_group=rare))


@each_use
@pytest.mark.parametrize("name", ["POWERTOOLS_METRICS_DISABLED", "POWERTOOLS_DEV"])
@pytest.mark.parametrize("later", [False, True], ids=["constructed with", "added later"])
def test_a_variable_that_switches_metrics_off_is_refused_at_synth(
    stack: cdk.Stack, name: str, use: Use, *, later: bool
) -> None:
    candidate = existing_function(stack, environment={} if later else {name: "true"})
    use(stack, candidate)
    if later:
        candidate.add_environment(name, "true")
    (error,) = candidate.node.validate()
    assert f"{name} is 'true', with which" in error


@pytest.mark.parametrize("value", ["false", "0", cdk.Aws.REGION], ids=["false", "0", "token"])
def test_a_variable_that_leaves_metrics_on_is_accepted(stack: cdk.Stack, value: str) -> None:
    candidate = existing_function(stack, environment={"POWERTOOLS_METRICS_DISABLED": value})
    campaign(stack, candidate)
    assert candidate.node.validate() == []


def test_retries_of_another_function_or_of_an_alias_do_not_matter(stack: cdk.Stack) -> None:
    candidate, other = existing_function(stack), existing_function(stack, "Other")
    lambda_.EventInvokeConfig(stack, "Mine", function=other, retry_attempts=0)
    candidate.current_version.configure_async_invoke(retry_attempts=0)
    build(stack, function=candidate)


@pytest.mark.parametrize(
    ("reserved", "match"),
    [(0, "cannot be used"), (1, "its 2 contend"), (2.5, "cannot be used: give a whole number")],
)
def test_too_little_reserved_concurrency_is_refused(
    stack: cdk.Stack, reserved: float, match: str
) -> None:
    candidate = existing_function(stack, reserved_concurrent_executions=reserved)
    with pytest.raises(ValueError, match=f"reserved_concurrent_executions {reserved} .*{match}"):
        build(stack, function=candidate)
