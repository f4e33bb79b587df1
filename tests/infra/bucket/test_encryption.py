"""Encryption of a bucket whose Bucket construct has no `encryption_key`."""

from collections.abc import Callable
from typing import cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from s3leader_cdk import LockBucket, grant_fenced
from tests.infra.permissions.test_access import HERE, THERE, here, imported, imported_role
from tests.infra.permissions.test_grants import role
from tests.infra.synth import Synthesized

KEY = f"arn:aws:kms:us-east-1:{HERE}:key/11111111-2222-3333-4444-555555555555"
Grant = Callable[[s3.IBucket, iam.IGrantable], iam.Grant]


def encrypted(stack: cdk.Stack, key: str | None, algorithm: str = "aws:kms") -> s3.Bucket:
    """Return a bucket whose CfnBucket alone says what it is encrypted with."""
    bucket = s3.Bucket(stack, "Shared")
    default = s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
        sse_algorithm=algorithm, kms_master_key_id=key
    )
    rule = s3.CfnBucket.ServerSideEncryptionRuleProperty(server_side_encryption_by_default=default)
    resource = cast("s3.CfnBucket", bucket.node.default_child)
    resource.bucket_encryption = s3.CfnBucket.BucketEncryptionProperty(
        server_side_encryption_configuration=[rule]
    )
    return bucket


def candidate(bucket: s3.IBucket, grantee: iam.IGrantable) -> iam.Grant:
    locks = LockBucket(cdk.Stack.of(bucket), "Locks", bucket=bucket)
    return locks.grant_candidate(grantee, election="nightly", granted_elsewhere=True)


def writer(bucket: s3.IBucket, grantee: iam.IGrantable) -> iam.Grant:
    return grant_fenced(bucket, grantee, key="latest.json", granted_elsewhere=True)


each_grant = pytest.mark.parametrize("grant", [candidate, writer])


def managed(stack: cdk.Stack) -> s3.Bucket:
    return s3.Bucket(stack, "Shared", encryption=s3.BucketEncryption.KMS_MANAGED)


@each_grant
@pytest.mark.parametrize(
    "make",
    [
        managed,
        lambda stack: s3.Bucket(stack, "Shared", encryption=s3.BucketEncryption.DSSE_MANAGED),
        lambda stack: encrypted(stack, None),
        lambda stack: encrypted(stack, "alias/aws/s3"),
    ],
    ids=["KMS", "DSSE", "no key", "alias"],
)
def test_the_aws_managed_key_is_rejected_for_another_account(
    grant: Grant, make: Callable[[cdk.Stack], s3.Bucket]
) -> None:
    stack = here()
    match = rf"in account {THERE}, .* encrypts with aws/s3, .* only account {HERE} can use"
    with pytest.raises(ValueError, match=match):
        grant(make(stack), imported_role(stack))


@each_grant
def test_the_aws_managed_key_needs_no_permissions_within_its_account(grant: Grant) -> None:
    stack = here()
    grant(managed(stack), role(stack))
    actions = [each["Action"] for each in Synthesized(stack).statements("AWS::IAM::Policy")]
    assert [each for each in actions if "kms" in str(each)] == []


@each_grant
@pytest.mark.parametrize("algorithm", ["aws:kms", "aws:kms:dsse"])
def test_a_key_that_only_the_cfn_bucket_names_is_rejected_because_it_would_not_be_granted(
    grant: Grant, algorithm: str
) -> None:
    stack = here()
    match = r"names a KMS key .* give encryption_key, such as Key.from_key_arn\(…\), to the Bucket"
    with pytest.raises(ValueError, match=match):
        grant(encrypted(stack, KEY, algorithm), role(stack))


def test_the_key_of_an_imported_resource_may_be_given_with_it() -> None:
    stack = here()
    resource = cast("s3.CfnBucket", encrypted(stack, KEY).node.default_child)
    imported_bucket = s3.Bucket.from_cfn_bucket(resource)
    with pytest.raises(ValueError, match="or to the LockBucket of an imported bucket"):
        LockBucket(stack, "Without", bucket=imported_bucket)
    key = kms.Key.from_key_arn(stack, "Key", KEY)
    LockBucket(stack, "With", bucket=imported_bucket, encryption_key=key).grant_observer(
        role(stack), election="nightly"
    )
    *_, statement = Synthesized(stack).statements("AWS::IAM::Policy")
    assert (statement["Action"], statement["Resource"]) == ("kms:Decrypt", KEY)


def test_keys_that_s3_manages_work_for_other_accounts() -> None:
    stack = here()
    assert candidate(encrypted(stack, None, "AES256"), imported_role(stack)).success


def test_an_imported_alias_of_a_key_is_rejected() -> None:
    stack = here()
    alias = kms.Alias.from_alias_name(stack, "Alias", "alias/locks")
    with pytest.raises(ValueError, match=r"permissions on an alias .* Key.from_key_arn\(…\)"):
        LockBucket(stack, "Locks", encryption_key=alias)


def test_an_alias_of_a_key_of_the_app_stands_for_its_key() -> None:
    stack = here()
    alias = kms.Key(stack, "Key").add_alias("alias/locks")
    locks = LockBucket(stack, "Locks", encryption_key=alias)
    locks.grant_observer(role(stack), election="nightly")
    *_, statement = Synthesized(stack).statements("AWS::IAM::Policy")
    assert statement["Resource"] == "<Key961B73FD.Arn>"


def test_a_key_of_another_region_than_its_bucket_is_refused() -> None:
    stack = here()
    key = kms.Key.from_key_arn(stack, "Key", KEY.replace("us-east-1", "eu-west-1"))
    with pytest.raises(ValueError, match=r"is in eu-west-1, but bucket .* is in us-east-1"):
        LockBucket(stack, "Locks", bucket=imported(stack), encryption_key=key)
