"""Checks the types of options, so that an error names the option before jsii fails elsewhere.

Options of one name have one type in all constructs; a construct can override it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from aws_cdk import Duration, RemovalPolicy, TimeZone
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler

from s3leader_cdk._cdk_facts import has

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True)
class OptionType:
    """The type of an option: a test for values, and `expected` for messages."""

    expected: str
    accepts: Callable[[object], bool]


def checked_options(**others: OptionType) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Let a function raise `TypeError` for an argument that is not of the type of its name.

    `others` override types. None is accepted if it is the default. The function itself checks
    ranges and combinations.
    """
    kinds = {**_KINDS, **others}

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        parameters = inspect.signature(function).parameters
        optional = {name for name, each in parameters.items() if each.default is None}
        required = parameters.keys() - optional  # others are collected by **properties

        @functools.wraps(function)
        def checked(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            # Not `Signature.bind`: Python's own error for a missing argument names the function.
            for name, value in {**dict(zip(parameters, args, strict=False)), **kwargs}.items():
                if name in kinds and not (value is None and name not in required):
                    _check(name, value, kinds[name])
            return function(*args, **kwargs)

        return checked

    return decorate


def check_fields(options: DataclassInstance) -> None:
    """Raise `TypeError` for a field of a value object that is not of the type of its name."""
    for each in fields(options):
        value = getattr(options, each.name)
        if each.name in _KINDS and not (value is None and each.default is None):
            _check(each.name, value, _KINDS[each.name])


def _check(name: str, value: object, kind: OptionType) -> None:
    if not kind.accepts(value):
        raise TypeError(f"{name}: expected {kind.expected}, got {value!r}")


def instance(expected: str, *types: type) -> OptionType:
    """Return the type of an option that takes instances of `types`."""
    return OptionType(expected, lambda value: isinstance(value, types))


def _having(attribute: str, expected: str) -> OptionType:
    # jsii cannot tell whether an object implements an interface, such as `IBucket`.
    return OptionType(expected, lambda value: has(value, attribute))


def _duration(example: str) -> OptionType:
    return instance(f"a Duration, such as Duration.{example}", Duration)


def _text(expected: str) -> OptionType:
    return instance(expected, str)


def _number(example: str) -> OptionType:
    # Also a float: jsii returns whole numbers as floats, and CDK encodes numeric tokens as floats.
    return OptionType(
        f"a whole number, such as {example}",
        lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    )


def _list(kind: OptionType) -> OptionType:
    return OptionType(
        f"a list, of which each item is {kind.expected}",
        lambda value: (
            isinstance(value, Collection)
            and not isinstance(value, str | bytes | Mapping)
            and all(map(kind.accepts, value))
        ),
    )


def _are_variables(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(each, str) for pair in value.items() for each in pair
    )


def _are_topics(value: object) -> bool:
    topics = value.values() if isinstance(value, Mapping) else [value]
    return all(has(each, "topic_arn") for each in topics)


_SWITCH = instance("True or False", bool)
_BUCKET = _having(
    "bucket_arn", "a bucket, such as Bucket.from_bucket_name(stack, 'Existing', 'my-locks')"
)
_QUEUE = _having(
    "queue_arn", "a queue, such as Queue.from_queue_arn(stack, 'Dead', 'arn:aws:sqs:…')"
)
_LAYER = _having("layer_version_arn", "a layer, such as RuntimeLayer(stack, 'Runtime')")
_ACTIONS = _list(_having("bind", "an alarm action, such as SnsAction(topic)"))
_EXPRESSION = instance(
    "a ScheduleExpression of aws_scheduler, or its text", scheduler.ScheduleExpression, str
)

BUCKET_NAME = _text("the name of a bucket, such as locks.bucket_name")
FUNCTION_IN_APP = instance("a lambda_.Function of this app", lambda_.Function)
BUCKET_OR_NAME = OptionType(
    f"{_BUCKET.expected}; or bucket_name='my-locks' for a new one of that name", _BUCKET.accepts
)

_KINDS: Mapping[str, OptionType] = {
    "actions": _ACTIONS,
    "alarms": instance("a mapping, such as {'failed': AlarmOptions(threshold=3)}", Mapping),
    "assign_public_ip": _SWITCH,
    "bucket": _BUCKET,
    "bucket_name": _text("a name, such as 'my-locks'"),
    "bucket_name_prefix": _text("the beginning of a name, such as 'my-locks'"),
    "code": instance("a folder, such as 'billing', or a lambda_.Code", str, Path, lambda_.Code),
    "catch_up": _text("'latest' or 'each'"),
    "cluster": _having("cluster_arn", "a cluster, such as Cluster(stack, 'Cluster', vpc=vpc)"),
    "container": _text("the name of a container, such as 'job'"),
    "contenders": _number("2"),
    "continuations": _SWITCH,
    "count": _number("2"),
    "dashboard": _SWITCH,
    "dead_letters": _QUEUE,
    "election": _text("a name, such as 'nightly-compaction'"),
    "election_prefix": _text("what names begin with, such as 'shard/'"),
    "elections": _list(_text("a name, such as 'shard/0'")),
    "enabled": _SWITCH,
    "encryption_header": _text("a text, such as 'aws:kms'"),
    "encryption_key": _having(
        "key_arn", "a KMS key, such as Key.from_key_arn(stack, 'Key', 'arn:aws:kms:…')"
    ),
    "environment": OptionType(
        "a mapping of texts to texts, such as {'STAGE': 'live'}", _are_variables
    ),
    "exclude": _list(_text("a pattern, such as 'docs/'")),
    "expected_within": _duration("hours(2)"),
    "expressions": _list(_EXPRESSION),
    "flexible_window": _duration("minutes(15)"),
    "function": _having("function_arn", "a function, such as a lambda_.Function"),
    "granted_elsewhere": _SWITCH,
    "grantee": _having("grant_principal", "a function, a role or another principal"),
    "handler": _text("a name, such as 'billing.main.handler'"),
    "history": _duration("days(30)"),
    "key": _text("the key of one object, such as 'reports/latest.json'"),
    "layer": _LAYER,
    "layers": _list(_LAYER),
    "lease": _duration("seconds(30)"),
    "log_group": _having("log_group_name", "a LogGroup"),
    "log_retention": instance(
        "a RetentionDays, such as RetentionDays.ONE_MONTH", logs.RetentionDays
    ),
    "max_attempts": _number("3"),
    "max_tick_age": _duration("hours(1)"),
    "memory_size": _number("512"),
    "partition_key": _text("the value of a partition key, such as 'nightly-compaction'"),
    "prefix": _text("a text, such as 'elections/'"),
    "protect": _SWITCH,
    "record": _SWITCH,
    "regions": _list(_text("the name of a Region, such as 'us-east-1'")),
    "removal_policy": instance("a RemovalPolicy, such as RemovalPolicy.RETAIN", RemovalPolicy),
    "requirements": OptionType(
        "a file, such as 'billing/requirements.txt', or False",
        lambda value: isinstance(value, str | Path) or value is False,
    ),
    "reserved_concurrent_executions": _number("2"),
    "retry_attempts": _number("2"),
    "security_groups": _list(_having("security_group_id", "a SecurityGroup")),
    "table": _having("table_arn", "a table, such as Table.from_table_name(stack, 'Bank', 'bank')"),
    "target": _having("schedule_target", "a target, such as TaskTarget(…)"),
    "threshold": _number("3"),
    "time_zone": instance("a TimeZone, such as TimeZone.of('Europe/Vienna')", TimeZone),
    "timeout": _duration("minutes(5)"),
    "topic": OptionType(
        "a topic, such as Topic.from_topic_arn(stack, 'Ops', 'arn:aws:sns:…'), or a mapping, such"
        " as {'critical': pager}",
        _are_topics,
    ),
    "undelivered": _QUEUE,
    "unprocessed": _QUEUE,
    "vpc": _having("vpc_id", "a VPC, such as Vpc.from_lookup(stack, 'Net', vpc_id='vpc-…')"),
    "vpc_subnets": instance("a SubnetSelection", ec2.SubnetSelection, Mapping),
    "wait": _duration("minutes(2)"),
}
