"""The bucket that holds the locks of any number of elections."""

from __future__ import annotations

from typing import cast

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from s3leader_cdk.names import checked_election, checked_prefix
from s3leader_cdk.rights import SUPERSEDED_TAG, SUPERSEDED_VALUE, ElectionRights

# R7 rests on this: no lock is deleted within an hour of its last write. A rule of one day would do
# on paper; two leave room for how S3 rounds days.
_SHORTEST_HISTORY_DAYS = 2


class LockBucket(Construct):
    """A private bucket in which no lock can be overwritten blindly or deleted by anyone.

    Not versioned on purpose: conditional writes need no versions, and the lifecycle rule would
    leave delete markers and noncurrent locks behind where it now deletes.

    Children: `bucket` (with its `policy`).

    Args:
        scope: the parent.
        id: the construct's id within it.
        history: when a superseded lock is deleted, in whole days after its last write, at least
            2. S3 counts from that write and not from when the lock was superseded, so where ticks
            are further apart than this, a lock goes within a day or so of being superseded: choose
            more than the longest interval between ticks if the last entries of the ledger are to
            be seen. The highest lock always stays. Default: 30.
        prefix: what all keys of all elections start with. Default: `elections/`.
        encryption_key: encrypts the objects. Default: keys that S3 manages.
        protect: deny everyone to delete a lock; lifecycle rules are not subject to that.
            Switch it off for throw-away stacks only. Default: True.
        removal_policy: what becomes of the bucket when the stack goes. DESTROY asks for
            `protect=False`, and for a bucket that was emptied first. Default: RETAIN.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - what every construct calls it
        *,
        history: Duration | None = None,
        prefix: str = "elections/",
        encryption_key: kms.IKey | None = None,
        protect: bool = True,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        super().__init__(scope, id)
        self.prefix = checked_prefix(prefix)
        self.history = _checked_history(history)
        _check_removal(removal_policy, protect=protect)
        self.encryption_key = encryption_key
        self._elections: dict[str, str] = {}
        self.bucket = self._create_bucket(removal_policy)
        self._deny_unconditional_writes()
        if protect:
            self._deny_deletes_of_locks()
        Validations.of(self.bucket).acknowledge(
            Acknowledgment(
                id="AwsSolutions-S1",
                reason="The ledger itself records who led, when and why; server access logs"
                " would need a second bucket and say less. CloudTrail data events can be added.",
            )
        )

    @property
    def bucket_name(self) -> str:
        """The bucket's name, as `Election` wants it."""
        return self.bucket.bucket_name

    @property
    def bucket_arn(self) -> str:
        """The bucket's ARN."""
        return self.bucket.bucket_arn

    def grant_candidate(
        self, grantee: iam.IGrantable, *, election: str, lease: Duration | None = None
    ) -> iam.Grant:
        """Let `grantee` campaign in `election`: list, get, put and tag its locks, not delete.

        A Lambda function made in this app is also told, in its environment, where to campaign.
        Aliases, versions and imported functions cannot be told, and are refused.

        Args:
            grantee: a function, role or other principal.
            election: the name of the election.
            lease: how long a lock stays good, in whole seconds, at most 24 hours; for functions
                only. Default: the remaining time of the invocation and two seconds.
        """
        rights = self._rights(election)
        if isinstance(grantee, lambda_.Function):
            self._tell(grantee, election=election, lease=lease)
        elif hasattr(grantee, "function_arn"):  # any IFunction; jsii cannot ask for interfaces
            raise ValueError(_cannot_be_told(cast("lambda_.IFunction", grantee)))
        elif lease is not None:
            raise ValueError(
                f"lease {_seconds(lease):g} s was given for a {type(grantee).__name__}, which has"
                " no environment: pass lease to its Election instead"
            )
        return rights.grant_candidate(grantee)

    def grant_observer(self, grantee: iam.IGrantable, *, election: str) -> iam.Grant:
        """Let `grantee` read the ledger of `election`, and nothing else."""
        return self._rights(election).grant_observer(grantee)

    def _rights(self, election: str) -> ElectionRights:
        return ElectionRights(
            bucket=self.bucket,
            encryption_key=self.encryption_key,
            prefix=self.prefix,
            election=checked_election(election, prefix=self.prefix),
        )

    def _tell(self, function: lambda_.Function, *, election: str, lease: Duration | None) -> None:
        before = self._elections.setdefault(function.node.path, election)
        if before != election:
            raise ValueError(
                f"function {function.node.path} is a candidate of {before!r} already and cannot"
                f" be one of {election!r} too: its environment names one election. Use a function"
                " for each, or grant to its role and construct Election in the code"
            )
        function.add_environment("S3LEADER_BUCKET", self.bucket_name)
        function.add_environment("S3LEADER_ELECTION", election)
        function.add_environment("S3LEADER_PREFIX", self.prefix)
        if lease is not None:
            function.add_environment("S3LEADER_LEASE_SECONDS", str(checked_lease_seconds(lease)))

    def _create_bucket(self, removal_policy: RemovalPolicy) -> s3.Bucket:
        customer_key = self.encryption_key is not None
        return s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            encryption=s3.BucketEncryption.KMS if customer_key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=self.encryption_key,
            bucket_key_enabled=True if customer_key else None,
            versioned=False,
            removal_policy=removal_policy,
            lifecycle_rules=[
                # By tag alone, never by age: the highest lock is untagged however old (R6).
                s3.LifecycleRule(
                    id="delete-superseded-locks",
                    prefix=self.prefix,
                    tag_filters={SUPERSEDED_TAG: SUPERSEDED_VALUE},
                    expiration=self.history,
                ),
                s3.LifecycleRule(
                    id="abort-unfinished-uploads",
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                ),
            ],
        )

    def _deny_unconditional_writes(self) -> None:
        # Both keys in one Null block are joined by AND: a write with either header passes.
        # The first request of a multipart upload can carry neither, and is not exempted by
        # `s3:ObjectCreationOperation`: there are none under the prefix. Copies are puts here.
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="DenyUnconditionalWrites",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=[self.bucket.arn_for_objects(f"{self.prefix}*")],
                conditions={"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}},
            )
        )

    def _deny_deletes_of_locks(self) -> None:
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="DenyDeletesOfLocks",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:DeleteObject", "s3:DeleteObjectVersion"],
                resources=[self.bucket.arn_for_objects(f"{self.prefix}*/lock_*")],
            )
        )


