"""Lifecycle rules and bucket policy statements that protect the locks in a bucket."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Annotations, CfnDeletionPolicy, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from s3leader_cdk.grants import SUPERSEDED_TAG, SUPERSEDED_VALUE

# R7 requires that no lock is deleted within an hour of its last write. One day would satisfy it;
# two allow for how S3 rounds days.
SHORTEST_HISTORY_DAYS = 2

_PREFIX_IN_USE = "s3leader:prefix-in-use"


def checked_history(history: Duration | None) -> Duration:
    """Return `history`, 30 days by default, or raise `ValueError`."""
    if history is None:
        return Duration.days(30)
    days = float(history.to_days(integral=False))
    if days < SHORTEST_HISTORY_DAYS or days != int(days):
        raise ValueError(
            f"history: expected whole days, at least Duration.days({SHORTEST_HISTORY_DAYS}), so"
            f" that no lock is deleted while a candidate may still depend on it; got {days:g} days"
        )
    return Duration.days(int(days))


def lifecycle_rules(prefix: str, history: Duration) -> Sequence[s3.LifecycleRule]:
    """Return the rules of a bucket that holds locks only."""
    superseded, old_versions = (s3.LifecycleRule(**each) for each in _rules(prefix, history))
    uploads = s3.LifecycleRule(
        id="abort-unfinished-uploads", abort_incomplete_multipart_upload_after=Duration.days(1)
    )
    return [superseded, uploads, old_versions]


def add_lifecycle_rules(bucket: s3.Bucket, prefix: str, history: Duration) -> None:
    """Add the rules to a bucket that also holds other objects."""
    for each in _rules(prefix, history, suffix=f"-{statement_suffix(prefix)}"):
        bucket.add_lifecycle_rule(**each)


def deny_unconditional_writes(bucket: s3.Bucket, prefix: str, *, suffix: str = "") -> None:
    """Deny writes under `prefix` without `If-Match` or `If-None-Match`, to everyone."""
    # Both keys in one Null block are joined by AND: a write with either header passes. The request
    # that starts a multipart upload has neither header, so there are no such uploads under the
    # prefix. A copy is a PutObject for this statement.
    null = {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}}
    _deny(bucket, f"DenyUnconditionalWrites{suffix}", ["s3:PutObject"], f"{prefix}*", null)


def deny_deletes_of_locks(bucket: s3.Bucket, prefix: str, *, suffix: str = "") -> None:
    """Deny deletes of locks to everyone; lifecycle rules are not subject to bucket policies."""
    deletes = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    _deny(bucket, f"DenyDeletesOfLocks{suffix}", deletes, f"{prefix}*/lock_*")


def deny_plain_http(bucket: s3.Bucket, prefix: str, *, suffix: str) -> None:
    """Deny requests for locks without TLS, in a bucket that may allow them for other objects."""
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    _deny(bucket, f"DenyLocksOverPlainHttp{suffix}", ["s3:*"], f"{prefix}*", plain)


def statement_suffix(prefix: str) -> str:
    """Return a suffix for the names of statements and rules, unique for each prefix of a bucket."""
    return hashlib.sha256(prefix.encode()).hexdigest()[:8]


def retain_policy_with(bucket: s3.Bucket) -> None:
    """Retain the policy if the bucket is retained, so that its locks stay protected."""
    resource = bucket.node.default_child
    if bucket.policy is not None and isinstance(resource, s3.CfnBucket):
        kept = resource.cfn_options.deletion_policy
        if kept in {CfnDeletionPolicy.RETAIN, CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE}:
            bucket.policy.apply_removal_policy(RemovalPolicy.RETAIN)


def check_prefix_is_free(bucket: s3.Bucket, prefix: str) -> None:
    """Raise `ValueError` if `prefix` overlaps one of another `LockBucket` in this bucket."""
    for other in (each.data for each in bucket.node.metadata if each.type == _PREFIX_IN_USE):
        if other.startswith(prefix) or prefix.startswith(other):
            raise ValueError(
                f"prefix {prefix!r} of bucket {bucket.node.path} overlaps {other!r}, the prefix of"
                " another LockBucket: use that LockBucket, or another prefix"
            )
    record_prefix(bucket, prefix)
    # CDK renders lifecycle rules too late for a check here.
    Annotations.of(bucket).add_info(
        f"this bucket holds locks under {prefix}: no other lifecycle rule of it may delete or"
        " archive objects there, because the highest lock must stay"
    )


def record_prefix(bucket: s3.Bucket, prefix: str) -> None:
    """Record that a `LockBucket` uses `prefix` of `bucket`."""
    bucket.node.add_metadata(_PREFIX_IN_USE, prefix)


def check_retention(bucket: s3.Bucket, history: Duration) -> None:
    """Raise `ValueError` if Object Lock retains versions for longer than `history`."""
    days = _retained_days(bucket)
    if days > history.to_days():
        raise ValueError(
            f"history of {history.to_days():g} days is shorter than the default retention of bucket"
            f" {bucket.node.path}, which retains each version for {days} days: pass"
            f" history=Duration.days({days}), or shorten the retention. Every renewal and"
            " checkpoint of a lock is a version"
        )


def check_no_auto_delete(bucket: s3.Bucket) -> None:
    """Raise `ValueError` if CDK is to empty the bucket, which the denial of deletes prevents."""
    if bucket.node.try_find_child("AutoDeleteObjectsCustomResource") is not None:
        raise ValueError(
            f"bucket {bucket.node.path} has auto_delete_objects, which cannot delete protected"
            " locks, so the stack could not be deleted: pass protect=False, or omit"
            " auto_delete_objects"
        )


def _rules(prefix: str, history: Duration, suffix: str = "") -> list[dict[str, Any]]:
    return [
        # By tag, never by age alone: the highest lock is old but has no tag (R6).
        {
            "id": f"delete-superseded-locks{suffix}",
            "prefix": prefix,
            "tag_filters": {SUPERSEDED_TAG: SUPERSEDED_VALUE},
            "expiration": history,
        },
        # Also without versioning, which some organizations enable outside of the template. Then
        # each renewal leaves a version, and each deletion a marker. The rule keeps the newest
        # version of each lock, so the highest lock stays (R6).
        {
            "id": f"delete-old-versions-of-locks{suffix}",
            "prefix": prefix,
            "noncurrent_version_expiration": Duration.days(1),
            "expired_object_delete_marker": True,
        },
    ]


def _deny(
    bucket: s3.Bucket,
    sid: str,
    actions: list[str],
    keys: str,
    conditions: Mapping[str, object] | None = None,
) -> None:
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            sid=sid,
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=actions,
            resources=[bucket.arn_for_objects(keys)],
            conditions=conditions,
        )
    )


def _retained_days(bucket: s3.Bucket) -> int:
    """Return for how many days Object Lock keeps each version by default."""
    resource = bucket.node.default_child
    if not isinstance(resource, s3.CfnBucket):
        return 0
    locking = Stack.of(bucket).resolve(resource.object_lock_configuration) or {}
    found = locking.get("rule", {}).get("defaultRetention", {})
    return int(found.get("days") or 0) + 365 * int(found.get("years") or 0)
