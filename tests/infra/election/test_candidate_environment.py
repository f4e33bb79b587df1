"""Variables of s3leader's that a function was constructed with, before it became a candidate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk import LockBucket
from tests.infra.jobs import build, existing_function
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
    return existing_function(stack, environment={"COLOUR": "red", **dict.fromkeys(variables, "30")})


@pytest.mark.parametrize(
    ("how", "variable"),
    [
        *(("grant_candidate", each) for each in OF_LOCKS),
        ("attach", "S3LEADER_BUCKET"),
        *(("job", each) for each in ("S3LEADER_LEASE_SECONDS", *OF_JOB)),
    ],
)
def test_a_variable_that_s3leader_sets_is_refused(how: str, variable: str) -> None:
    stack = new_stack()
    function, locks = candidate(stack, variable), LockBucket(stack, "Locks")
    become: dict[str, Callable[[], object]] = {
        "job": partial(build, stack, function=function, lock_bucket=locks),
        "attach": partial(locks.attach, function, election="nightly"),
        "grant_candidate": partial(locks.grant_candidate, function, election="nightly"),
    }
    with pytest.raises(ValueError, match=f"'{variable}' of function Test/Function is set by"):
        become[how]()


def test_an_attached_function_keeps_the_variables_that_attach_has_no_option_for() -> None:
    def fill(stack: cdk.Stack) -> None:
        LockBucket(stack, "Locks").attach(candidate(stack, *OF_JOB), election="nightly")

    variables = synthesize(fill).variables()
    assert [variables[name] for name in ("COLOUR", *OF_JOB)] == ["red", "30", "30"]


def test_a_candidate_may_be_granted_the_same_election_twice() -> None:
    def fill(stack: cdk.Stack) -> None:
        locks, function = LockBucket(stack, "Locks"), candidate(stack)
        for _ in range(2):
            locks.grant_candidate(function, election="nightly", lease=cdk.Duration.seconds(20))

    assert synthesize(fill).variables()["S3LEADER_LEASE_SECONDS"] == "20"
