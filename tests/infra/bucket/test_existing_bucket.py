"""Locks in an existing bucket: one of this app, and an imported one."""

from collections.abc import Callable
from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match

from s3leader_cdk import LockBucket
from tests.infra.permissions.test_grants import function
from tests.infra.synth import Json, Synthesized, new_stack, synthesize

ARN = "<SharedDACC02AA.Arn>"


def new_bucket(stack: cdk.Stack, **properties: Any) -> s3.Bucket:
    return s3.Bucket(stack, "Shared", **properties)


def imported(stack: cdk.Stack) -> s3.IBucket:
    return s3.Bucket.from_bucket_name(stack, "Shared", "their-locks")


def role(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))


def rules(template: Synthesized) -> list[Json]:
    found: list[Json] = template.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    return found


@pytest.fixture(scope="module")
def shared() -> Synthesized:
    def build(stack: cdk.Stack) -> None:
        LockBucket(
            stack, "Locks", bucket=new_bucket(stack), prefix="jobs/", history=cdk.Duration.days(9)
        )

    return synthesize(build)


@pytest.fixture(scope="module")
def versioned() -> Synthesized:
    return synthesize(
        lambda stack: LockBucket(stack, "Locks", bucket=new_bucket(stack, versioned=True))
    )


@pytest.fixture(scope="module")
def with_imported() -> Synthesized:
    def build(stack: cdk.Stack) -> None:
        locks = LockBucket(stack, "Locks", bucket=imported(stack))
        locks.grant_candidate(role(stack), election="nightly")

    return synthesize(build)


def test_no_second_bucket_is_new_bucket(shared: Synthesized) -> None:
    assert shared.ids("AWS::S3::Bucket") == ["SharedDACC02AA"]


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


def test_the_newest_version_of_a_lock_is_deleted_by_tag_alone(versioned: Synthesized) -> None:
    expiring = [each for each in rules(versioned) if "ExpirationInDays" in each]
    assert [each["TagFilters"] for each in expiring] == [[{"Key": "superseded", "Value": "true"}]]


def test_denials_end_at_the_prefix_as_the_bucket_holds_other_things(shared: Synthesized) -> None:
    found = shared.statements("AWS::S3::BucketPolicy")
    assert [(each["Sid"], each["Action"], each["Resource"]) for each in found] == [
        ("DenyLocksOverPlainHttpca917502", "s3:*", f"{ARN}/jobs/*"),
        ("DenyUnconditionalWritesca917502", "s3:PutObject", f"{ARN}/jobs/*"),
        (
            "DenyDeletesOfLocksca917502",
            ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            f"{ARN}/jobs/*/lock_*",
        ),
    ]


def test_denials_are_denials_for_everyone(shared: Synthesized) -> None:
    found = shared.statements("AWS::S3::BucketPolicy")
    assert {(each["Effect"], str(each["Principal"])) for each in found} == {
        ("Deny", "{'AWS': '*'}")
    }


def test_unprotected_locks_may_be_deleted() -> None:
    template = synthesize(
        lambda stack: LockBucket(stack, "Locks", bucket=new_bucket(stack), protect=False)
    )
    sids = [each["Sid"] for each in template.statements("AWS::S3::BucketPolicy")]
    assert [each for each in sids if each.startswith("DenyDeletes")] == []


def test_the_statements_of_two_prefixes_have_names_of_their_own() -> None:
    def build(stack: cdk.Stack) -> None:
        bucket = new_bucket(stack)
        for name in ("red", "blue"):
            LockBucket(stack, name, bucket=bucket, prefix=f"{name}/")

    sids = [each["Sid"] for each in synthesize(build).statements("AWS::S3::BucketPolicy")]
    assert len(sids) == len(set(sids)) == 6


@pytest.mark.parametrize("other", ["jobs/", "jobs/red/"])
def test_two_lock_buckets_for_the_same_keys_are_refused(other: str) -> None:
    stack = new_stack()
    bucket = new_bucket(stack)
    LockBucket(stack, "One", bucket=bucket, prefix="jobs/")
    with pytest.raises(ValueError, match=rf"prefix '{other}' of bucket .* overlaps 'jobs/'"):
        LockBucket(stack, "Two", bucket=bucket, prefix=other)


