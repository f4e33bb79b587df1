"""An option of the wrong type is rejected by its name, its value and the expected type."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from s3leader_cdk import (
    Contenders,
    LockBucket,
    Monitoring,
    SingletonJob,
    election_metric,
    grant_fenced,
)
from tests.infra.jobs import build, existing_function
from tests.infra.synth import new_stack

_NOT_OPTIONS = {"self", "scope", "id"}
Made = Callable[..., object]


def locks(stack: cdk.Stack) -> LockBucket:
    return LockBucket(stack, "Locks")


CRON = cdk.aws_scheduler.ScheduleExpression.expression("cron(0 3 * * ? *)")
NIGHTLY: dict[str, Any] = {"election": "nightly"}
# Where its options are read, what is called, and the least that it needs.
MADE: dict[str, tuple[Made, Callable[[cdk.Stack], Made], dict[str, Any]]] = {
    "SingletonJob": (SingletonJob.__init__, lambda stack: partial(build, stack), {}),
    "LockBucket": (LockBucket.__init__, lambda stack: partial(LockBucket, stack, "Locks"), {}),
    "Monitoring": (
        Monitoring.__init__,
        lambda stack: partial(Monitoring, stack, "Monitoring"),
        {"function": existing_function, "bucket": "locks", **NIGHTLY},
    ),
    "Contenders": (
        Contenders.__init__,
        lambda stack: partial(Contenders, stack, "Contenders"),
        {
            "function": existing_function,
            "expressions": [CRON],
            "count": 2,
            "max_tick_age": cdk.Duration.hours(1),
        },
    ),
    "grant_fenced": (
        grant_fenced,
        lambda _: grant_fenced,
        {
            "bucket": lambda stack: s3.Bucket(stack, "Data"),
            "grantee": existing_function,
            "key": "a.json",
        },
    ),
    "grant_candidate": (
        LockBucket.grant_candidate,
        lambda stack: locks(stack).grant_candidate,
        {"grantee": existing_function, **NIGHTLY},
    ),
    "grant_observer": (
        LockBucket.grant_observer,
        lambda stack: locks(stack).grant_observer,
        {"grantee": existing_function, **NIGHTLY},
    ),
    "attach": (
        LockBucket.attach,
        lambda stack: locks(stack).attach,
        {"function": existing_function, **NIGHTLY},
    ),
    "metric": (SingletonJob.metric, lambda stack: build(stack).metric, {"name": "Completed"}),
    "election_metric": (
        election_metric,
        lambda _: election_metric,
        {"name": "Completed", "bucket": "locks", **NIGHTLY},
    ),
}


def make(made: str, stack: cdk.Stack, **given: Any) -> None:
    """Call it with the least that it needs and `given`; a function makes a value in the stack."""
    _, bind, least = MADE[made]
    needed = {
        name: value(stack) if callable(value) else value
        for name, value in least.items()
        if name not in given
    }
    bind(stack)(**needed, **given)


def options() -> Iterator[tuple[str, str]]:
    for made, (described, *_) in MADE.items():
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
        ("grant_candidate", {"lease": 30}, r"lease: .* Duration\.seconds\(30\), got 30"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_the_error_says_what_to_give(made: str, given: dict[str, Any], match: str) -> None:
    with pytest.raises(TypeError, match=match):
        make(made, new_stack(), **given)


def test_a_monitoring_takes_the_name_of_a_bucket() -> None:
    stack = new_stack()
    with pytest.raises(TypeError, match="^bucket: expected the name of a bucket, such as locks"):
        make("Monitoring", stack, bucket=s3.Bucket(stack, "Locks"))


def test_an_argument_given_by_position_is_checked_too() -> None:
    locks: Any = LockBucket(new_stack(), "Locks")
    with pytest.raises(TypeError, match=r"grantee: .* got 'role'"):
        locks.grant_candidate("role", election="nightly")


def test_a_missing_argument_is_reported_as_python_does() -> None:
    locks: Any = LockBucket(new_stack(), "Locks")
    with pytest.raises(TypeError, match=r"grant_candidate\(\) missing 1 required .*'election'"):
        locks.grant_candidate(iam.AccountPrincipal("123456789012"))


@pytest.mark.parametrize("made", ["attach", "SingletonJob"])
def test_an_imported_function_cannot_be_a_candidate(made: str) -> None:
    stack = new_stack()
    imported = lambda_.Function.from_function_name(stack, "Imported", "imported")
    with pytest.raises(TypeError, match=r"^function: expected .*a lambda_\.Function .* this app"):
        make(made, stack, function=imported)
