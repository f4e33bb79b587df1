from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms

from s3leader_cdk import LockBucket
from tests.infra.permissions.test_grants import function
from tests.infra.synth import Synthesized, plain, synthesize

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
def test_the_bucket_and_its_policy_are_retained_when_the_stack_is_deleted(
    default: Synthesized, kind: str, policy: str
) -> None:
    assert default.resources(kind)[0][policy] == "Retain"


def test_deleted_with_the_stack_if_asked_to(unprotected: Synthesized) -> None:
    assert unprotected.resources("AWS::S3::Bucket")[0]["DeletionPolicy"] == "Delete"


def test_lifecycle_deletes_superseded_locks_by_tag_and_old_versions(
    default: Synthesized,
) -> None:
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
        {
            "ExpiredObjectDeleteMarker": True,
            "Id": "delete-old-versions-of-locks",
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
            "Prefix": "elections/",
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
def test_a_history_that_is_too_short_or_not_whole_days_is_rejected(hours: int) -> None:
    with pytest.raises(
        ValueError, match=rf"history: .*Duration.days\(2\).* got {hours / 24:g} days"
    ):
        lock_bucket(history=cdk.Duration.hours(hours))


def test_destroy_with_protected_locks_is_rejected() -> None:
    with pytest.raises(ValueError, match="pass protect=False"):
        lock_bucket(removal_policy=cdk.RemovalPolicy.DESTROY)


# -------------------------------------------------------------- buckets that organizations require


def variables(header: Any, *, key: bool) -> dict[str, Any]:
    """Return a candidate's environment variables on encryption."""

    def build(stack: cdk.Stack) -> None:
        given = kms.Key(stack, "Key") if key else None
        locks = LockBucket(stack, "Locks", encryption_key=given, encryption_header=header)
        locks.grant_candidate(function(stack), election="nightly")

    found = synthesize(build).one("AWS::Lambda::Function")["Environment"]["Variables"]
    names = ("S3LEADER_ENCRYPTION", "S3LEADER_KMS_KEY")
    return {name: plain(found[name]) for name in names if name in found}


def test_candidates_send_the_encryption_header_that_a_policy_demands() -> None:
    assert variables("AES256", key=False) == {"S3LEADER_ENCRYPTION": "AES256"}


@pytest.mark.parametrize("header", ["aws:kms", "aws:kms:dsse"])
def test_candidates_send_the_key_beside_the_encryption_header(header: str) -> None:
    found = variables(header, key=True)
    assert (found["S3LEADER_ENCRYPTION"], found["S3LEADER_KMS_KEY"]) == (
        header,
        "<Key961B73FD.Arn>",
    )


def test_candidates_send_no_encryption_header_unless_asked_to() -> None:
    assert variables(None, key=True) == {}


def test_a_bucket_whose_candidates_ask_for_two_layers_encrypts_with_two_by_itself() -> None:
    def build(stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key")
        LockBucket(stack, "Locks", encryption_key=key, encryption_header="aws:kms:dsse")

    (rule,) = synthesize(build).one("AWS::S3::Bucket")["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms:dsse"


@pytest.mark.parametrize(
    ("header", "key", "match"),
    [
        ("AES-256", False, "encryption_header: expected one of AES256, aws:.*, got 'AES-256'"),
        ("aws:kms", False, "without a KMS key"),
        ("AES256", True, "'AES256' was given with key Test/Key"),
    ],
)
def test_an_invalid_encryption_header_is_rejected(header: Any, *, key: bool, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        variables(header, key=key)


def test_the_name_may_be_in_the_account_s_own_namespace() -> None:
    found = lock_bucket(bucket_name_prefix="acme-locks").one("AWS::S3::Bucket")
    name = "acme-locks-<AWS::AccountId>-<AWS::Region>-an"
    assert (plain(found["BucketName"]), found["BucketNamespace"]) == (name, "account-regional")


@pytest.mark.parametrize("prefix", ["", "Acme", "acme-", "a" * 33, "acme.locks"])
def test_an_invalid_name_prefix_is_rejected(prefix: str) -> None:
    with pytest.raises(ValueError, match=f"bucket_name_prefix: expected .*, got '{prefix}'"):
        lock_bucket(bucket_name_prefix=prefix)


def test_two_names_for_one_bucket_are_refused() -> None:
    with pytest.raises(ValueError, match="bucket_name and bucket_name_prefix were both given"):
        lock_bucket(bucket_name="acme-locks", bucket_name_prefix="acme")
