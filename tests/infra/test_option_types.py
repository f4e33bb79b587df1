"""An option of the wrong type is rejected by its name, its value and the expected type."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
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
from tests.infra.jobs import build
from tests.infra.synth import new_stack

_NOT_OPTIONS = {"self", "scope", "id"}
_INLINE = "from s3leader.aws_lambda import singleton\nhandler = singleton(print)\n"


def function(stack: cdk.Stack) -> lambda_.Function:
    return lambda_.Function(
        stack,
        "Existing",
        code=lambda_.Code.from_inline(_INLINE),
        handler="index.handler",
        runtime=lambda_.Runtime.PYTHON_3_13,
    )


def lock_bucket(stack: cdk.Stack, **given: Any) -> None:
    LockBucket(stack, "Locks", **given)


def monitoring(stack: cdk.Stack, **given: Any) -> None:
    least: dict[str, Any] = {"election": "nightly", "bucket": "locks"}
    least |= {} if "function" in given else {"function": function(stack)}
    Monitoring(stack, "Monitoring", **(least | given))


def contenders(stack: cdk.Stack, **given: Any) -> None:
    expressions = [cdk.aws_scheduler.ScheduleExpression.expression("cron(0 3 * * ? *)")]
    least: dict[str, Any] = {
        "expressions": expressions,
        "count": 2,
        "max_tick_age": cdk.Duration.hours(1),
    }
    Contenders(stack, "Contenders", **({"function": function(stack)} | least | given))


def fenced(stack: cdk.Stack, **given: Any) -> None:
    least: dict[str, Any] = {
        "bucket": s3.Bucket(stack, "Data"),
        "grantee": function(stack),
        "key": "a.json",
    }
    grant_fenced(**(least | given))


def candidate(stack: cdk.Stack, **given: Any) -> None:
    least: dict[str, Any] = {"grantee": function(stack), "election": "nightly"}
    LockBucket(stack, "Locks").grant_candidate(**(least | given))


def observer(stack: cdk.Stack, **given: Any) -> None:
    least: dict[str, Any] = {"grantee": function(stack), "election": "nightly"}
    LockBucket(stack, "Locks").grant_observer(**(least | given))


def attach(stack: cdk.Stack, **given: Any) -> None:
    least: dict[str, Any] = {"function": function(stack), "election": "nightly"}
    LockBucket(stack, "Locks").attach(**(least | given))


def metric(stack: cdk.Stack, **given: Any) -> None:
    build(stack).metric(**({"name": "Completed"} | given))


def any_metric(_: cdk.Stack, **given: Any) -> None:
    least: dict[str, Any] = {"name": "Completed", "election": "nightly", "bucket": "locks"}
    election_metric(**(least | given))


MADE: dict[str, tuple[Callable[..., object], Callable[..., object]]] = {
    "SingletonJob": (SingletonJob.__init__, build),
    "LockBucket": (LockBucket.__init__, lock_bucket),
    "Monitoring": (Monitoring.__init__, monitoring),
    "Contenders": (Contenders.__init__, contenders),
    "grant_fenced": (grant_fenced, fenced),
    "grant_candidate": (LockBucket.grant_candidate, candidate),
    "grant_observer": (LockBucket.grant_observer, observer),
    "attach": (LockBucket.attach, attach),
    "metric": (SingletonJob.metric, metric),
    "election_metric": (election_metric, any_metric),
}


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
        MADE[made][1](new_stack(), **{option: value})


CASES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("LockBucket", {"bucket": "my-locks"}, r"from_bucket_name.*bucket_name='my-locks'"),
    ("LockBucket", {"history": 30}, r"history: .* Duration\.days\(30\), got 30"),
    ("LockBucket", {"history": timedelta(days=30)}, r"Duration\.days\(30\)"),
    ("LockBucket", {"protect": "false"}, "protect: expected True or False, got 'false'"),
    ("LockBucket", {"removal_policy": "destroy"}, r"RemovalPolicy\.RETAIN"),
    ("LockBucket", {"encryption_key": "arn:aws:kms:…"}, r"Key\.from_key_arn"),
    (
        "SingletonJob",
        {"contenders": "2"},
        "contenders: expected a whole number, such as 2, got '2'",
    ),
    ("SingletonJob", {"contenders": True}, "contenders: .* got True"),
    ("SingletonJob", {"contenders": None}, "contenders: .* got None"),
    ("SingletonJob", {"timeout": 300}, r"timeout: .* Duration\.minutes\(5\), got 300"),
    ("SingletonJob", {"retry_attempts": "1"}, "retry_attempts: .* got '1'"),
    ("SingletonJob", {"layers": "runtime"}, "layers: expected a list, .* got 'runtime'"),
    ("SingletonJob", {"election": ["nightly"]}, r"election: .* got \['nightly'\]"),
    ("SingletonJob", {"topic": "ops"}, r"Topic\.from_topic_arn"),
    ("SingletonJob", {"time_zone": "Europe/Vienna"}, r"TimeZone\.of\('Europe/Vienna'\)"),
    ("SingletonJob", {"environment": {"N": 1}}, "mapping of texts to texts"),
    ("SingletonJob", {"dashboard": "false"}, "dashboard: .* got 'false'"),
    ("SingletonJob", {"log_retention": 30}, r"RetentionDays\.ONE_MONTH"),
    ("Monitoring", {"regions": "us-east-1"}, "regions: expected a list, .* got 'us-east-1'"),
    ("Monitoring", {"contenders": "3"}, "contenders: .* got '3'"),
    ("SingletonJob", {"max_attempts": True}, "max_attempts: .* got True"),
    ("grant_fenced", {"bucket": "data"}, r"Bucket\.from_bucket_name"),
    ("grant_fenced", {"key": ["a.json"]}, r"key: .* got \['a.json'\]"),
    ("grant_candidate", {"lease": 30}, r"lease: .* Duration\.seconds\(30\), got 30"),
    ("grant_candidate", {"grantee": "role"}, "grantee: .* got 'role'"),
)


@pytest.mark.parametrize(("made", "given", "match"), CASES, ids=[str(each[1]) for each in CASES])
def test_the_error_says_what_to_give(made: str, given: dict[str, Any], match: str) -> None:
    with pytest.raises(TypeError, match=match):
        MADE[made][1](new_stack(), **given)


def test_a_monitoring_takes_the_name_of_a_bucket() -> None:
    stack = new_stack()
    with pytest.raises(
        TypeError, match=r"^bucket: expected the name of a bucket, such as locks\.bucket_name"
    ):
        monitoring(stack, bucket=s3.Bucket(stack, "Locks"))


def test_an_argument_given_by_position_is_checked_too() -> None:
    locks: Any = LockBucket(new_stack(), "Locks")
    with pytest.raises(TypeError, match=r"grantee: .* got 'role'"):
        locks.grant_candidate("role", election="nightly")


def test_a_missing_argument_is_reported_as_python_does() -> None:
    locks: Any = LockBucket(new_stack(), "Locks")
    with pytest.raises(TypeError, match=r"grant_candidate\(\) missing 1 required .*'election'"):
        locks.grant_candidate(iam.AccountPrincipal("123456789012"))


def test_an_imported_function_cannot_be_attached() -> None:
    stack = new_stack()
    alien = lambda_.Function.from_function_name(stack, "Alien", "alien")
    with pytest.raises(TypeError, match=r"^function: expected a lambda_\.Function of this app"):
        attach(stack, function=alien)


def test_imported_resources_are_of_the_right_type() -> None:
    stack = new_stack()
    arn = "arn:aws:kms:us-east-1:123456789012:key/abc"
    LockBucket(
        stack,
        "Locks",
        bucket=s3.Bucket.from_bucket_name(stack, "Existing", "my-locks"),
        encryption_key=kms.Key.from_key_arn(stack, "Key", arn),
    )
