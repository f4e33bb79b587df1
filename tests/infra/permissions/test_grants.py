"""The grants on one election or one fenced object, and a function's environment."""

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from s3leader_cdk import LockBucket, grant_fenced, grant_fenced_bytes
from tests.infra.jobs import existing_function as function
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


def with_key(how: str) -> tuple[object, object]:
    """Return what is granted on a lock bucket's key, and whether on that key alone."""

    def build(stack: cdk.Stack) -> None:
        locks = LockBucket(stack, "Locks", encryption_key=kms.Key(stack, "Key"))
        getattr(locks, how)(role(stack), election="nightly")

    *_, statement = synthesize(build).statements("AWS::IAM::Policy")
    return statement["Action"], statement["Resource"]


def test_a_candidate_may_use_the_key_to_read_and_write() -> None:
    expected = ["kms:Decrypt", "kms:GenerateDataKey"], "<Key961B73FD.Arn>"
    assert with_key("grant_candidate") == expected


def test_an_observer_may_use_the_key_to_read() -> None:
    assert with_key("grant_observer") == ("kms:Decrypt", "<Key961B73FD.Arn>")


def test_a_grant_sets_the_function_s_environment_and_adds_no_layer() -> None:
    template = granted(function, prefix="teams/red/", lease=cdk.Duration.seconds(45))
    assert template.ids("AWS::Lambda::LayerVersion") == []
    assert template.variables() == {
        "S3LEADER_BUCKET": "<LocksBucket941BDB31>",
        "S3LEADER_BUCKET_OWNER": "<AWS::AccountId>",
        "S3LEADER_ELECTION": "nightly",
        "S3LEADER_LEASE_SECONDS": "45",
        "S3LEADER_PREFIX": "teams/red/",
    }


def test_the_prefix_is_part_of_every_permission() -> None:
    expected = json.loads(json.dumps(CANDIDATE).replace("elections/", "teams/red/"))
    assert granted(prefix="teams/red/").statements("AWS::IAM::Policy") == expected


def test_a_grant_alone_sets_no_lease() -> None:
    assert "S3LEADER_LEASE_SECONDS" not in granted(function).variables()


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
}


@pytest.mark.parametrize(("make", "match"), WITHOUT_ENVIRONMENT.values(), ids=WITHOUT_ENVIRONMENT)
def test_a_function_without_a_settable_environment_is_rejected(
    make: Callable[[cdk.Stack], iam.IGrantable], match: str
) -> None:
    rejected(match, make)


def on_object(action: str, **condition: Any) -> dict[str, Any]:
    return {**objects(action, **condition), "Resource": f"<Data666C94C7.Arn>/{FENCED_KEY}"}


FENCED_KEY = "reports/latest.json"
FENCED = [
    {
        "Action": "s3:ListBucket",
        "Condition": {"StringEquals": OWN_ACCOUNT, "StringLike": {"s3:prefix": [FENCED_KEY]}},
        "Effect": "Allow",
        "Resource": "<Data666C94C7.Arn>",
    },
    on_object("s3:GetObject"),
    on_object("s3:PutObject", Null={"s3:if-none-match": "false"}),
    on_object("s3:PutObject", Null={"s3:if-match": "false"}),
]


def fenced(**properties: Any) -> Synthesized:
    def build(stack: cdk.Stack) -> None:
        grant_fenced(s3.Bucket(stack, "Data", **properties), role(stack), key=FENCED_KEY)

    return synthesize(build)


def test_a_writer_of_a_fenced_object_may_read_and_conditionally_write_it_and_nothing_more() -> None:
    assert fenced().statements("AWS::IAM::Policy") == FENCED


def test_a_writer_of_fenced_bytes_may_create_and_delete_bodies_and_nothing_more() -> None:
    def build(stack: cdk.Stack) -> None:
        grant_fenced_bytes(s3.Bucket(stack, "Data"), role(stack), key=FENCED_KEY)

    listed, read, *writes = synthesize(build).statements("AWS::IAM::Policy")
    bodies = f"<Data666C94C7.Arn>/{FENCED_KEY}.bodies/*"
    own = f"<Data666C94C7.Arn>/{FENCED_KEY}"
    assert listed["Condition"]["StringLike"] == {
        "s3:prefix": [FENCED_KEY, f"{FENCED_KEY}.bodies/*"]
    }
    assert (read["Action"], read["Resource"]) == ("s3:GetObject", [own, bodies])
    create = on_object("s3:PutObject", Null={"s3:if-none-match": "false"})
    assert writes == [
        {**create, "Resource": [own, bodies]},
        on_object("s3:PutObject", Null={"s3:if-match": "false"}),
        {**on_object("s3:DeleteObject"), "Resource": bodies},
    ]


def test_a_writer_of_a_fenced_object_may_use_the_key_of_its_bucket() -> None:
    template = fenced(encryption=s3.BucketEncryption.KMS)
    *_, statement = template.statements("AWS::IAM::Policy")
    (key,) = template.ids("AWS::KMS::Key")
    assert (statement["Action"], statement["Resource"]) == (
        ["kms:Decrypt", "kms:GenerateDataKey"],
        f"<{key}.Arn>",
    )


@pytest.mark.parametrize(
    "key",
    ["", "reports/*", "a?.json", "${aws:username}", cdk.Aws.STACK_NAME],
    ids=["empty", "*", "?", "a variable", "a token"],
)
@pytest.mark.parametrize("grant", [grant_fenced, grant_fenced_bytes])
def test_only_the_key_of_one_object_that_is_known_at_synth_can_be_fenced(
    key: str, grant: Callable[..., object]
) -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match="expected the key of one object, known at synth"):
        grant(s3.Bucket(stack, "Data"), role(stack), key=key)


def test_an_incomplete_grant_on_a_fenced_object_is_rejected() -> None:
    stack = new_stack(account="111111111111")
    bucket = s3.Bucket.from_bucket_attributes(
        stack, "Data", bucket_name="their-data", account="222222222222"
    )
    with pytest.raises(ValueError, match="to the policy of bucket their-data"):
        grant_fenced(bucket, role(stack), key=FENCED_KEY)
