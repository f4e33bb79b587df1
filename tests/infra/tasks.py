"""Singleton tasks for tests, made from flat options, as `jobs.py` makes jobs."""

from dataclasses import fields
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from s3leader_cdk import LockBucket, SingletonTask
from tests.infra.jobs import DEFAULTS, GROUPS
from tests.infra.synth import Synthesized, synthesize

COMMAND = ["s3leader", "run", "nightly", "--json", "--", "python", "-m", "billing"]
OF_TASK = (
    "election",
    "schedule",
    "lock_bucket",
    "task_definition",
    "cluster",
    "container",
    "vpc_subnets",
    "security_groups",
    "assign_public_ip",
    "regions",
    "record",
)


def vpc(stack: cdk.Stack) -> ec2.Vpc:
    """Return a network with public and private subnets, and without NAT gateways."""
    groups = [
        ec2.SubnetConfiguration(name=kind.name, subnet_type=kind, cidr_mask=24)
        for kind in (ec2.SubnetType.PUBLIC, ec2.SubnetType.PRIVATE_WITH_EGRESS)
    ]
    return ec2.Vpc(
        stack,
        "Vpc",
        max_azs=2,
        nat_gateways=0,
        subnet_configuration=groups,
        restrict_default_security_group=False,
    )


def task_definition(
    stack: cdk.Stack, name: str = "Task", *, containers: int = 1, **container: Any
) -> ecs.FargateTaskDefinition:
    """Return a task definition with a container `job`; `container` has its other properties."""
    made = ecs.FargateTaskDefinition(stack, name)
    for number in range(containers):
        add_container(made, "job" if number == 0 else f"sidecar{number}", **container)
    return made


def add_container(
    task: ecs.TaskDefinition, name: str = "job", **properties: Any
) -> ecs.ContainerDefinition:
    """Add a container as an app may have it, with its log in a group of its own."""
    log_group = logs.LogGroup(task, f"{name}Log", removal_policy=cdk.RemovalPolicy.DESTROY)
    defaults = {
        "image": ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/python:3.13"),
        "command": COMMAND,
        "logging": ecs.LogDrivers.aws_logs(stream_prefix=name, log_group=log_group),
        "environment": {"CURRENCY": "EUR"},
    }
    return task.add_container(name, **{**defaults, **properties})


def build_task(stack: cdk.Stack, name: str = "Nightly", **flat: Any) -> SingletonTask:
    """Make a singleton task in a stack, with what it needs unless that is given."""
    given = {**DEFAULTS, **flat}
    of_task = {each: given.pop(each) for each in OF_TASK if each in given}
    for group, kind in GROUPS.items():
        names = [each.name for each in fields(kind)]
        options = kind(**{each: given.pop(each) for each in names if each in given})
        of_task[group] = given.pop(group, options)
    if "lock_bucket" not in of_task:
        of_task["lock_bucket"] = LockBucket(stack, "Locks")
    if "cluster" not in of_task:
        of_task["cluster"] = ecs.Cluster(stack, "Cluster", vpc=vpc(stack))
    if "task_definition" not in of_task:
        of_task["task_definition"] = task_definition(stack)
    return SingletonTask(stack, name, **of_task, **given)


def task(**options: Any) -> Synthesized:
    """Return the template of a stack with such a task."""
    return synthesize(lambda stack: build_task(stack, **options))


def imported_role(stack: cdk.Stack) -> iam.IRole:
    """Return a role whose policies cannot be changed from this app."""
    arn = "arn:aws:iam::123456789012:role/theirs"
    return iam.Role.from_role_arn(stack, "Theirs", arn, mutable=False)
