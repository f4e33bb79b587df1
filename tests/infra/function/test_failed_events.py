"""A function's own handling of failed invocations stays, and the job completes it."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from s3leader_cdk import LockBucket, SingletonJob
from tests.infra.jobs import build, existing_function
from tests.infra.synth import Synthesized, new_app, new_stack, plain

Json = dict[str, Any]


def queue(stack: cdk.Stack, name: str = "Own") -> destinations.SqsDestination:
    return destinations.SqsDestination(sqs.Queue(stack, name))


def job_of(
    make: Callable[[cdk.Stack], lambda_.IFunction], **options: Any
) -> tuple[SingletonJob, Synthesized]:
    stack = new_stack()
    job = build(stack, function=make(stack), **options)
    return job, Synthesized(stack)


def with_failures(stack: cdk.Stack) -> lambda_.Function:
    return existing_function(stack, on_failure=queue(stack), on_success=queue(stack, "Done"))


def with_success(stack: cdk.Stack) -> lambda_.Function:
    return existing_function(stack, on_success=queue(stack, "Done"))


def alias_with_failures(stack: cdk.Stack) -> lambda_.Alias:
    return existing_function(stack).add_alias("live", on_failure=queue(stack))


def config_of_an_alias(stack: cdk.Stack) -> lambda_.Alias:
    alias = existing_function(stack).add_alias("live")
    lambda_.EventInvokeConfig(
        stack, "Config", function=alias.lambda_, qualifier="live", on_failure=queue(stack)
    )
    return alias


def config(template: Synthesized) -> Json:
    found: Json = plain(template.one("AWS::Lambda::EventInvokeConfig"))
    return found


def destination(template: Synthesized, kind: str) -> str:
    """Return the beginning of the logical id of the queue."""
    return str(config(template)["DestinationConfig"][kind]["Destination"])


@pytest.mark.parametrize("make", [with_failures, alias_with_failures, config_of_an_alias])
def test_own_queue_is_kept_and_gets_the_job_s_alarm(
    make: Callable[[cdk.Stack], lambda_.IFunction],
) -> None:
    job, template = job_of(make)
    assert destination(template, "OnFailure").startswith("<Own")
    (alarm,) = (
        each
        for each in template.properties("AWS::CloudWatch::Alarm")
        if "gave up" in each["AlarmDescription"]
    )
    assert "<Own" in str(plain(alarm["Dimensions"]))
    assert job.unprocessed is not None
    assert not [name for name in template.ids("AWS::SQS::Queue") if "Unprocessed" in name]


def test_job_sets_the_retries_and_the_age_that_are_left_out() -> None:
    _, template = job_of(with_failures, retry_attempts=1)
    found = config(template)
    assert (found["MaximumRetryAttempts"], found["MaximumEventAgeInSeconds"]) == (1, 1800)


def test_own_destination_of_successes_is_kept_beside_the_job_s_queue() -> None:
    _, template = job_of(with_success)
    assert destination(template, "OnSuccess").startswith("<Done")
    assert "Unprocessed" in destination(template, "OnFailure")


def test_function_may_send_to_the_queue_that_the_job_adds() -> None:
    _, template = job_of(with_success)
    statements = template.statements("AWS::IAM::Policy", "FunctionServiceRole")
    assert any(
        each["Action"] == "sqs:SendMessage" and "Unprocessed" in each["Resource"]
        for each in statements
    )


def test_own_topic_is_kept_and_the_job_has_no_queue_to_watch() -> None:
    job, template = job_of(
        lambda stack: existing_function(
            stack, on_failure=destinations.SnsDestination(sns.Topic(stack, "Own"))
        )
    )
    assert destination(template, "OnFailure").startswith("<Own")
    assert (job.unprocessed, "unprocessed" in job.monitoring.alarms) == (None, False)


def test_given_dead_letters_take_what_never_arrived_where_the_function_has_its_own() -> None:
    stack = new_stack()
    dead = sqs.Queue(stack, "Dead")
    job = build(stack, function=with_failures(stack), dead_letters=dead)
    assert job.contenders.undelivered is dead
    assert destination(Synthesized(stack), "OnFailure").startswith("<Own")


@pytest.mark.parametrize(
    ("own", "match"),
    [
        ({"retry_attempts": 0}, "maximum_retry_attempts of .* is 0, and the job sets 2: .*Failure"),
        ({"max_event_age": cdk.Duration.hours(2)}, "is 7200, and the job sets 1800: .*Trigger"),
    ],
)
def test_another_number_of_retries_or_another_age_is_refused(
    own: dict[str, Any], match: str
) -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match=match):
        build(stack, function=existing_function(stack, **own))


def test_own_queue_is_kept_after_the_configuration_of_another_job_was_removed() -> None:
    stack = new_stack()
    locks = LockBucket(stack, "Locks")
    first = existing_function(stack, "First")
    build(stack, "Job1", election="first", function=first, lock_bucket=locks)
    first.node.try_remove_child("EventInvokeConfig")
    second = existing_function(stack, "Second", on_failure=queue(stack))
    job = build(stack, "Job2", election="second", function=second, lock_bucket=locks)
    assert job.unprocessed is not None
    assert job.unprocessed.node.path == "Test/Own"


def test_equal_retries_are_accepted() -> None:
    _, template = job_of(lambda stack: existing_function(stack, retry_attempts=2))
    assert "Unprocessed" in destination(template, "OnFailure")


def test_own_destination_in_another_stack_is_kept() -> None:
    app = new_app()
    theirs, ours = cdk.Stack(app, "Theirs"), cdk.Stack(app, "Ours")
    job = build(ours, function=with_failures(theirs), lock_bucket=locks_in(app))
    assert not Synthesized(ours).ids("AWS::Lambda::EventInvokeConfig")
    assert job.unprocessed is not None


def test_successes_only_in_another_stack_are_refused_with_what_to_add() -> None:
    app = new_app()
    function = with_success(cdk.Stack(app, "Theirs"))
    with pytest.raises(ValueError, match="give it an on_failure, too"):
        build(cdk.Stack(app, "Ours"), function=function, lock_bucket=locks_in(app))


def locks_in(app: cdk.App) -> LockBucket:
    return LockBucket(cdk.Stack(app, "Storage"), "Locks")
