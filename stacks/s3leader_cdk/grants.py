"""The exact rights that taking part in one election needs, or writing one fenced object.

Nothing here grants a delete: locks are deleted by the bucket's lifecycle rule alone (R6).
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
from s3leader_cdk._permissions.access import Access, Need
from s3leader_cdk._permissions.acknowledgments import acknowledge_object_wildcards

SUPERSEDED_TAG = "superseded"
SUPERSEDED_VALUE = "true"

_READ, _READ_AND_WRITE = ("kms:Decrypt",), ("kms:Decrypt", "kms:GenerateDataKey")
_PATTERN = ("*", "?", "${")


@dataclass(frozen=True, kw_only=True)
class ElectionRights:
    """Grants on the objects of one election: `<prefix><election>/lock_*` and the hint."""

    bucket: s3.IBucket
    encryption_key: kms.IKey | None
    prefix: str
    election: str
    granted_elsewhere: bool

    @property
    def lock_keys(self) -> str:
        """The pattern that all locks of the election match."""
        return f"{self.prefix}{self.election}/lock_*"

    @property
    def hint_key(self) -> str:
        """The key of the election's hint object."""
        return f"{self.prefix}{self.election}/hint.json"

    def grant_candidate(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow to look, to write locks and the hint, and to tag locks as superseded."""
        tag = Need(
            actions=["s3:PutObjectTagging"],
            key_patterns=[self.lock_keys],
            conditions={
                # Every key must be this one; and since that also holds where there is none, this
                # one must be there.
                "ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": [SUPERSEDED_TAG]},
                "StringEquals": {f"s3:RequestObjectTag/{SUPERSEDED_TAG}": SUPERSEDED_VALUE},
            },
        )
        keys = [self.lock_keys, self.hint_key]
        needs = [*self._reading(), *_conditional_puts(keys), tag]
        return self._grant(grantee, needs, _READ_AND_WRITE)

    def grant_observer(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow to look, and nothing else."""
        return self._grant(grantee, self._reading(), _READ)

    def _reading(self) -> list[Need]:
        return _reading([self.lock_keys, self.hint_key])

    def _grant(
        self, grantee: iam.IGrantable, needs: Sequence[Need], kms_actions: Sequence[str]
    ) -> iam.Grant:
        access = Access(
            bucket=self.bucket, kms_key=self.encryption_key, needs=needs, kms_actions=kms_actions
        )
        grant = access.grant(grantee, granted_elsewhere=self.granted_elsewhere)
        acknowledge_object_wildcards(
            grantee.grant_principal,
            self.bucket,
            [self.lock_keys],
            reason="Locks are numbered as terms come; the rights end at the locks of one election.",
        )
        return grant


@checked_options()
def grant_fenced(
    bucket: s3.IBucket, grantee: iam.IGrantable, *, key: str, granted_elsewhere: bool = False
) -> iam.Grant:
    """Let `grantee` read and write the `FencedObject` at `key` of `bucket`, not delete it.

    Writes are conditional, as the library's are; another write to that key is refused. The bucket's
    key, if it has one, may be used. `grantee` and `granted_elsewhere` are as for
    `LockBucket.grant_candidate`.

    Args:
        bucket: the bucket that the object is in.
        grantee: a function, role or other principal.
        key: the object's key.
        granted_elsewhere: the rights that the error of this call names have been added there.
    """
    if not key or Token.is_unresolved(key) or any(each in key for each in _PATTERN):
        raise ValueError(
            f"key {key!r} cannot be used: give the key of one object, known at synth and without"
            " *, ? and ${, for example 'reports/latest.json'"
        )
    access = Access(
        bucket=bucket,
        kms_key=usable_key(bucket.encryption_key, bucket),
        needs=[*_reading([key]), *_conditional_puts([key])],
        kms_actions=_READ_AND_WRITE,
    )
    return access.grant(grantee, granted_elsewhere=granted_elsewhere)


def _reading(keys: Sequence[str]) -> list[Need]:
    # S3 also asks for the right to list when a GetObject finds nothing, with the key itself as
    # `s3:prefix`: without it S3 answers 403 instead of 404. So the condition covers all keys
    # that are read, and with them the prefix that is listed, `…/lock_`.
    like = {"StringLike": {"s3:prefix": [*keys]}}
    return [
        Need(actions=["s3:ListBucket"], conditions=like),
        Need(actions=["s3:GetObject"], key_patterns=keys),
    ]


def _conditional_puts(keys: Sequence[str]) -> list[Need]:
    # One statement to create and one to replace: either header will do, but there must be one.
    # A bucket of ours denies other writes to everyone; an imported one may not.
    return [
        Need(actions=["s3:PutObject"], key_patterns=keys, conditions={"Null": {header: "false"}})
        for header in ("s3:if-none-match", "s3:if-match")
    ]
