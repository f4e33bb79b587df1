"""Variables of s3leader's that a function was constructed with, before it became a candidate."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk import LockBucket
from tests.infra.jobs import build
from tests.infra.synth import new_stack, synthesize

OF_LOCKS = [
    "S3LEADER_BUCKET",
    "S3LEADER_BUCKET_OWNER",
    "S3LEADER_ELECTION",
    "S3LEADER_ENCRYPTION",
    "S3LEADER_KMS_KEY",
    "S3LEADER_LEASE_SECONDS",
    "S3LEADER_PREFIX",
    "S3LEADER_REGION",
]
OF_JOB = ["S3LEADER_MAX_ATTEMPTS", "S3LEADER_WAIT_SECONDS"]


def candidate(stack: cdk.Stack, *variables: str) -> lambda_.Function:
    return lambda_.Function(
        stack,
        "Function",
        code=lambda_.Code.from_inline("pass"),
        handler="index.handler",
        runtime=lambda_.Runtime.PYTHON_3_12,
        timeout=cdk.Duration.minutes(1),
        environment={"COLOUR": "red", **dict.fromkeys(variables, "30")},
    )


def become_job(stack: cdk.Stack, function: lambda_.Function, **properties: Any) -> None:
    build(stack, function=function, **properties)


@pytest.mark.parametrize("variable", OF_LOCKS)
@pytest.mark.parametrize("how", ["grant_candidate", "attach"])
def test_a_candidate_keeps_no_variable_that_the_lock_bucket_sets(how: str, variable: str) -> None:
    stack = new_stack()
    become = getattr(LockBucket(stack, "Locks"), how)
    with pytest.raises(ValueError, match=f"'{variable}' of function Test/Function is set by"):
        become(candidate(stack, variable), election="nightly")


@pytest.mark.parametrize("variable", ["S3LEADER_LEASE_SECONDS", *OF_JOB])
def test_a_jobs_function_keeps_no_variable_that_the_job_sets(variable: str) -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match=f"'{variable}' of function Test/Function is set by"):
        become_job(stack, candidate(stack, variable))


def test_an_attached_function_keeps_what_attaching_has_no_option_for() -> None:
    def fill(stack: cdk.Stack) -> None:
        LockBucket(stack, "Locks").attach(candidate(stack, *OF_JOB), election="nightly")

    variables = synthesize(fill).one("AWS::Lambda::Function")["Environment"]["Variables"]
    assert [variables[name] for name in ("COLOUR", *OF_JOB)] == ["red", "30", "30"]


def test_a_candidate_may_be_granted_the_same_election_twice() -> None:
    def fill(stack: cdk.Stack) -> None:
        locks, function = LockBucket(stack, "Locks"), candidate(stack)
        for _ in range(2):
            locks.grant_candidate(function, election="nightly", lease=cdk.Duration.seconds(20))

    variables = synthesize(fill).one("AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["S3LEADER_LEASE_SECONDS"] == "20"


def test_a_job_still_sets_its_own_limits() -> None:
    def fill(stack: cdk.Stack) -> None:
        become_job(stack, candidate(stack), max_attempts=3)

    variables = synthesize(fill).one("AWS::Lambda::Function", "Function")["Environment"]
    assert variables["Variables"]["S3LEADER_MAX_ATTEMPTS"] == "3"
