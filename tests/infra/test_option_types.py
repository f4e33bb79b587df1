"""An option of the wrong type is rejected by its name, its value and the expected type."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from s3leader_cdk import (
    Contenders,
    JobRecord,
    LockBucket,
    LogMetrics,
    Monitoring,
    SingletonJob,
    SingletonTask,
    grant_fence_row,
    grant_fenced,
    grant_fenced_bytes,
    grant_fenced_items,
)
from tests.infra.jobs import build, existing_function
from tests.infra.synth import new_stack
from tests.infra.tasks import build_task

_NOT_OPTIONS = {"self", "scope", "id"}
Made = Callable[..., object]


def locks(stack: cdk.Stack) -> LockBucket:
    return LockBucket(stack, "Locks")


# Where its options are read, and what is called.
MADE: dict[str, tuple[Made, Callable[[cdk.Stack], Made]]] = {
    "SingletonJob": (SingletonJob.__init__, lambda stack: partial(build, stack)),
    "SingletonTask": (SingletonTask.__init__, lambda stack: partial(build_task, stack)),
    "LogMetrics": (
        LogMetrics.__init__,
        lambda stack: partial(LogMetrics, stack, "Metrics", bucket="locks"),
    ),
    "LockBucket": (LockBucket.__init__, lambda stack: partial(LockBucket, stack, "Locks")),
    "Monitoring": (
        Monitoring.__init__,
        lambda stack: partial(Monitoring, stack, "Monitoring", bucket="locks"),
    ),
    "Contenders": (Contenders.__init__, lambda stack: partial(Contenders, stack, "Contenders")),
    "JobRecord": (
        JobRecord.__init__,
        lambda stack: partial(
            JobRecord,
            stack,
            "Record",
            lock_bucket=locks(stack),
            contenders=build(stack, lock_bucket=locks(cdk.Stack(stack, "Nested"))).contenders,
        ),
    ),
    "grant_fenced": (grant_fenced, lambda _: grant_fenced),
    "grant_fenced_items": (grant_fenced_items, lambda _: grant_fenced_items),
    "grant_fenced_bytes": (grant_fenced_bytes, lambda _: grant_fenced_bytes),
    "grant_fence_row": (grant_fence_row, lambda _: grant_fence_row),
    "grant_candidate": (LockBucket.grant_candidate, lambda stack: locks(stack).grant_candidate),
    "grant_observer": (LockBucket.grant_observer, lambda stack: locks(stack).grant_observer),
    "attach": (LockBucket.attach, lambda stack: locks(stack).attach),
}
# The least that is needed; a function makes a value in the stack.
NEEDED: dict[str, Any] = {
    "bucket": lambda stack: s3.Bucket(stack, "Data"),
    "count": 2,
    "election": "nightly",
    "expressions": [cdk.aws_scheduler.ScheduleExpression.expression("cron(0 3 * * ? *)")],
    "function": existing_function,
    "grantee": existing_function,
    "key": "a.json",
    "log_group": lambda stack: logs.LogGroup(stack, "Group"),
    "max_tick_age": cdk.Duration.hours(1),
    "partition_key": "nightly",
    "table": lambda stack: dynamodb.Table.from_table_name(stack, "Table", "bank"),
}


def make(made: str, stack: cdk.Stack, **given: Any) -> None:
    """Call it with `given` and the least that it needs."""
    call = MADE[made][1](stack)
    missing = [
        name
        for name, each in inspect.signature(call).parameters.items()
        if each.default is each.empty and name in NEEDED.keys() - given.keys()
    ]
    needed = {name: NEEDED[name] for name in missing}
    call(**{k: v(stack) if callable(v) else v for k, v in needed.items()}, **given)


def options() -> Iterator[tuple[str, str]]:
    for made, (described, _) in MADE.items():
        for option in inspect.signature(described).parameters:
            if option not in _NOT_OPTIONS:
                yield made, option


@pytest.mark.parametrize("value", [object(), [object()], {"a": object()}], ids=["", "list", "dict"])
@pytest.mark.parametrize(("made", "option"), [*options()])
def test_an_option_of_a_wrong_type_is_refused_by_its_name(
    made: str, option: str, value: object
) -> None:
    if (option, type(value)) == ("vpc_subnets", dict):
        pytest.skip("jsii takes a mapping for a structure")
    with pytest.raises((TypeError, ValueError), match=rf"^{option}\b.* (give|expected) "):
        make(made, new_stack(), **{option: value})


@pytest.mark.parametrize(
    ("made", "given", "match"),
    [
        ("LockBucket", {"bucket": "my-locks"}, r"from_bucket_name.*bucket_name='my-locks'"),
        ("LockBucket", {"history": timedelta(days=30)}, r"history: .* Duration\.days\(30\), got"),
        ("LockBucket", {"protect": "false"}, "protect: expected True or False, got 'false'"),
        ("LockBucket", {"encryption_key": "arn:aws:kms:…"}, r"Key\.from_key_arn"),
        ("SingletonJob", {"contenders": "2"}, "contenders: expected a whole number, .* got '2'"),
        ("SingletonJob", {"contenders": True}, "contenders: .* got True"),
        ("SingletonJob", {"contenders": None}, "contenders: .* got None"),
        ("SingletonJob", {"layers": "runtime"}, "layers: expected a list, .* got 'runtime'"),
        ("SingletonJob", {"topic": "ops"}, r"Topic\.from_topic_arn"),
        ("SingletonJob", {"environment": {"N": 1}}, "mapping of texts to texts"),
        ("SingletonJob", {"lock_bucket": "locks"}, r"expected a LockBucket, .*LockBucket\(stack, "),
        ("grant_candidate", {"lease": 30}, r"lease: .* Duration\.seconds\(30\), got 30"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_the_error_says_what_to_give(made: str, given: dict[str, Any], match: str) -> None:
    with pytest.raises(TypeError, match=match):
        make(made, new_stack(), **given)


def test_a_monitoring_takes_the_name_of_a_bucket() -> None:
    stack = new_stack()
    with pytest.raises(TypeError, match=r"^bucket: expected the name of a bucket, such as locks"):
        make("Monitoring", stack, bucket=s3.Bucket(stack, "Locks"))


def test_an_argument_given_by_position_is_checked_too() -> None:
    stack = new_stack()
    locks: Any = LockBucket(stack, "Locks")
    with pytest.raises(TypeError, match=r"grantee: .* got 'role'"):
        locks.grant_candidate("role", election="nightly")


def test_a_missing_argument_is_reported_as_python_does() -> None:
    stack = new_stack()
    locks: Any = LockBucket(stack, "Locks")
    with pytest.raises(TypeError, match=r"attach\(\) missing 1 required .*'election'"):
        locks.attach(existing_function(stack))


def test_an_imported_function_cannot_be_attached() -> None:
    stack = new_stack()
    imported = lambda_.Function.from_function_name(stack, "Imported", "imported")
    with pytest.raises(TypeError, match=r"^function: expected .*a lambda_\.Function .* this app"):
        make("attach", stack, function=imported)
