"""`JobFunction`: a `lambda_.Function` that is packaged with the runtime."""

import inspect
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from s3leader_cdk import JobFunction, LockBucket
from s3leader_cdk._function_properties import FunctionProperties
from tests.infra.jobs import FOLDER, HANDLER
from tests.infra.synth import Json, Synthesized, plain, synthesize

FUNCTION = "AWS::Lambda::Function"


def function(stack: cdk.Stack, **properties: Any) -> JobFunction:
    return JobFunction(stack, "Function", **{"code": FOLDER, "handler": HANDLER, **properties})


def test_its_typed_properties_are_those_of_the_installed_cdk() -> None:
    parameters = inspect.signature(lambda_.Function.__init__).parameters
    own = {"self", "scope", "id", "code", "handler"}
    assert {*FunctionProperties.__annotations__} == {*parameters} - own


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("memory", "memory_size"), ("reserved_concurrency", "reserved_concurrent_executions")],
)
def test_an_unknown_property_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(TypeError, match=f"no property '{name}': .* nearest is '{nearest}'"):
        function(cdk.Stack(cdk.App(), "Test"), **{name: 1})


@pytest.fixture(scope="module")
def chosen() -> Synthesized:
    def fill(stack: cdk.Stack) -> None:
        role = iam.Role(stack, "Mine", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        function(
            stack,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.X86_64,
            tracing=lambda_.Tracing.ACTIVE,
            log_group=logs.LogGroup(stack, "Logs"),
            logging_format=lambda_.LoggingFormat.TEXT,
            description="Bills",
            role=role,
        )

    return synthesize(fill)


def test_properties_are_passed_on(chosen: Synthesized) -> None:
    expected = {
        "Runtime": "python3.13",
        "Architectures": ["x86_64"],
        "TracingConfig": {"Mode": "Active"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "<Logs6819BB44>"},
        "Description": "Bills",
        "Role": "<MineC1B42D3A.Arn>",
    }
    found = plain(chosen.one(FUNCTION))
    assert {name: found[name] for name in expected} == expected


def test_a_given_role_and_log_group_are_the_only_ones_and_may_be_used(chosen: Synthesized) -> None:
    assert [len(chosen.ids(f"AWS::{kind}")) for kind in ("IAM::Role", "Logs::LogGroup")] == [1, 1]
    actions = [each["Action"] for each in chosen.statements("AWS::IAM::Policy")]
    assert ["logs:CreateLogStream", "logs:PutLogEvents"] in actions


def test_it_works_on_its_own_with_a_lock_bucket() -> None:
    def fill(stack: cdk.Stack) -> None:
        LockBucket(stack, "Locks").grant_candidate(function(stack), election="nightly")

    variables = synthesize(fill).variables()
    assert (variables["S3LEADER_ELECTION"], variables["S3LEADER_HANDLER"]) == ("nightly", HANDLER)


@pytest.mark.parametrize(
    ("properties", "match"),
    [
        ({"code": lambda_.Code.from_inline("pass")}, "inline code cannot contain the runtime"),
        ({"runtime": lambda_.Runtime.NODEJS_22_X}, r"runtime nodejs22\.x .* needs python3\.11"),
        ({"runtime": lambda_.Runtime.PYTHON_3_10}, r"runtime python3\.10 cannot be used"),
        ({"timeout": cdk.Duration.minutes(16)}, "timeout 960 s cannot be used"),
        ({"memory_size": 127}, "memory_size 127 cannot be used: give a whole number, 128 to 10240"),
        ({"environment": {"S3LEADER_BUCKET": "x"}}, "'S3LEADER_BUCKET' is set by SingletonJob"),
        ({"environment": {"POWERTOOLS_DEV": "1"}}, "POWERTOOLS_DEV is '1', with which the elect"),
        ({"log_retention_retry_options": {}}, "log_retention_retry_options cannot be used"),
        ({"handler_check": "never"}, "handler_check: expected .*, got 'never'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_work_in_a_job_is_refused(properties: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        function(cdk.Stack(cdk.App(), "Test"), **properties)


def test_a_retention_beside_a_log_group_is_refused() -> None:
    stack = cdk.Stack(cdk.App(), "Test")
    group, week = logs.LogGroup(stack, "Logs"), logs.RetentionDays.ONE_WEEK
    with pytest.raises(ValueError, match="log_retention cannot be used"):
        function(stack, log_group=group, log_retention=week)


@pytest.mark.parametrize("value", [True, ["requests"], 1])
def test_requirements_that_are_neither_a_file_nor_false_are_refused(value: object) -> None:
    expected = r"requirements: expected a file, such as 'billing/requirements\.txt', or False, got"
    with pytest.raises(TypeError, match=expected):
        function(cdk.Stack(cdk.App(), "Test"), requirements=value)


@pytest.fixture(scope="module")
def networked() -> Synthesized:
    def fill(stack: cdk.Stack) -> None:
        vpc = ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateways=0)
        function(
            stack,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[ec2.SecurityGroup(stack, "Group", vpc=vpc)],
        )

    return synthesize(fill)


def network_statements(template: Synthesized) -> list[Json]:
    statements = template.statements("AWS::IAM::Policy", "FunctionRole")
    return [each for each in statements if "ec2:CreateNetworkInterface" in each["Action"]]


def test_it_is_in_the_subnets_and_groups_that_it_was_given(networked: Synthesized) -> None:
    assert plain(networked.one(FUNCTION, "Function")["VpcConfig"]) == {
        "SecurityGroupIds": [f"<{networked.ids('AWS::EC2::SecurityGroup')[0]}.GroupId>"],
        "SubnetIds": ["<VpcIsolatedSubnet1SubnetE48C5737>"],
    }


def test_lambda_may_make_network_interfaces_and_the_functions_own_code_may_not(
    networked: Synthesized,
) -> None:
    allowed, denied = network_statements(networked)
    functions = "arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:*"
    assert (allowed.pop("Effect"), denied.pop("Effect")) == ("Allow", "Deny")
    assert denied == {
        **allowed,
        "Condition": {"ArnLike": {"lambda:SourceFunctionArn": functions}},
    }


def test_without_a_network_there_are_no_rights_to_one() -> None:
    assert network_statements(synthesize(function)) == []
