"""Lets a function start its own next invocation, for a job that is continued."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from s3leader_cdk._cdk_facts import is_unresolved, resource_of, stack_of
from s3leader_cdk._permissions.acknowledgments import flat


def allow_self_invocation(scope: Construct, function: lambda_.Function) -> iam.Policy:
    """Allow `function` to invoke itself, and Lambda to let it do so any number of times.

    The right comes in a policy of its own: in the role's default policy, which the function depends
    on, it would make the two depend on each other. Without `RecursiveLoop: Allow`, Lambda stops a
    function that invokes itself after about 16 rounds.
    """
    role = function.role
    if role is None:
        raise ValueError(
            f"function {function.node.path} has no role here, so it cannot be allowed to invoke"
            " itself: leave max_continuations out, or give the function a role of this app"
        )
    statement = self_invocation_statement(function)
    policy = iam.Policy(scope, "SelfInvocation", statements=[statement])
    policy.attach_to_role(role)
    versions = flat(stack_of(scope).resolve(statement.resources[-1]))
    Validations.of(policy).acknowledge(
        Acknowledgment(
            id=f"AwsSolutions-IAM5[Resource::{versions}]",
            reason="The versions and aliases of one function: a leg invokes the one it runs as.",
        )
    )
    resource = resource_of(function)
    if isinstance(resource, lambda_.CfnFunction):
        given = resource.recursive_loop
        if given is not None and not is_unresolved(given) and given != "Allow":
            raise ValueError(
                f"recursive_loop of function {function.node.path} is {given}, so Lambda would stop"
                " a continued job after about 16 legs: leave it out, or leave max_continuations out"
            )
        resource.recursive_loop = "Allow"
    return policy


def self_invocation_statement(function: lambda_.IFunction) -> iam.PolicyStatement:
    """Return the statement that lets `function` invoke itself.

    Its versions and aliases, too: a continuation calls what its own invocation was called by.
    """
    if isinstance(function, lambda_.Alias | lambda_.Version):
        function = function.lambda_
    arn = function.function_arn
    return iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[arn, f"{arn}:*"])
