from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk import LockBucket
from tests.infra.synth import Synthesized, new_stack, synthesize

ARN = "<LocksBucket941BDB31.Arn>"
LOCKS, HINT = "elections/nightly/lock_*", "elections/nightly/hint.json"

OURS = {"aws:ResourceAccount": "<AWS::AccountId>"}

LIST = {
    "Action": "s3:ListBucket",
    "Condition": {"StringEquals": OURS, "StringLike": {"s3:prefix": [LOCKS, HINT]}},
    "Effect": "Allow",
    "Resource": ARN,
}
TAG = {
    "Action": "s3:PutObjectTagging",
    "Condition": {
        "ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["superseded"]},
        "StringEquals": {**OURS, "s3:RequestObjectTag/superseded": "true"},
    },
    "Effect": "Allow",
    "Resource": f"{ARN}/{LOCKS}",
}


def objects(action: str, **condition: Any) -> dict[str, Any]:
    resources = [f"{ARN}/{HINT}", f"{ARN}/{LOCKS}"]
    condition["StringEquals"] = OURS
    return {"Action": action, "Condition": condition, "Effect": "Allow", "Resource": resources}


CREATE = objects("s3:PutObject", Null={"s3:if-none-match": "false"})
REPLACE = objects("s3:PutObject", Null={"s3:if-match": "false"})
CANDIDATE = [LIST, objects("s3:GetObject"), CREATE, REPLACE, TAG]


def role(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))


def function(stack: cdk.Stack) -> lambda_.Function:
    return lambda_.Function(
        stack,
        "Function",
        code=lambda_.Code.from_inline("pass"),
        handler="index.handler",
        runtime=lambda_.Runtime.PYTHON_3_14,
    )


@pytest.fixture(scope="module")
def candidate() -> Synthesized:
    def build(stack: cdk.Stack) -> None:
        LockBucket(stack, "Locks").grant_candidate(role(stack), election="nightly")

    return synthesize(build)


@pytest.fixture(scope="module")
def existing_function() -> Synthesized:
    def build(stack: cdk.Stack) -> None:
        locks = LockBucket(stack, "Locks", prefix="teams/red/")
        locks.grant_candidate(function(stack), election="nightly", lease=cdk.Duration.seconds(45))

    return synthesize(build)


@pytest.fixture(scope="module")
def with_key() -> Synthesized:
    def build(stack: cdk.Stack) -> None:
        locks = LockBucket(stack, "Locks", encryption_key=kms.Key(stack, "Key"))
        locks.grant_candidate(role(stack), election="nightly")
        locks.grant_observer(
            iam.Role(stack, "Reader", assumed_by=iam.AccountRootPrincipal()), election="nightly"
        )

    return synthesize(build)


def test_a_candidate_may_list_get_put_and_tag_its_locks_and_nothing_more(
    candidate: Synthesized,
) -> None:
    statements = candidate.statements("AWS::IAM::Policy")
    assert statements == CANDIDATE


def test_an_observer_may_list_and_get_and_nothing_more() -> None:
    def build(stack: cdk.Stack) -> None:
        LockBucket(stack, "Locks").grant_observer(role(stack), election="nightly")

    statements = synthesize(build).statements("AWS::IAM::Policy")
    assert statements == [LIST, objects("s3:GetObject")]


def test_a_candidate_may_use_the_key_to_read_and_write(with_key: Synthesized) -> None:
    *_, statement = with_key.statements("AWS::IAM::Policy", "Role")
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def test_an_observer_may_use_the_key_to_read(with_key: Synthesized) -> None:
    *_, statement = with_key.statements("AWS::IAM::Policy", "Reader")
    assert statement["Action"] == "kms:Decrypt"


def test_rights_are_on_the_given_key_only(with_key: Synthesized) -> None:
    *_, statement = with_key.statements("AWS::IAM::Policy", "Role")
    (key,) = with_key.ids("AWS::KMS::Key")
    assert statement["Resource"] == f"<{key}.Arn>"


def test_a_grant_sets_the_function_s_environment(existing_function: Synthesized) -> None:
    (bucket,) = existing_function.ids("AWS::S3::Bucket")
    assert existing_function.one("AWS::Lambda::Function")["Environment"]["Variables"] == {
        "S3LEADER_BUCKET": {"Ref": bucket},
        "S3LEADER_BUCKET_OWNER": {"Ref": "AWS::AccountId"},
        "S3LEADER_ELECTION": "nightly",
        "S3LEADER_LEASE_SECONDS": "45",
        "S3LEADER_PREFIX": "teams/red/",
    }