def checked_lease_seconds(lease: Duration) -> int:
    """Return the seconds of `lease` if locks may ask for it, else raise `ValueError`."""
    seconds = _seconds(lease)
    if seconds != int(seconds) or not 1 <= seconds <= 86_400:
        raise ValueError(f"lease {seconds:g} s cannot be used: give whole seconds, from 1 to 86400")
    return int(seconds)


def _cannot_be_told(function: lambda_.IFunction) -> str:
    for kind, its_class in (("alias", lambda_.Alias), ("version", lambda_.Version)):
        if isinstance(function, its_class):
            return (
                f"{kind} {function.node.path} cannot be told in its environment where to campaign:"
                f" grant to the function itself, whose role and environment the {kind} shares"
            )
    return (
        f"function {function.node.path} is imported, or no lambda_.Function for another reason,"
        " and cannot be told in its environment where to campaign: grant to its role, and set"
        " S3LEADER_BUCKET, S3LEADER_ELECTION and S3LEADER_PREFIX where the function is defined"
    )


def _seconds(duration: Duration) -> float:
    return float(duration.to_milliseconds()) / 1000


def _checked_history(history: Duration | None) -> Duration:
    if history is None:
        return Duration.days(30)
    days = float(history.to_days(integral=False))
    if days < _SHORTEST_HISTORY_DAYS or days != int(days):
        raise ValueError(
            f"history of {days:g} days cannot be used: give whole days, and at least"
            f" Duration.days({_SHORTEST_HISTORY_DAYS}), so that no lock is deleted while a"
            " candidate may still rest on it"
        )
    return Duration.days(int(days))


def _check_removal(removal_policy: RemovalPolicy, *, protect: bool) -> None:
    if protect and removal_policy is RemovalPolicy.DESTROY:
        raise ValueError(
            "removal_policy DESTROY cannot be used while locks are protected from deletes, because"
            " the bucket could not be emptied: pass protect=False too, or keep RETAIN"
        )
