"""The role of a job's function, and what Lambda needs it for."""

from __future__ import annotations

from functools import cache

from aws_cdk import Acknowledgment, Aws, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct

from s3leader_cdk._cdk_facts import made_in

# Lambda makes network interfaces in the function's name, so the role needs these actions.
_NETWORK_INTERFACES = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


def create_role(scope: Construct, function_id: str) -> iam.Role:
    """Return the role of a job's function, which is made beside it."""
    role = iam.Role(
        scope,
        f"{function_id}Role",
        description="Candidates of an election on Amazon S3",
        assumed_by=_lambda_itself(),
    )
    made_in(scope, role)
    return role


@cache
def _lambda_itself() -> iam.ServicePrincipal:
    return iam.ServicePrincipal("lambda.amazonaws.com")


def allow_network_interfaces(role: iam.IRole) -> None:
    """Let Lambda, but not the job's code, make network interfaces in a VPC."""
    # Lambda needs these actions, the job's code does not. Requests by the code carry the function's
    # ARN. The pattern matches any function of the account, because the ARN of this function would
    # make it and its role depend on each other.
    functions = f"arn:{Aws.PARTITION}:lambda:{Aws.REGION}:{Aws.ACCOUNT_ID}:function:*"
    conditions = {"ArnLike": {"lambda:SourceFunctionArn": functions}}
    for effect, when in ((iam.Effect.ALLOW, None), (iam.Effect.DENY, conditions)):
        role.add_to_principal_policy(
            iam.PolicyStatement(
                effect=effect, actions=_NETWORK_INTERFACES, resources=["*"], conditions=when
            )
        )
    if isinstance(role, iam.Role):
        Validations.of(role).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason="Network interfaces have no name before Lambda makes them, and descriptions"
                " take no resource; the function's own code is denied all of it.",
            )
        )