def test_the_prefix_is_part_of_every_permission(existing_function: Synthesized) -> None:
    tagging = existing_function.statements("AWS::IAM::Policy")[-1]
    assert tagging["Resource"].endswith("/teams/red/nightly/lock_*")


def test_no_lease_is_set_unless_asked_for() -> None:
    def build(stack: cdk.Stack) -> None:
        LockBucket(stack, "Locks").grant_candidate(function(stack), election="nightly")

    variables = synthesize(build).one("AWS::Lambda::Function")["Environment"]["Variables"]
    assert "S3LEADER_LEASE_SECONDS" not in variables


def refused(build: Callable[[cdk.Stack, LockBucket], object], match: str) -> None:
    stack = new_stack()
    locks = LockBucket(stack, "Locks")
    with pytest.raises(ValueError, match=match):
        build(stack, locks)


def test_one_function_for_two_elections_is_refused() -> None:
    def build(stack: cdk.Stack, locks: LockBucket) -> None:
        twice = function(stack)
        locks.grant_candidate(twice, election="one")
        locks.grant_candidate(twice, election="two")

    refused(build, r"Test/Function is already a candidate of 'one' and cannot be one of 'two'")


def test_a_lease_for_a_role_is_refused_as_it_has_no_environment() -> None:
    def build(stack: cdk.Stack, locks: LockBucket) -> None:
        locks.grant_candidate(role(stack), election="one", lease=cdk.Duration.seconds(30))

    refused(build, r"lease 30 s was given for a Role, which has no environment")


ALIEN = "arn:aws:lambda:eu-west-1:123456789012:function:alien"
WITHOUT_ENVIRONMENT: dict[str, tuple[Callable[[cdk.Stack], iam.IGrantable], str]] = {
    "an alias": (
        lambda stack: function(stack).add_alias("live"),
        "alias Test/Function/Aliaslive has no environment of its own: grant to the function itself",
    ),
    "a version": (
        lambda stack: function(stack).current_version,
        "version Test/Function/CurrentVersion has no environment of its own: grant to the function itself",
    ),
    "a function imported by ARN": (
        lambda stack: lambda_.Function.from_function_arn(stack, "Alien", ALIEN),
        "function Test/Alien is imported.* cannot be set here: grant to its role, and set S3LEADER_",
    ),
    "a function imported by name": (
        lambda stack: lambda_.Function.from_function_name(stack, "Alien", "alien"),
        "function Test/Alien is imported",
    ),
    "a version imported by ARN": (
        lambda stack: lambda_.Version.from_version_arn(stack, "Alien", f"{ALIEN}:1"),
        "function Test/Alien is imported",
    ),
    "a singleton function": (
        lambda stack: lambda_.SingletonFunction(
            stack,
            "Only",
            uuid="only",
            code=lambda_.Code.from_inline("pass"),
            handler="index.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
        ),
        "function Test/Only is imported, or not a lambda_.Function",
    ),
}


@pytest.mark.parametrize(("make", "match"), WITHOUT_ENVIRONMENT.values(), ids=WITHOUT_ENVIRONMENT)
def test_a_function_without_a_settable_environment_is_rejected(
    make: Callable[[cdk.Stack], iam.IGrantable], match: str
) -> None:
    refused(lambda stack, locks: locks.grant_candidate(make(stack), election="one"), match)


def test_an_imported_role_may_be_a_candidate() -> None:
    def build(stack: cdk.Stack) -> None:
        alien = iam.Role.from_role_arn(stack, "Alien", "arn:aws:iam::123456789012:role/alien")
        LockBucket(stack, "Locks").grant_candidate(alien, election="nightly")

    statements = synthesize(build).statements("AWS::IAM::Policy")
    assert statements == CANDIDATE


def test_an_alias_may_observe() -> None:
    def build(stack: cdk.Stack) -> None:
        alias = function(stack).add_alias("live")
        LockBucket(stack, "Locks").grant_observer(alias, election="nightly")

    statements = synthesize(build).statements("AWS::IAM::Policy")
    assert statements == [LIST, objects("s3:GetObject")]


@pytest.mark.parametrize("milliseconds", [0, 999, 1_500, 86_401_000])
def test_an_invalid_lease_is_rejected(milliseconds: int) -> None:
    def build(stack: cdk.Stack, locks: LockBucket) -> None:
        lease = cdk.Duration.millis(milliseconds)
        locks.grant_candidate(function(stack), election="one", lease=lease)

    refused(build, rf"lease: expected .*, got {milliseconds / 1000:g} s")