@pytest.mark.parametrize("prefix", ["elections/", "elections/red/"])
def test_the_keys_of_a_lock_bucket_s_own_bucket_take_no_second_lock_bucket(prefix: str) -> None:
    stack = new_stack()
    locks = LockBucket(stack, "Locks")
    with pytest.raises(ValueError, match=rf"prefix '{prefix}' .* overlaps 'elections/'"):
        LockBucket(stack, "Two", bucket=locks.bucket, prefix=prefix, history=cdk.Duration.days(2))


def test_another_prefix_of_a_lock_bucket_s_own_bucket_takes_one() -> None:
    def build(stack: cdk.Stack) -> None:
        LockBucket(stack, "Two", bucket=LockBucket(stack, "Locks").bucket, prefix="other/")

    assert len(rules(synthesize(build))) == 5


@pytest.mark.parametrize(
    ("policy", "kept"), [(cdk.RemovalPolicy.RETAIN, "Retain"), (cdk.RemovalPolicy.DESTROY, None)]
)
def test_the_policy_stays_with_a_bucket_that_stays(
    policy: cdk.RemovalPolicy, kept: str | None
) -> None:
    template = synthesize(
        lambda stack: LockBucket(stack, "Locks", bucket=new_bucket(stack, removal_policy=policy))
    )
    assert template.resources("AWS::S3::BucketPolicy")[0].get("DeletionPolicy") == kept


def test_protected_locks_in_a_bucket_that_cdk_empties_are_refused() -> None:
    stack = new_stack()
    bucket = new_bucket(stack, auto_delete_objects=True, removal_policy=cdk.RemovalPolicy.DESTROY)
    with pytest.raises(ValueError, match=r"auto_delete_objects, .* pass protect=False"):
        LockBucket(stack, "Locks", bucket=bucket)


def test_an_info_lists_what_other_lifecycle_rules_must_not_do() -> None:
    stack = new_stack()
    LockBucket(stack, "Locks", bucket=new_bucket(stack))
    Annotations.from_stack(stack).has_info(
        "/Test/Shared", Match.string_like_regexp("no other lifecycle rule .* may delete or archive")
    )


def test_the_key_of_an_imported_bucket_may_be_given_beside_it() -> None:
    def build(stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key")
        locks = LockBucket(stack, "Locks", bucket=imported(stack), encryption_key=key)
        locks.grant_candidate(role(stack), election="nightly")

    *_, statement = synthesize(build).statements("AWS::IAM::Policy")
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def test_a_second_key_beside_an_imported_bucket_is_refused() -> None:
    stack = new_stack()
    first, second = kms.Key(stack, "First"), kms.Key(stack, "Second")
    bucket = s3.Bucket.from_bucket_attributes(
        stack, "Shared", bucket_name="their-locks", encryption_key=first
    )
    with pytest.raises(ValueError, match=r"encryption_key was given .* imported with its key"):
        LockBucket(stack, "Locks", bucket=bucket, encryption_key=second)


def test_the_key_of_the_bucket_is_granted() -> None:
    def build(stack: cdk.Stack) -> None:
        bucket = new_bucket(
            stack, encryption=s3.BucketEncryption.KMS, encryption_key=kms.Key(stack, "Key")
        )
        LockBucket(stack, "Locks", bucket=bucket).grant_candidate(role(stack), election="nightly")

    *_, statement = synthesize(build).statements("AWS::IAM::Policy")
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def test_nothing_of_an_imported_bucket_is_in_the_template(with_imported: Synthesized) -> None:
    kinds = {each["Type"] for each in with_imported.json["Resources"].values()}
    assert kinds == {"AWS::IAM::Role", "AWS::IAM::Policy"}


def test_permissions_on_an_imported_bucket_are_as_exact(with_imported: Synthesized) -> None:
    locks = "arn:<AWS::Partition>:s3:::their-locks/elections/nightly/lock_*"
    tagging = with_imported.statements("AWS::IAM::Policy")[-1]
    assert (tagging["Action"], tagging["Resource"]) == ("s3:PutObjectTagging", locks)


def test_an_info_lists_what_an_imported_bucket_needs() -> None:
    stack = new_stack()
    LockBucket(stack, "Locks", bucket=imported(stack))
    Annotations.from_stack(stack).has_info(
        "/Test/Locks", Match.string_like_regexp("lifecycle rule .* denies deletes of locks")
    )


def test_the_history_of_an_imported_bucket_is_not_known() -> None:
    stack = new_stack()
    assert LockBucket(stack, "Locks", bucket=imported(stack)).history is None


REFUSED: dict[str, tuple[Callable[[cdk.Stack], s3.IBucket], dict[str, Any], str]] = {
    "name": (new_bucket, {"bucket_name": "x"}, "bucket_name was given with bucket Test/Shared"),
    "removal": (new_bucket, {"removal_policy": cdk.RemovalPolicy.RETAIN}, "is a property of that"),
    "history": (imported, {"history": cdk.Duration.days(9)}, "history was given .* is imported"),
    "protect": (imported, {"protect": False}, "protect was given .* is imported: omit it"),
    "short": (new_bucket, {"history": cdk.Duration.days(1)}, "got 1 days"),
}


@pytest.mark.parametrize(("bucket", "properties", "match"), REFUSED.values(), ids=REFUSED)
def test_properties_of_the_existing_bucket_are_rejected(
    bucket: Callable[[cdk.Stack], s3.IBucket], properties: dict[str, Any], match: str
) -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match=match):
        LockBucket(stack, "Locks", bucket=bucket(stack), **properties)


