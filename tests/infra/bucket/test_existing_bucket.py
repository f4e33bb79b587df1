"""Locks in an existing bucket: one of this app, and an imported one."""

from collections.abc import Callable
from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match

from s3leader_cdk import LockBucket
from tests.infra.jobs import existing_function
from tests.infra.permissions.test_grants import role
from tests.infra.synth import Json, Synthesized, new_stack, synthesize

ARN = "<SharedDACC02AA.Arn>"
MakeBucket = Callable[[cdk.Stack], s3.IBucket]


def new_bucket(stack: cdk.Stack, **properties: Any) -> s3.Bucket:
    return s3.Bucket(stack, "Shared", **properties)


def imported(stack: cdk.Stack, **properties: Any) -> s3.IBucket:
    return s3.Bucket.from_bucket_attributes(
        stack, "Shared", bucket_name="their-locks", **properties
    )


def rules(template: Synthesized) -> list[Json]:
    found: list[Json] = template.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    return found


def locks_in(make: MakeBucket, **properties: Any) -> Synthesized:
    return synthesize(lambda stack: LockBucket(stack, "Locks", bucket=make(stack), **properties))


def refused(match: str, make: MakeBucket, **properties: Any) -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match=match):
        LockBucket(stack, "Locks", bucket=make(stack), **properties)


@pytest.fixture(scope="module")
def shared() -> Synthesized:
    return locks_in(new_bucket, prefix="jobs/", history=cdk.Duration.days(9))


@pytest.fixture(scope="module")
def with_imported() -> Synthesized:
    def build(stack: cdk.Stack) -> None:
        locks = LockBucket(stack, "Locks", bucket=imported(stack))
        locks.grant_candidate(role(stack), election="nightly")

    return synthesize(build)


def test_superseded_locks_and_old_versions_of_the_prefix_are_deleted_and_nothing_else(
    shared: Synthesized,
) -> None:
    assert rules(shared) == [
        {
            "ExpirationInDays": 9,
            "Id": "delete-superseded-locks-ca917502",
            "Prefix": "jobs/",
            "Status": "Enabled",
            "TagFilters": [{"Key": "superseded", "Value": "true"}],
        },
        {
            "ExpiredObjectDeleteMarker": True,
            "Id": "delete-old-versions-of-locks-ca917502",
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
            "Prefix": "jobs/",
            "Status": "Enabled",
        },
    ]


