"""The grants on one election: candidates and observers, and a function's environment."""

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

OWN_ACCOUNT = {"aws:ResourceAccount": "<AWS::AccountId>"}

LIST = {
    "Action": "s3:ListBucket",
    "Condition": {"StringEquals": OWN_ACCOUNT, "StringLike": {"s3:prefix": [LOCKS, HINT]}},
    "Effect": "Allow",
    "Resource": ARN,
}
TAG = {
    "Action": "s3:PutObjectTagging",
    "Condition": {
        "ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["superseded"]},
        "StringEquals": {**OWN_ACCOUNT, "s3:RequestObjectTag/superseded": "true"},
    },
    "Effect": "Allow",
    "Resource": f"{ARN}/{LOCKS}",
}


def objects(action: str, **condition: Any) -> dict[str, Any]:
    resources = [f"{ARN}/{HINT}", f"{ARN}/{LOCKS}"]
    condition["StringEquals"] = OWN_ACCOUNT
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


def granted(
    make: Callable[[cdk.Stack], iam.IGrantable] = role,
    how: str = "grant_candidate",
    prefix: str = "elections/",
    **options: Any,
) -> Synthesized:
    """Return the template of a grant to what `make` creates."""

    def build(stack: cdk.Stack) -> None:
        grant = getattr(LockBucket(stack, "Locks", prefix=prefix), how)
        grant(make(stack), election="nightly", **options)

    return synthesize(build)


@pytest.fixture(scope="module")
def existing_function() -> Synthesized:
    return granted(function, prefix="teams/red/", lease=cdk.Duration.seconds(45))


@pytest.fixture(scope="module")
def with_key() -> Synthesized:
    def build(stack: cdk.Stack) -> None:
        locks = LockBucket(stack, "Locks", encryption_key=kms.Key(stack, "Key"))
        locks.grant_candidate(role(stack), election="nightly")
        reader = iam.Role(stack, "Reader", assumed_by=iam.AccountRootPrincipal())
        locks.grant_observer(reader, election="nightly")

    return synthesize(build)


IMPORTED_ROLE = "arn:aws:iam::123456789012:role/imported"


@pytest.mark.parametrize(
    "make",
    [role, lambda stack: iam.Role.from_role_arn(stack, "Imported", IMPORTED_ROLE)],
    ids=["role", "imported role"],
)
def test_a_candidate_may_list_get_put_and_tag_its_locks_and_nothing_more(
    make: Callable[[cdk.Stack], iam.IGrantable],
) -> None:
    assert granted(make).statements("AWS::IAM::Policy") == CANDIDATE


@pytest.mark.parametrize(
    "make", [role, lambda stack: function(stack).add_alias("live")], ids=["role", "alias"]
)
def test_an_observer_may_list_and_get_and_nothing_more(
    make: Callable[[cdk.Stack], iam.IGrantable],
) -> None:
    statements = granted(make, "grant_observer").statements("AWS::IAM::Policy")
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


def test_a_grant_alone_sets_no_lease_and_adds_no_layer() -> None:
    template = granted(function)
    variables = template.one("AWS::Lambda::Function")["Environment"]["Variables"]
    assert "S3LEADER_LEASE_SECONDS" not in variables
    assert template.ids("AWS::Lambda::LayerVersion") == []


def rejected(match: str, make: Callable[[cdk.Stack], iam.IGrantable], **options: Any) -> None:
    stack = new_stack()
    locks = LockBucket(stack, "Locks")
    with pytest.raises(ValueError, match=match):
        locks.grant_candidate(make(stack), election="one", **options)


def test_one_function_for_two_elections_is_refused() -> None:
    stack = new_stack()
    locks, twice = LockBucket(stack, "Locks"), function(stack)
    locks.grant_candidate(twice, election="one")
    match = "Test/Function is already a candidate of 'one' and cannot be one of 'two'"
    with pytest.raises(ValueError, match=match):
        locks.grant_candidate(twice, election="two")


def test_a_lease_for_a_role_is_refused_as_it_has_no_environment() -> None:
    match = "lease 30 s was given for a Role, which has no environment"
    rejected(match, role, lease=cdk.Duration.seconds(30))


@pytest.mark.parametrize("milliseconds", [0, 999, 1_500, 86_401_000])
def test_an_invalid_lease_is_rejected(milliseconds: int) -> None:
    match = rf"lease: expected .*, got {milliseconds / 1000:g} s"
    rejected(match, function, lease=cdk.Duration.millis(milliseconds))


IMPORTED_FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:imported"
WITHOUT_ENVIRONMENT: dict[str, tuple[Callable[[cdk.Stack], iam.IGrantable], str]] = {
    "an alias": (
        lambda stack: function(stack).add_alias("live"),
        "alias Test/Function/Aliaslive has no environment .* grant to the function itself",
    ),
    "a version": (
        lambda stack: function(stack).current_version,
        "version Test/Function/CurrentVersion has no environment .* grant to the function itself",
    ),
    "a function imported by ARN": (
        lambda stack: lambda_.Function.from_function_arn(stack, "Imported", IMPORTED_FUNCTION),
        "function Test/Imported is imported.* grant to its role, and set S3LEADER_BUCKET",
    ),
    "a function imported by name": (
        lambda stack: lambda_.Function.from_function_name(stack, "Imported", "imported"),
        "function Test/Imported is imported",
    ),
    "a version imported by ARN": (
        lambda stack: lambda_.Version.from_version_arn(stack, "Imported", f"{IMPORTED_FUNCTION}:1"),
        "function Test/Imported is imported",
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
    rejected(match, make)
