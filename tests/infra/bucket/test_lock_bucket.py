from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms

from s3leader_cdk import LockBucket
from tests.infra.jobs import existing_function
from tests.infra.synth import Synthesized, plain, synthesize

ARN = "<LocksBucket941BDB31.Arn>"
KEY_VARIABLE = {"S3LEADER_KMS_KEY": "<Key961B73FD.Arn>"}


def lock_bucket(**properties: Any) -> Synthesized:
    return synthesize(lambda stack: LockBucket(stack, "Locks", **properties))


@pytest.fixture(scope="module")
def default() -> Synthesized:
    return lock_bucket()


@pytest.fixture(scope="module")
def unprotected() -> Synthesized:
    return lock_bucket(protect=False, removal_policy=cdk.RemovalPolicy.DESTROY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "PublicAccessBlockConfiguration",
            {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        ),
        ("OwnershipControls", {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}),
        ("VersioningConfiguration", None),
    ],
    ids=["no public access", "no access lists", "lifecycle really deletes"],
)
def test_the_bucket_is_private_and_not_versioned(
    default: Synthesized, name: str, value: object
) -> None:
    assert default.one("AWS::S3::Bucket").get(name) == value


def encryption(template: Synthesized) -> Any:
    found = template.one("AWS::S3::Bucket")["BucketEncryption"]
    (rule,) = found["ServerSideEncryptionConfiguration"]
    return plain(rule)


def test_encrypted_with_keys_of_s3_by_default(default: Synthesized) -> None:
    assert encryption(default) == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}


@pytest.mark.parametrize(
    ("header", "algorithm"), [(None, "aws:kms"), ("aws:kms:dsse", "aws:kms:dsse")]
)
def test_encrypted_with_the_given_key_and_few_calls_to_it(header: Any, algorithm: str) -> None:
    def build(stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key")
        LockBucket(stack, "Locks", encryption_key=key, encryption_header=header)

    # DSSE-KMS has no bucket keys.
    assert encryption(synthesize(build)) == {
        **({"BucketKeyEnabled": True} if header is None else {}),
        "ServerSideEncryptionByDefault": {
            "KMSMasterKeyID": "<Key961B73FD.Arn>",
            "SSEAlgorithm": algorithm,
        },
    }


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


def variables(header: Any, *, key: bool) -> dict[str, Any]:
    """Return a candidate's environment variables on encryption."""

    def build(stack: cdk.Stack) -> None:
        given = kms.Key(stack, "Key") if key else None
        locks = LockBucket(stack, "Locks", encryption_key=given, encryption_header=header)
        locks.grant_candidate(existing_function(stack), election="nightly")

    found = synthesize(build).variables()
    return {name: found[name] for name in ("S3LEADER_ENCRYPTION", *KEY_VARIABLE) if name in found}


@pytest.mark.parametrize(
    ("header", "key", "sent"),
    [
        (None, True, {}),
        ("AES256", False, {"S3LEADER_ENCRYPTION": "AES256"}),
        ("aws:kms", True, {"S3LEADER_ENCRYPTION": "aws:kms", **KEY_VARIABLE}),
        ("aws:kms:dsse", True, {"S3LEADER_ENCRYPTION": "aws:kms:dsse", **KEY_VARIABLE}),
    ],
)
def test_candidates_send_the_encryption_header_that_a_policy_demands(
    header: Any, sent: dict[str, str], *, key: bool
) -> None:
    assert variables(header, key=key) == sent


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
