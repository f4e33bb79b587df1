"""Judges what a bucket is set to: versioning, encryption, public access, Object Lock, Region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import lifecycle, policy
from .findings import Finding, Reading, ok


def check_settings(
    settings: Mapping[str, Reading],
    *,
    bucket_arn: str,
    prefix: str,
    election: str | None,
    client_region: str | None,
) -> Iterator[Finding]:
    """Judge all settings for one election, or for all below the prefix.

    `settings` has a reading for each name that is used here.
    """
    folder = prefix if election is None else f"{prefix}{election}/"
    where = policy.Place(bucket_arn=bucket_arn, prefix=prefix, election=election or "any-election")
    yield from _region(settings["region"], client_region)
    rules, denials = settings["lifecycle"], settings["policy"]
    if rules.known:
        yield from lifecycle.check_lifecycle(rules.value, folder, prefix)
    else:
        yield rules.unknown(lifecycle.CHECK)
    yield _uploads(rules, denials, where, folder)
    if denials.known:
        yield from policy.check_policy(denials.value, where)
    else:
        yield denials.unknown(policy.CHECK)
    yield _versioning(settings["versioning"], rules, folder)
    yield _encryption(settings["encryption"])
    yield _public_access(settings["public access"])
    yield _object_lock(settings["object lock"], rules, folder)


def _region(region: Reading, client_region: str | None) -> Iterator[Finding]:
    if not region.known:
        yield region.unknown("region")
    elif client_region not in {None, region.value}:
        yield Finding(
            check="region",
            level="warning",
            what=f"the bucket is in {region.value}, and requests go to {client_region}: S3"
            " redirects the first of each process, or refuses it",
            do=f"use --region {region.value}, or set S3LEADER_REGION={region.value}",
        )
    else:
        yield ok("region", f"the bucket is in {region.value}")


def _uploads(rules: Reading, denials: Reading, where: policy.Place, folder: str) -> Finding:
    if rules.known and lifecycle.aborts_uploads(rules.value, folder):
        return ok("uploads", "unfinished multipart uploads are aborted")
    if denials.known and policy.denies_unconditional_writes(denials.value, where):
        return ok("uploads", "the policy allows no multipart upload of a lock")
    unread = " and ".join(
        name for name, each in (("lifecycle rules", rules), ("policy", denials)) if not each.known
    )
    doubt = f", unless the {unread}, which could not be read, say otherwise" if unread else ""
    return Finding(
        check="uploads",
        level="cannot tell" if unread else "warning",
        what=f"unfinished multipart uploads are kept and paid for{doubt}",
        do="add a lifecycle rule: AbortIncompleteMultipartUpload after 1 day",
    )


def _versioning(versioning: Reading, rules: Reading, folder: str) -> Finding:
    if not versioning.known:
        return versioning.unknown("versioning")
    if versioning.value != "Enabled":
        return ok("versioning", "it is off, and conditional writes do not need it")
    if rules.known and lifecycle.deletes_old_versions(rules.value, folder):
        return ok("versioning", "it is on, and old versions of locks are deleted")
    return Finding(
        check="versioning",
        level="warning" if rules.known else "cannot tell",
        what="it is on: every renewal leaves a version, and no rule that could be read deletes it",
        do="add a lifecycle rule: NoncurrentVersionExpiration after 1 day, and"
        " ExpiredObjectDeleteMarker",
    )


def _encryption(encryption: Reading) -> Finding:
    if not encryption.known:
        return encryption.unknown("encryption")
    if encryption.value is None:
        return Finding(
            check="encryption",
            level="warning",
            what="the bucket names no default encryption (Amazon S3 always has one, other servers"
            " may store locks as they are)",
            do="set the bucket's default encryption",
        )
    kind, key = encryption.value
    if kind == "AES256":
        return ok("encryption", "S3's own keys")
    named = f" with {key}" if key else ""
    return ok(
        "encryption",
        f"{kind}{named}: candidates need kms:Decrypt and kms:GenerateDataKey on the key, and this"
        " command's reads of locks show whether these credentials have the first",
    )


def _public_access(access: Reading) -> Finding:
    if not access.known:
        return access.unknown("public access")
    missing = [name for name, on in (access.value or {"all of it": False}).items() if not on]
    if not missing:
        return ok("public access", "it is blocked")
    return Finding(
        check="public access",
        level="warning",
        what=f"it is not blocked by the bucket ({', '.join(missing)} is off); an account may block"
        " it for all its buckets",
        do="aws s3api put-public-access-block with all four settings true",
    )


def _object_lock(locking: Reading, rules: Reading, folder: str) -> Finding:
    if not locking.known:
        return locking.unknown("object lock")
    days = _retained_days(locking.value)
    if not days:
        return ok("object lock", "no default retention")
    history = lifecycle.deletes_after_days(rules.value, folder) if rules.known else None
    kept = f"each version is retained for {days} days, every renewal's too"
    if history is not None and history >= days:
        return ok("object lock", f"{kept}; locks are deleted later than that")
    return Finding(
        check="object lock",
        level="warning" if rules.known else "cannot tell",
        what=f"{kept}, which is longer than the lifecycle rule keeps locks, or than is known",
        do=f"let the lifecycle rule delete superseded locks after {days} days, or shorten the"
        " default retention",
    )


def _retained_days(value: Mapping[str, Any] | None) -> int:
    retention = (value or {}).get("Rule", {}).get("DefaultRetention", {})
    return int(retention.get("Days") or 0) + 365 * int(retention.get("Years") or 0)
