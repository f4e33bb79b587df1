"""What guards the locks in their bucket: lifecycle rules that delete by tag, and denials."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from aws_cdk import Annotations, CfnDeletionPolicy, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from s3leader_cdk.grants import SUPERSEDED_TAG, SUPERSEDED_VALUE

# R7 rests on this: no lock is deleted within an hour of its last write. A rule of one day would do
# on paper; two leave room for how S3 rounds days.
SHORTEST_HISTORY_DAYS = 2

_GUARDED = "s3leader:guarded"


def checked_history(history: Duration | None) -> Duration:
    """Return `history`, 30 days by default, or raise `ValueError`."""
    if history is None:
        return Duration.days(30)
    days = float(history.to_days(integral=False))
    if days < SHORTEST_HISTORY_DAYS or days != int(days):
        raise ValueError(
            f"history of {days:g} days cannot be used: give whole days, and at least"
            f" Duration.days({SHORTEST_HISTORY_DAYS}), so that no lock is deleted while a"
            " candidate may still rest on it"
        )
    return Duration.days(int(days))


def lifecycle_rules(prefix: str, history: Duration) -> Sequence[s3.LifecycleRule]:
    """Return the rules of a bucket that was made for locks alone."""
    return [
        _delete_superseded(prefix, history),
        s3.LifecycleRule(
            id="abort-unfinished-uploads",
            abort_incomplete_multipart_upload_after=Duration.days(1),
        ),
        _delete_old_versions(prefix),
    ]


def add_lifecycle_rules(bucket: s3.Bucket, prefix: str, history: Duration) -> None:
    """Add the rules to a bucket that holds other things too."""
    superseded = _delete_superseded(prefix, history)
    bucket.add_lifecycle_rule(
        id=f"delete-superseded-locks-{suffix_of(prefix)}",
        prefix=superseded.prefix,
        tag_filters=superseded.tag_filters,
        expiration=superseded.expiration,
    )
    old = _delete_old_versions(prefix)
    bucket.add_lifecycle_rule(
        id=f"{old.id}-{suffix_of(prefix)}",
        prefix=old.prefix,
        noncurrent_version_expiration=old.noncurrent_version_expiration,
        expired_object_delete_marker=old.expired_object_delete_marker,
    )


def deny_unconditional_writes(bucket: s3.Bucket, prefix: str, *, suffix: str = "") -> None:
    """Deny everyone to put an object under `prefix` without `If-Match` or `If-None-Match`."""
    # Both keys in one Null block are joined by AND: a write with either header passes.
    # The first request of a multipart upload can carry neither, and is not exempted by
    # `s3:ObjectCreationOperation`: there are none under the prefix. Copies are puts here.
    _deny(
        bucket,
        sid=f"DenyUnconditionalWrites{suffix}",
        actions=["s3:PutObject"],
        resources=[bucket.arn_for_objects(f"{prefix}*")],
        conditions={"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}},
    )


def deny_deletes_of_locks(bucket: s3.Bucket, prefix: str, *, suffix: str = "") -> None:
    """Deny everyone to delete a lock; lifecycle rules are not subject to bucket policies."""
    _deny(
        bucket,
        sid=f"DenyDeletesOfLocks{suffix}",
        actions=["s3:DeleteObject", "s3:DeleteObjectVersion"],
        resources=[bucket.arn_for_objects(f"{prefix}*/lock_*")],
    )


def deny_plain_http(bucket: s3.Bucket, prefix: str, *, suffix: str) -> None:
    """Deny everyone to send locks in the clear, in a bucket that may allow it elsewhere."""
    _deny(
        bucket,
        sid=f"DenyLocksOverPlainHttp{suffix}",
        actions=["s3:*"],
        resources=[bucket.arn_for_objects(f"{prefix}*")],
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )


def suffix_of(prefix: str) -> str:
    """Return what tells the statements and rules of several prefixes of one bucket apart."""
    return hashlib.sha256(prefix.encode()).hexdigest()[:8]


def keep_policy_as_long_as(bucket: s3.Bucket) -> None:
    """Let the policy outlive the stack if the bucket does: else its locks would be unguarded."""
    resource = bucket.node.default_child
    if bucket.policy is not None and isinstance(resource, s3.CfnBucket):
        kept = resource.cfn_options.deletion_policy
        if kept in {CfnDeletionPolicy.RETAIN, CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE}:
            bucket.policy.apply_removal_policy(RemovalPolicy.RETAIN)


def check_alone(bucket: s3.Bucket, prefix: str) -> None:
    """Refuse a prefix that another `LockBucket` guards, and say what no code can look into."""
    for other in (each.data for each in bucket.node.metadata if each.type == _GUARDED):
        if other.startswith(prefix) or prefix.startswith(other):
            raise ValueError(
                f"prefix {prefix!r} of bucket {bucket.node.path} overlaps {other!r}, which another"
                " LockBucket guards: use that one, or another prefix"
            )
    mark_guarded(bucket, prefix)
    Annotations.of(bucket).add_info(  # its rules are rendered when the template is, unseen
        f"holds locks under {prefix}: no other lifecycle rule of this bucket may delete or archive"
        " there, since the highest lock has to stay where it is"
    )


def mark_guarded(bucket: s3.Bucket, prefix: str) -> None:
    """Record that a `LockBucket` guards `prefix` of `bucket`."""
    bucket.node.add_metadata(_GUARDED, prefix)


def check_retention(bucket: s3.Bucket, history: Duration) -> None:
    """Refuse a history that Object Lock's default retention would not let end in time."""
    days = _retained_days(bucket)
    if days > history.to_days():
        raise ValueError(
            f"bucket {bucket.node.path} retains each version for {days} days, so that a history of"
            f" {history.to_days():g} days could not be kept: pass history=Duration.days({days}), or"
            " retain for less. Every renewal and checkpoint of a lock is a version, too"
        )


def check_not_emptied(bucket: s3.Bucket) -> None:
    """Refuse to protect locks that CDK was told to delete with the stack."""
    if bucket.node.try_find_child("AutoDeleteObjectsCustomResource") is not None:
        raise ValueError(
            f"bucket {bucket.node.path} has auto_delete_objects, which could not delete protected"
            " locks, so that the stack could not be deleted: pass protect=False, or leave"
            " auto_delete_objects out"
        )


# By tag alone, never by age: the highest lock is untagged however old it is (R6).
def _delete_superseded(prefix: str, history: Duration) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id="delete-superseded-locks",
        prefix=prefix,
        tag_filters={SUPERSEDED_TAG: SUPERSEDED_VALUE},
        expiration=history,
    )


# Also where there are no versions: organizations switch them on behind the template's back. Then
# each renewal leaves a version, and each deletion a marker. The rule leaves the newest version of
# a lock alone, so the highest one stays (R6).
def _delete_old_versions(prefix: str) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id="delete-old-versions-of-locks",
        prefix=prefix,
        noncurrent_version_expiration=Duration.days(1),
        expired_object_delete_marker=True,
    )


def _deny(
    bucket: s3.Bucket,
    *,
    sid: str,
    actions: list[str],
    resources: list[str],
    conditions: dict[str, object] | None = None,
) -> None:
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            sid=sid,
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=actions,
            resources=resources,
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
