"""Grants of exactly the permissions that one election or one fenced object needs.

No grant on an election includes a delete: only the bucket's lifecycle rule deletes locks (R6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from s3leader_cdk._bucket.encryption import usable_key
from s3leader_cdk._option_types import checked_options
from s3leader_cdk._permissions.access import BucketAccess, Permission
from s3leader_cdk._permissions.acknowledgments import acknowledge_object_wildcards

SUPERSEDED_TAG = "superseded"
SUPERSEDED_VALUE = "true"

_READ, _READ_AND_WRITE = ("kms:Decrypt",), ("kms:Decrypt", "kms:GenerateDataKey")
_PATTERN = ("*", "?", "${")


@dataclass(frozen=True, kw_only=True)
class ElectionGrants:
    """Grants on the objects of one election: `<prefix><election>/lock_*` and the hint.

    Or of several: `elections` is a name, or a pattern of names, such as `shard/*`. As `*` matches
    slashes too, the pattern includes all names that begin so, and nothing else.
    """

    bucket: s3.IBucket
    encryption_key: kms.IKey | None
    prefix: str
    elections: str
    granted_elsewhere: bool

    @property
    def _keys(self) -> tuple[str, str]:
        """The pattern that all locks match, and the key or pattern of the hint object."""
        folder = f"{self.prefix}{self.elections}"
        return f"{folder}/lock_*", f"{folder}/hint.json"

    def grant_candidate(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow to list and read, to write locks and the hint, and to tag locks as superseded."""
        tag = Permission(
            actions=["s3:PutObjectTagging"],
            key_patterns=[self._keys[0]],
            conditions={
                # Every tag key must be this one. That also holds for a request without tags, so
                # the next condition requires this tag.
                "ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": [SUPERSEDED_TAG]},
                "StringEquals": {f"s3:RequestObjectTag/{SUPERSEDED_TAG}": SUPERSEDED_VALUE},
            },
        )
        puts = _conditional_put_permissions(self._keys)
        permissions = [*_read_permissions(self._keys), *puts, tag]
        return self._grant(grantee, permissions, _READ_AND_WRITE)

    def grant_observer(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow to list and read, and nothing else."""
        return self._grant(grantee, _read_permissions(self._keys), _READ)

    def _grant(
        self, grantee: iam.IGrantable, permissions: Sequence[Permission], kms_actions: Sequence[str]
    ) -> iam.Grant:
        access = BucketAccess(
            bucket=self.bucket,
            kms_key=self.encryption_key,
            permissions=permissions,
            kms_actions=kms_actions,
        )
        grant = access.grant(grantee, granted_elsewhere=self.granted_elsewhere)
        acknowledge_object_wildcards(
            grantee.grant_principal,
            self.bucket,
            [key for key in self._keys if "*" in key],
            reason="Each term adds a numbered lock; the pattern matches the objects of one election"
            " or, by request, of those whose names have one prefix.",
        )
        return grant


@checked_options()
def grant_fenced(
    bucket: s3.IBucket, grantee: iam.IGrantable, *, key: str, granted_elsewhere: bool = False
) -> iam.Grant:
    """Let `grantee` read and write the `FencedObject` at `key` of `bucket`, not delete it.

    Writes must have a condition, as the library's do. The grant includes the bucket's KMS key.

    Args:
        bucket: the bucket of the object.
        grantee: a function, role or other principal.
        key: the object's key.
        granted_elsewhere: True if you have added the statements that the error of this call lists.
    """
    _check_key(key)
    access = BucketAccess(
        bucket=bucket,
        kms_key=usable_key(bucket.encryption_key, bucket),
        permissions=[*_read_permissions([key]), *_conditional_put_permissions([key])],
        kms_actions=_READ_AND_WRITE,
    )
    return access.grant(grantee, granted_elsewhere=granted_elsewhere)


@checked_options()
def grant_fenced_bytes(
    bucket: s3.IBucket, grantee: iam.IGrantable, *, key: str, granted_elsewhere: bool = False
) -> iam.Grant:
    """Let `grantee` read, write and sweep the `FencedBytes` at `key` of `bucket`.

    Their content is below `<key>.bodies/`: there the grantee may create objects, not replace them,
    and delete them. The object at `key` has the rights of `grant_fenced`.

    Args:
        bucket: the bucket of the bytes.
        grantee: a function, role or other principal.
        key: the key of the bytes.
        granted_elsewhere: True if you have added the statements that the error of this call lists.
    """
    _check_key(key)
    bodies = [f"{key}.bodies/*"]
    create, _ = _conditional_put_permissions(bodies)
    access = BucketAccess(
        bucket=bucket,
        kms_key=usable_key(bucket.encryption_key, bucket),
        permissions=[
            *_read_permissions([key, *bodies]),
            *_conditional_put_permissions([key]),
            create,
            Permission(actions=["s3:DeleteObject"], key_patterns=bodies),
        ],
        kms_actions=_READ_AND_WRITE,
    )
    grant = access.grant(grantee, granted_elsewhere=granted_elsewhere)
    acknowledge_object_wildcards(
        grantee.grant_principal,
        bucket,
        bodies,
        reason="Each write adds an object; the pattern matches those of one fenced object.",
    )
    return grant


def _check_key(key: str) -> None:
    if not key or Token.is_unresolved(key) or any(each in key for each in _PATTERN):
        raise ValueError(
            "key: expected the key of one object, known at synth and without *, ? and ${, for"
            f" example 'reports/latest.json'; got {key!r}"
        )


def _read_permissions(keys: Sequence[str]) -> list[Permission]:
    # For a missing key, S3 answers 404 only if the caller may list with that key as `s3:prefix`,
    # and 403 otherwise. So the condition covers all keys that are read; the prefix that is listed,
    # `…/lock_`, matches it too.
    like = {"StringLike": {"s3:prefix": [*keys]}}
    return [
        Permission(actions=["s3:ListBucket"], conditions=like),
        Permission(actions=["s3:GetObject"], key_patterns=keys),
    ]


def _conditional_put_permissions(keys: Sequence[str]) -> list[Permission]:
    # One statement to create and one to replace: a write must have one of the headers. A
    # LockBucket's own bucket denies other writes to everyone; an imported bucket may not.
    return [
        Permission(
            actions=["s3:PutObject"], key_patterns=keys, conditions={"Null": {header: "false"}}
        )
        for header in ("s3:if-none-match", "s3:if-match")
    ]
