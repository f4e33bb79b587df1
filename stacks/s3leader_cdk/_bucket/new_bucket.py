"""The bucket that a `LockBucket` creates if none is given."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, Token, Validations
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from s3leader_cdk._bucket import rules
from s3leader_cdk._election.names import checked_bucket_name

_LONGEST_NAME, _LONGEST_REGION = 63, len("ap-northeast-1")
_PREFIX = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class NewBucket:
    """The properties of the bucket; see `LockBucket`."""

    prefix: str
    history: Duration
    bucket_name: str | None
    bucket_name_prefix: str | None
    key: kms.IKey | None
    encryption_header: str | None
    removal_policy: RemovalPolicy
    protect: bool

    def create(self, scope: Construct) -> s3.Bucket:
        """Create the bucket, with the construct id `Bucket`, its lifecycle rules and its policy."""
        if self.protect and self.removal_policy is RemovalPolicy.DESTROY:
            raise ValueError(
                "removal_policy DESTROY was given, but locks are protected from deletes, so the"
                " bucket could not be emptied: pass protect=False too, or keep RETAIN"
            )
        bucket = s3.Bucket(
            scope,
            "Bucket",
            bucket_name=self._name(scope),
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            encryption=self._encryption(),
            encryption_key=self.key,
            # DSSE-KMS does not support S3 Bucket Keys.
            bucket_key_enabled=True if self._encryption() is s3.BucketEncryption.KMS else None,
            versioned=False,
            removal_policy=self.removal_policy,
            lifecycle_rules=rules.lifecycle_rules(self.prefix, self.history),
        )
        if self.bucket_name_prefix is not None:
            reserve_name(bucket)
        rules.record_prefix(bucket, self.prefix)
        rules.deny_unconditional_writes(bucket, self.prefix)
        if self.protect:
            rules.deny_deletes_of_locks(bucket, self.prefix)
        if bucket.policy is not None:
            # A bucket that outlives its stack must keep the policy that protects its locks.
            bucket.policy.apply_removal_policy(self.removal_policy)
        Validations.of(bucket).acknowledge(
            Acknowledgment(
                id="AwsSolutions-S1",
                reason="The ledger records who led, when and why. Server access logs would need a"
                " second bucket and contain less. CloudTrail data events can be added.",
            )
        )
        return bucket

    def _encryption(self) -> s3.BucketEncryption:
        if self.key is None:
            return s3.BucketEncryption.S3_MANAGED
        dual = self.encryption_header == "aws:kms:dsse"
        return s3.BucketEncryption.DSSE if dual else s3.BucketEncryption.KMS

    def _name(self, scope: Construct) -> str | None:
        if self.bucket_name_prefix is None and self.bucket_name is not None:
            return checked_bucket_name(self.bucket_name, option="bucket_name")
        if self.bucket_name_prefix is None:
            return None
        if self.bucket_name is not None:
            raise ValueError("bucket_name and bucket_name_prefix were both given: give one of them")
        stack = Stack.of(scope)
        return account_regional_name(self.bucket_name_prefix, stack.account, stack.region)


def account_regional_name(prefix: str, account: str, region: str) -> str:
    """Return a bucket name in the regional namespace of `account`, or raise `ValueError`."""
    longest = _LONGEST_REGION if Token.is_unresolved(region) else len(region)
    longest_prefix = _LONGEST_NAME - len("--123456789012-an") - longest
    if not _PREFIX.fullmatch(prefix) or len(prefix) > longest_prefix:
        raise ValueError(
            f"bucket_name_prefix: expected 1 to {longest_prefix} of the characters a-z 0-9 -,"
            f" neither beginning nor ending with -, got {prefix!r}; S3 appends account and Region"
        )
    return f"{prefix}-{account}-{region}-an"


def reserve_name(bucket: s3.Bucket) -> None:
    """Create `bucket` in its account's regional namespace, whose names no other account can use."""
    # Not by the `bucket_name_prefix` of `s3.Bucket`: CDK would then not know the name, which stacks
    # in other Regions need. CloudFormation also accepts the full name.
    resource = bucket.node.default_child
    if isinstance(resource, s3.CfnBucket):
        resource.add_property_override("BucketNamespace", "account-regional")
