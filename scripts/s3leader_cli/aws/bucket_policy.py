"""The policy statements that protect locks, as `s3leader_cdk.LockBucket` writes them.

A test compares them with the template that the construct makes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from botocore.exceptions import ClientError

from s3leader import BucketOptions

from .clients import client, s3_arn
from .failures import explained

Statement: TypeAlias = Mapping[str, Any]


def statements(partition: str, bucket: str, prefix: str, *, shared: bool) -> list[dict[str, Any]]:
    """Return the statements; `shared` if the bucket also holds other objects than locks."""
    arn = f"arn:{partition}:s3:::{bucket}"
    suffix = hashlib.sha256(prefix.encode()).hexdigest()[:8] if shared else ""
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    null = {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}}
    sid = f"DenyLocksOverPlainHttp{suffix}" if shared else None
    resources = f"{arn}/{prefix}*" if shared else [arn, f"{arn}/*"]
    deletes = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    return [
        _denial(sid, "s3:*", resources, plain),
        _denial(f"DenyUnconditionalWrites{suffix}", "s3:PutObject", f"{arn}/{prefix}*", null),
        _denial(f"DenyDeletesOfLocks{suffix}", deletes, f"{arn}/{prefix}*/lock_*", None),
    ]


def _denial(
    sid: str | None,
    action: str | list[str],
    resource: str | list[str],
    condition: dict[str, Any] | None,
) -> dict[str, Any]:
    named = {} if sid is None else {"Sid": sid}
    conditional = {} if condition is None else {"Condition": condition}
    denied = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": action, "Resource": resource}
    return {**named, **denied, **conditional}


@dataclass(frozen=True, kw_only=True)
class BucketPolicy:
    """A bucket's policy as it was read, None if there is none, and what it lacks."""

    bucket: str
    region: str | None
    document: dict[str, Any] | None
    missing: Sequence[dict[str, Any]]

    def put_missing(self) -> bool:
        """Add the missing statements; return False if the policy has changed since it was read.

        S3 has no conditional write of a policy, so a change between this read and the write is
        overwritten.
        """
        if _read(self.bucket, self.region) != self.document:
            return False
        document = self.document or {"Version": "2012-10-17", "Statement": []}
        document = {**document, "Statement": [*_listed(document["Statement"]), *self.missing]}
        s3 = client("s3", self.region)
        with explained("s3:PutBucketPolicy", s3_arn(s3, self.bucket)):
            s3.put_bucket_policy(
                Bucket=self.bucket,
                Policy=json.dumps(document),
                **BucketOptions.from_environment().for_every_request(),
            )
        return True


def read_policy(bucket: str, prefix: str, region: str | None, *, shared: bool) -> BucketPolicy:
    """Return the bucket's policy, and which statements it lacks."""
    document = _read(bucket, region)
    there = [_canonical(each) for each in _listed((document or {}).get("Statement", []))]
    partition = client("s3", region).meta.partition
    wanted = statements(partition, bucket, prefix, shared=shared)
    missing = [each for each in wanted if _canonical(each) not in there]
    return BucketPolicy(bucket=bucket, region=region, document=document, missing=missing)


def _read(bucket: str, region: str | None) -> dict[str, Any] | None:
    s3 = client("s3", region)
    with explained("s3:GetBucketPolicy", s3_arn(s3, bucket)):
        try:
            found = s3.get_bucket_policy(
                Bucket=bucket, **BucketOptions.from_environment().for_every_request()
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchBucketPolicy":
                return None
            raise
    document: dict[str, Any] = json.loads(found["Policy"])
    return document


def _canonical(statement: Statement) -> dict[str, Any]:
    """Return a statement without its name, in the one form that equal statements have."""
    canonical = {key: value for key, value in statement.items() if key != "Sid"}
    for key in ("Action", "Resource"):
        canonical[key] = sorted(_listed(canonical.get(key, [])))
    if canonical.get("Principal") == {"AWS": ["*"]} or canonical.get("Principal") == "*":
        canonical["Principal"] = {"AWS": "*"}
    return canonical


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    return value if isinstance(value, list) else [value]