def test_a_key_with_a_bucket_is_rejected() -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match="encryption_key was given with bucket"):
        LockBucket(stack, "Locks", bucket=new_bucket(stack), encryption_key=kms.Key(stack, "Key"))


def retaining(stack: cdk.Stack, retention: s3.ObjectLockRetention) -> s3.Bucket:
    return new_bucket(stack, object_lock_default_retention=retention)


@pytest.mark.parametrize("days", [31, 365])
def test_a_history_that_default_retention_outlasts_is_refused(days: int) -> None:
    stack = new_stack()
    bucket = retaining(stack, s3.ObjectLockRetention.governance(cdk.Duration.days(days)))
    with pytest.raises(ValueError, match=rf"pass history=Duration.days\({days}\), or shorten"):
        LockBucket(stack, "Locks", bucket=bucket)


@pytest.mark.parametrize("years", [1, 2])
def test_default_retention_in_years_is_counted_in_days(years: int) -> None:
    stack = new_stack()
    bucket = new_bucket(stack, object_lock_enabled=True)
    resource = cast("s3.CfnBucket", bucket.node.default_child)
    retention = s3.CfnBucket.DefaultRetentionProperty(mode="GOVERNANCE", years=years)
    rule = s3.CfnBucket.ObjectLockRuleProperty(default_retention=retention)
    resource.object_lock_configuration = s3.CfnBucket.ObjectLockConfigurationProperty(rule=rule)
    with pytest.raises(ValueError, match=rf"retains each version for {365 * years} days"):
        LockBucket(stack, "Locks", bucket=bucket)


def test_a_default_retention_shorter_than_the_history_is_accepted() -> None:
    def build(stack: cdk.Stack) -> None:
        bucket = retaining(stack, s3.ObjectLockRetention.compliance(cdk.Duration.days(30)))
        LockBucket(stack, "Locks", bucket=bucket)

    assert rules(synthesize(build))[1]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def test_an_info_lists_what_an_imported_key_needs() -> None:
    stack = new_stack()
    arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    key = kms.Key.from_key_arn(stack, "Key", arn)
    LockBucket(stack, "Locks", bucket=imported(stack), encryption_key=key)
    Annotations.from_stack(stack).has_info(
        "/Test/Locks", Match.string_like_regexp("key Test/Key is imported: make sure")
    )


def test_the_environment_has_the_account_of_an_imported_bucket() -> None:
    def build(stack: cdk.Stack) -> None:
        locks = LockBucket(stack, "Locks", bucket=imported(stack))
        locks.grant_candidate(function(stack), election="nightly")

    variables = synthesize(build).one("AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["S3LEADER_BUCKET_OWNER"] == {"Ref": "AWS::AccountId"}
