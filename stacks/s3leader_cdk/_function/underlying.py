"""The `lambda_.Function` that a job sets up: the given one, or that of the alias or version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

from aws_cdk import Annotations, CfnResource, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from s3leader_cdk._cdk_facts import (
    name_of_runtime,
    path_of,
    place_of_stack,
    resource_of,
    stack_of,
)
from s3leader_cdk._permissions.access import readable
from s3leader_cdk._permissions.principals import known_to_differ


def underlying_function(function: lambda_.IFunction) -> lambda_.Function | None:
    """Return the function that has the environment; None if this app does not create it."""
    found: object = function
    if isinstance(function, lambda_.Alias | lambda_.Version):
        found = function.lambda_
    return found if isinstance(found, lambda_.Function) else None


def is_image(function: lambda_.Function) -> bool:
    """Return whether the function's code is a container image."""
    return name_of_runtime(function.runtime) == _image_runtime()


@cache
def _image_runtime() -> str:
    return lambda_.Runtime.FROM_IMAGE.name


def not_of_this_app(
    job: Construct,
    function: lambda_.IFunction,
    *,
    variables: Mapping[str, str],
    statement: iam.PolicyStatement | None,
) -> ValueError:
    """Return the error for a function that this app cannot set up, with what to add where."""
    imported = function.node.path
    if isinstance(function, lambda_.Alias | lambda_.Version):
        imported = f"{function.lambda_.node.path}, of which {imported} is an alias or version,"

    def shown(value: object) -> str:
        return json.dumps(readable(Stack.of(job).resolve(value)), indent=2)

    looping = ""
    if statement is not None:
        looping = (
            f"RecursiveLoop: Allow, and this statement to its role:\n"
            f"{shown(statement.to_statement_json())}\n"
        )
    return ValueError(
        f"job {job.node.path}: function {imported} is imported, or not a lambda_.Function for"
        " another reason, so it cannot be set up from here. Where it is defined, install"
        " s3leader[lambda] in it, decorate its handler with @singleton, configure retries and"
        f" on_failure, and add these environment variables:\n{shown(variables)}\n{looping}Here,"
        " instead of SingletonJob: import it with its role, by from_function_attributes(role=…,"
        " same_environment=True), let the role campaign by grant_candidate(role, election=…), and"
        " give it schedules, alarms and a dashboard by Contenders(…) and Monitoring(…)"
    )


def check_place(job: Construct, function: lambda_.Function, bucket: s3.IBucket) -> None:
    """Raise `ValueError` if a job cannot use a function of another stack."""
    here, there = stack_of(job), stack_of(function)
    if here is there:
        return
    one_place, other_place = place_of_stack(here), place_of_stack(there)
    for what, one, other in (
        ("Region", one_place.region, other_place.region),
        ("account", one_place.account, other_place.account),
    ):
        if known_to_differ(one, other):
            raise ValueError(
                f"job {job.node.path} is in {what} {one}, and its function {function.node.path} in"
                f" {other}: EventBridge Scheduler starts functions of its own {what} only, so make"
                " the job in a stack of the function's"
            )
    in_app = isinstance(resource_of(bucket), CfnResource)
    if _outermost(here) == _outermost(there) or not in_app:
        return
    if _outermost(stack_of(bucket)) == _outermost(here):
        raise ValueError(
            f"job {job.node.path} would make stacks {here.node.path} and {there.node.path} wait for"
            f" each other: its schedules need function {function.node.path}, whose environment"
            f" needs the name of lock bucket {bucket.node.path}. Make the lock bucket in"
            f" {there.node.path} or in a stack of its own; or make the job in {there.node.path}"
        )


def warn_of_fixed_version(job: Construct, function: lambda_.IFunction) -> None:
    """Warn of a version that, once deployed, keeps the environment that it was published with."""
    version = function.version if isinstance(function, lambda_.Alias) else function
    if not isinstance(version, lambda_.Version):
        return
    current = version.lambda_.node.try_find_child("CurrentVersion")
    if current is None or current.node.path != version.node.path:
        Annotations.of(job).add_warning_v2(
            "s3leader:fixed-version",
            f"version {version.node.path} is not the function's current_version: if it is deployed"
            " already, it keeps its code and its environment, without the election, and each of"
            " its invocations fails. Use current_version, or publish a new version with the job",
        )


def _outermost(stack: Stack) -> str:
    """Return the path of the stack that is deployed by itself: nested ones belong to theirs."""
    parent = stack.nested_stack_parent
    return path_of(stack) if parent is None else _outermost(parent)