def test_denials_end_at_the_prefix_as_the_bucket_holds_other_things(shared: Synthesized) -> None:
    found = shared.statements("AWS::S3::BucketPolicy")
    everyone = {"Effect": "Deny", "Principal": {"AWS": "*"}}
    assert [{key: each[key] for key in each if key != "Condition"} for each in found] == [
        {
            **everyone,
            "Sid": "DenyLocksOverPlainHttpca917502",
            "Action": "s3:*",
            "Resource": f"{ARN}/jobs/*",
        },
        {
            **everyone,
            "Sid": "DenyUnconditionalWritesca917502",
            "Action": "s3:PutObject",
            "Resource": f"{ARN}/jobs/*",
        },
        {
            **everyone,
            "Sid": "DenyDeletesOfLocksca917502",
            "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            "Resource": f"{ARN}/jobs/*/lock_*",
        },
    ]


def test_unprotected_locks_may_be_deleted() -> None:
    statements = locks_in(new_bucket, protect=False).statements("AWS::S3::BucketPolicy")
    assert [each for each in statements if each["Sid"].startswith("DenyDeletes")] == []


def test_the_statements_of_two_prefixes_have_names_of_their_own() -> None:
    def build(stack: cdk.Stack) -> None:
        bucket = new_bucket(stack)
        for name in ("red", "blue"):
            LockBucket(stack, name, bucket=bucket, prefix=f"{name}/")

    sids = [each["Sid"] for each in synthesize(build).statements("AWS::S3::BucketPolicy")]
    assert len(sids) == len(set(sids)) == 6


def own_bucket(stack: cdk.Stack) -> s3.IBucket:
    return LockBucket(stack, "Own").bucket


def bucket_with_locks(stack: cdk.Stack) -> s3.IBucket:
    return LockBucket(stack, "One", bucket=new_bucket(stack), prefix="elections/").bucket


@pytest.mark.parametrize("make", [own_bucket, bucket_with_locks])
@pytest.mark.parametrize("prefix", ["elections/", "elections/red/"])
def test_two_lock_buckets_for_the_same_keys_are_refused(make: MakeBucket, prefix: str) -> None:
    refused(rf"prefix '{prefix}' of bucket .* overlaps 'elections/'", make, prefix=prefix)


def test_another_prefix_of_a_lock_bucket_s_own_bucket_takes_one() -> None:
    assert len(rules(locks_in(own_bucket, prefix="other/"))) == 5


@pytest.mark.parametrize(
    ("policy", "kept"), [(cdk.RemovalPolicy.RETAIN, "Retain"), (cdk.RemovalPolicy.DESTROY, None)]
)
def test_the_policy_stays_with_a_bucket_that_stays(
    policy: cdk.RemovalPolicy, kept: str | None
) -> None:
    template = locks_in(lambda stack: new_bucket(stack, removal_policy=policy))
    assert template.resources("AWS::S3::BucketPolicy")[0].get("DeletionPolicy") == kept


def key_at_arn(stack: cdk.Stack) -> kms.IKey:
    return kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:us-east-1:123456789012:key/1111")


@pytest.mark.parametrize(
    ("make", "with_key", "place", "text"),
    [
        (new_bucket, False, "/Test/Shared", "no other lifecycle rule .* may delete or archive"),
        (imported, False, "/Test/Locks", "lifecycle rule .* denies deletes of locks"),
        (imported, True, "/Test/Locks", "key Test/Key is imported: make sure"),
    ],
    ids=["other rules", "imported bucket", "imported key"],
)
def test_an_info_lists_what_is_not_managed_here(
    make: MakeBucket, place: str, text: str, *, with_key: bool
) -> None:
    stack = new_stack()
    key = key_at_arn(stack) if with_key else None
    LockBucket(stack, "Locks", bucket=make(stack), encryption_key=key)
    Annotations.from_stack(stack).has_info(place, Match.string_like_regexp(text))


@pytest.mark.parametrize("is_imported", [False, True], ids=["of this app", "imported"])
def test_the_key_of_the_bucket_is_granted(*, is_imported: bool) -> None:
    def build(stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key")
        locks = (
            LockBucket(stack, "Locks", bucket=imported(stack), encryption_key=key)
            if is_imported
            else LockBucket(stack, "Locks", bucket=new_bucket(stack, encryption_key=key))
        )
        locks.grant_candidate(role(stack), election="nightly")

    *_, statement = synthesize(build).statements("AWS::IAM::Policy")
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def test_nothing_of_an_imported_bucket_is_in_the_template(with_imported: Synthesized) -> None:
    kinds = {each["Type"] for each in with_imported.json["Resources"].values()}
    assert kinds == {"AWS::IAM::Role", "AWS::IAM::Policy"}


def test_permissions_on_an_imported_bucket_are_as_exact(with_imported: Synthesized) -> None:
    locks = "arn:<AWS::Partition>:s3:::their-locks/elections/nightly/lock_*"
    tagging = with_imported.statements("AWS::IAM::Policy")[-1]
    assert (tagging["Action"], tagging["Resource"]) == ("s3:PutObjectTagging", locks)


def test_the_history_of_an_imported_bucket_is_not_known() -> None:
    stack = new_stack()
    assert LockBucket(stack, "Locks", bucket=imported(stack)).history is None


def emptied(stack: cdk.Stack) -> s3.Bucket:
    destroy = cdk.RemovalPolicy.DESTROY
    return new_bucket(stack, auto_delete_objects=True, removal_policy=destroy)


REFUSED: dict[str, tuple[MakeBucket, dict[str, Any], str]] = {
    "name": (new_bucket, {"bucket_name": "x"}, "bucket_name was given with bucket Test/Shared"),
    "removal": (new_bucket, {"removal_policy": cdk.RemovalPolicy.RETAIN}, "is a property of that"),
    "history": (imported, {"history": cdk.Duration.days(9)}, "history was given .* is imported"),
    "protect": (imported, {"protect": False}, "protect was given .* is imported: omit it"),
    "short": (new_bucket, {"history": cdk.Duration.days(1)}, "got 1 days"),
    "emptied by CDK": (emptied, {}, r"auto_delete_objects, .* pass protect=False"),
}


@pytest.mark.parametrize(("make", "properties", "match"), REFUSED.values(), ids=REFUSED)
def test_properties_that_the_existing_bucket_cannot_have_are_rejected(
    make: MakeBucket, properties: dict[str, Any], match: str
) -> None:
    refused(match, make, **properties)


def bucket_with_key(stack: cdk.Stack) -> s3.IBucket:
    return imported(stack, encryption_key=key_at_arn(stack))


@pytest.mark.parametrize(
    ("make", "match"),
    [(new_bucket, "is a property of that bucket"), (bucket_with_key, "imported with its key")],
)
def test_a_second_key_is_rejected(make: MakeBucket, match: str) -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match=f"encryption_key was given with bucket .* {match}"):
        LockBucket(stack, "Locks", bucket=make(stack), encryption_key=kms.Key(stack, "Second"))


def retaining(stack: cdk.Stack, days: int) -> s3.Bucket:
    retention = s3.ObjectLockRetention.governance(cdk.Duration.days(days))
    return new_bucket(stack, object_lock_default_retention=retention)


def retaining_for_a_year(stack: cdk.Stack) -> s3.Bucket:
    bucket = new_bucket(stack, object_lock_enabled=True)
    retention = s3.CfnBucket.DefaultRetentionProperty(mode="GOVERNANCE", years=1)
    rule = s3.CfnBucket.ObjectLockRuleProperty(default_retention=retention)
    resource = cast("s3.CfnBucket", bucket.node.default_child)
    resource.object_lock_configuration = s3.CfnBucket.ObjectLockConfigurationProperty(rule=rule)
    return bucket


@pytest.mark.parametrize(
    ("make", "days"),
    [(lambda stack: retaining(stack, 31), 31), (retaining_for_a_year, 365)],
    ids=["days", "a year"],
)
def test_a_history_that_default_retention_outlasts_is_refused(make: MakeBucket, days: int) -> None:
    refused(rf"for {days} days: pass history=Duration.days\({days}\), or shorten", make)


def test_a_default_retention_shorter_than_the_history_is_accepted() -> None:
    template = locks_in(lambda stack: retaining(stack, 30))
    assert rules(template)[1]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def test_the_environment_has_the_account_of_an_imported_bucket() -> None:
    def build(stack: cdk.Stack) -> None:
        locks = LockBucket(stack, "Locks", bucket=imported(stack))
        locks.grant_candidate(existing_function(stack), election="nightly")

    assert synthesize(build).variables()["S3LEADER_BUCKET_OWNER"] == "<AWS::AccountId>"
