"""The exact rights that taking part in one election needs, and not one more.

Nothing here grants a delete: locks are deleted by the bucket's lifecycle rule alone (R6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from s3leader_cdk.acknowledgments import acknowledge_object_wildcards

SUPERSEDED_TAG = "superseded"
SUPERSEDED_VALUE = "true"


@dataclass(frozen=True, kw_only=True)
class ElectionRights:
    """Grants on the objects of one election: `<prefix><election>/lock_*` and the hint."""

    bucket: s3.IBucket
    encryption_key: kms.IKey | None
    prefix: str
    election: str

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
        return _all(
            [
                self._grant_list(grantee),
                self._grant_objects(grantee, ["s3:GetObject"], [self.lock_keys, self.hint_key]),
                *self._grant_conditional_puts(grantee),
                self._grant_objects(
                    grantee,
                    ["s3:PutObjectTagging"],
                    [self.lock_keys],
                    conditions={
                        # Every key must be this one; and since that also holds where there is
                        # none, this one must be there.
                        "ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": [SUPERSEDED_TAG]},
                        "StringEquals": {f"s3:RequestObjectTag/{SUPERSEDED_TAG}": SUPERSEDED_VALUE},
                    },
                ),
                *self._grant_key(grantee, "kms:Decrypt", "kms:GenerateDataKey"),
            ]
        )

    def grant_observer(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow to look, and nothing else."""
        return _all(
            [
                self._grant_list(grantee),
                self._grant_objects(grantee, ["s3:GetObject"], [self.lock_keys, self.hint_key]),
                *self._grant_key(grantee, "kms:Decrypt"),
            ]
        )

    def _grant_conditional_puts(self, grantee: iam.IGrantable) -> list[iam.Grant]:
        # One statement to create and one to replace: either header will do, but there must be one.
        # A bucket of ours denies other writes to everyone; an imported one may not.
        return [
            self._grant_objects(
                grantee,
                ["s3:PutObject"],
                [self.lock_keys, self.hint_key],
                conditions={"Null": {key: "false"}},
            )
            for key in ("s3:if-none-match", "s3:if-match")
        ]

    def _grant_list(self, grantee: iam.IGrantable) -> iam.Grant:
        acknowledge_object_wildcards(
            grantee.grant_principal,
            self.bucket,
            [self.lock_keys],
            reason="Locks are numbered as terms come; the rights end at the locks of one election.",
        )
        # S3 also asks for this right when a GetObject finds nothing, with the key itself as
        # `s3:prefix`: whoever may not list it is told 403 and not 404. So the condition covers
        # the two kinds of keys that are read, and with them the prefix that is listed, `…/lock_`.
        return iam.Grant.add_to_principal_or_resource(
            grantee=grantee,
            resource=self.bucket,
            actions=["s3:ListBucket"],
            resource_arns=[self.bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [self.lock_keys, self.hint_key]}},
        )

    def _grant_objects(
        self,
        grantee: iam.IGrantable,
        actions: Sequence[str],
        keys: Sequence[str],
        *,
        conditions: dict[str, Any] | None = None,
    ) -> iam.Grant:
        return iam.Grant.add_to_principal_or_resource(
            grantee=grantee,
            resource=self.bucket,
            actions=list(actions),
            resource_arns=[self.bucket.arn_for_objects(key) for key in keys],
            conditions=conditions,
        )

    def _grant_key(self, grantee: iam.IGrantable, *actions: str) -> list[iam.Grant]:
        key = self.encryption_key
        if key is None:
            return []
        # Not by the key's own grant, which takes refuge in `*` where the key is in another Region.
        # Keys trust their account's policies, so the grantee's is enough.
        return [
            iam.Grant.add_to_principal(
                grantee=grantee, actions=list(actions), resource_arns=[key.key_arn]
            )
        ]


def _all(grants: Sequence[iam.Grant]) -> iam.Grant:
    first, *others = grants
    for other in others:
        first = first.combine(other)
    return first
