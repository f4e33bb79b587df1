from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms

from s3leader_cdk import LockBucket
from tests.infra.synth import Synthesized, synthesize

BUCKET = "LocksBucket941BDB31"
ARN = f"<{BUCKET}.Arn>"


def lock_bucket(**properties: Any) -> Synthesized:
    return synthesize(lambda stack: LockBucket(stack, "Locks", **properties))


@pytest.fixture(scope="module")
def default() -> Synthesized:
    return lock_bucket()


@pytest.fixture(scope="module")
def unprotected() -> Synthesized:
    return lock_bucket(protect=False, removal_policy=cdk.RemovalPolicy.DESTROY)


@pytest.fixture(scope="module")
def with_key() -> Synthesized:
    def build(stack: cdk.Stack) -> None:
        LockBucket(stack, "Locks", encryption_key=kms.Key(stack, "Key"))

    return synthesize(build)


def test_logical_ids_never_change_since_that_would_replace_the_bucket(default: Synthesized) -> None:
    assert sorted(default.json["Resources"]) == [BUCKET, "LocksBucketPolicy8E01ED95"]


def test_no_public_access_of_any_kind(default: Synthesized) -> None:
    assert default.one("AWS::S3::Bucket")["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }


def test_access_lists_are_switched_off(default: Synthesized) -> None:
    rules = default.one("AWS::S3::Bucket")["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_encrypted_with_keys_of_s3_by_default(default: Synthesized) -> None:
    (rule,) = default.one("AWS::S3::Bucket")["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}


def test_encrypted_with_the_given_key_and_few_calls_to_it(with_key: Synthesized) -> None:
    (rule,) = with_key.one("AWS::S3::Bucket")["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    (key,) = with_key.ids("AWS::KMS::Key")
    assert rule == {
        "BucketKeyEnabled": True,
        "ServerSideEncryptionByDefault": {
            "KMSMasterKeyID": {"Fn::GetAtt": [key, "Arn"]},
            "SSEAlgorithm": "aws:kms",
        },
    }


def test_not_versioned_so_that_lifecycle_really_deletes(default: Synthesized) -> None:
    assert "VersioningConfiguration" not in default.one("AWS::S3::Bucket")


@pytest.mark.parametrize("policy", ["DeletionPolicy", "UpdateReplacePolicy"])
@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::S3::BucketPolicy"])
def test_kept_when_the_stack_goes_with_what_guards_it(
    default: Synthesized, kind: str, policy: str
) -> None:
    assert default.resources(kind)[0][policy] == "Retain"


def test_deleted_with_the_stack_if_asked_to(unprotected: Synthesized) -> None:
    assert unprotected.resources("AWS::S3::Bucket")[0]["DeletionPolicy"] == "Delete"


def test_lifecycle_deletes_superseded_locks_by_tag_and_nothing_else(default: Synthesized) -> None:
    assert default.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"] == [
        {
            "ExpirationInDays": 30,
            "Id": "delete-superseded-locks",
            "Prefix": "elections/",
            "Status": "Enabled",
            "TagFilters": [{"Key": "superseded", "Value": "true"}],
        },
        {
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            "Id": "abort-unfinished-uploads",
            "Status": "Enabled",
        },
    ]


def test_history_and_prefix_reach_the_lifecycle_rule() -> None:
    template = lock_bucket(history=cdk.Duration.days(2), prefix="teams/red/")
    rule = template.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"][0]
    assert (rule["ExpirationInDays"], rule["Prefix"]) == (2, "teams/red/")


def test_bucket_policy_denies_plain_http_writes_without_a_condition_and_deletes_of_locks(
    default: Synthesized,
) -> None:
    assert default.statements("AWS::S3::BucketPolicy") == [
        {
            "Action": "s3:*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Resource": [ARN, f"{ARN}/*"],
        },
        {
            "Action": "s3:PutObject",
            "Condition": {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}},
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Resource": f"{ARN}/elections/*",
            "Sid": "DenyUnconditionalWrites",
        },
        {
            "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Resource": f"{ARN}/elections/*/lock_*",
            "Sid": "DenyDeletesOfLocks",
        },
    ]


def test_without_protection_only_the_denial_of_deletes_is_gone(unprotected: Synthesized) -> None:
    sids = [each.get("Sid") for each in unprotected.statements("AWS::S3::BucketPolicy")]
    assert sids == [None, "DenyUnconditionalWrites"]


@pytest.mark.parametrize("hours", [24, 47, 49])
def test_a_history_that_is_short_or_no_whole_days_is_refused(hours: int) -> None:
    with pytest.raises(ValueError, match=rf"history of {hours / 24:g} days.*Duration.days\(2\)"):
        lock_bucket(history=cdk.Duration.hours(hours))


def test_destroying_what_cannot_be_emptied_is_refused() -> None:
    with pytest.raises(ValueError, match="pass protect=False"):
        lock_bucket(removal_policy=cdk.RemovalPolicy.DESTROY)
