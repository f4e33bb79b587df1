"""The bucket that holds the locks of any number of elections."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Annotations, Duration, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from s3leader_cdk import bucket_rules as rules
from s3leader_cdk.handler_check import HandlerCheck, check_function, checked_mode
from s3leader_cdk.names import checked_election, checked_prefix
from s3leader_cdk.rights import ElectionRights
from s3leader_cdk.runtime_layer import runtime_layer_for
from s3leader_cdk.telling import check_can_be_told, refuse_lease, tell

_LAYERED = "s3leader:layered"


class LockBucket(Construct):
    """A private bucket in which no lock can be overwritten blindly or deleted by anyone.

    Not versioned on purpose: conditional writes need no versions, and the lifecycle rule would
    leave delete markers and noncurrent locks behind where it now deletes.

    With `bucket`, the locks move into one that exists already. If this app makes that bucket, it
    gets the same rules and denials, for the prefix alone. If it is imported, nothing about it can
    be changed from here: it has to have them already, as one that a `LockBucket` once made and
    that outlived its stack does.

    Children: `bucket` (with its `policy`).

    Args:
        scope: the parent.
        id: the construct's id within it.
        bucket: holds the locks. Default: a bucket of its own.
        bucket_name: of a bucket of its own, such as one that other Regions have to know. To name,
            rename or unname a bucket is to replace it, and a new bucket is a new ledger that
            begins with term 1: to move, see the runbook. Default: a name by CloudFormation.
        history: when a superseded lock is deleted, in whole days after its last write, at least
            2. S3 counts from that write and not from when the lock was superseded, so where ticks
            are further apart than this, a lock goes within a day or so of being superseded: choose
            more than the longest interval between ticks if the last entries of the ledger are to
            be seen. The highest lock always stays. Not for an imported bucket. Default: 30.
        prefix: what all keys of all elections start with. Default: `elections/`.
        encryption_key: encrypts the objects of a bucket of its own. Default: keys that S3 manages;
            for `bucket`, its own key.
        protect: deny everyone to delete a lock; lifecycle rules are not subject to that.
            Switch it off for throw-away stacks only. Not for an imported bucket. Default: True.
        removal_policy: what becomes of a bucket of its own, and of its policy, when the stack
            goes. DESTROY asks for `protect=False`, and for a bucket that was emptied first.
            Default: RETAIN.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - what every construct calls it
        *,
        bucket: s3.IBucket | None = None,
        bucket_name: str | None = None,
        history: Duration | None = None,
        prefix: str = "elections/",
        encryption_key: kms.IKey | None = None,
        protect: bool | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.prefix = checked_prefix(prefix)
        of_its_own = {
            "bucket_name": bucket_name,
            "encryption_key": encryption_key,
            "removal_policy": removal_policy,
        }
        kept = rules.checked_history(history)
        self.history: Duration | None = kept
        self.bucket: s3.IBucket
        if bucket is None:
            self.bucket = self._create(
                history=kept,
                bucket_name=bucket_name,
                key=encryption_key,
                removal_policy=removal_policy or RemovalPolicy.RETAIN,
                protect=protect is not False,
            )
        elif isinstance(bucket, s3.Bucket):
            _refuse(bucket, of_its_own, "belongs to whoever makes that bucket")
            self.bucket = self._guard(bucket, history=kept, protect=protect is not False)
        else:
            if encryption_key is not None:
                raise ValueError(
                    f"encryption_key was given beside bucket {bucket.node.path}: import the bucket"
                    " with it, Bucket.from_bucket_attributes(…, encryption_key=…)"
                )
            imported = {**of_its_own, "history": history, "protect": protect}
            _refuse(bucket, imported, "cannot be set from here, as that bucket is imported")
            self.history = None
            self.bucket = bucket
            self._say_what_an_imported_bucket_needs()
        self.encryption_key = self.bucket.encryption_key

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
            lease: how long a lock stays good, in whole seconds, from 5 s to 24 hours; for functions
                only. Default: the remaining time of the invocation and two seconds.
        """
        rights = self._rights(election)
        if isinstance(grantee, lambda_.Function):
            tell(grantee, self.bucket, prefix=self.prefix, election=election, lease=lease)
        else:
            check_can_be_told(grantee)
            refuse_lease(lease, type(grantee).__name__)
        return rights.grant_candidate(grantee)

    def attach(
        self,
        function: lambda_.Function,
        *,
        election: str,
        lease: Duration | None = None,
        layer: lambda_.ILayerVersion | None = None,
        handler_check: HandlerCheck = "warn",
    ) -> iam.Grant:
        """Make a function that exists already a candidate: rights, environment and the runtime.

        Its handler then only has to be decorated with `s3leader.aws_lambda.singleton`.

        Args:
            function: a Python function made in this app.
            election: the name of the election.
            lease: how long a lock stays good, as for `grant_candidate`.
            layer: the runtime library. Default: one `RuntimeLayer`, shared by the functions of a
                stack.
            handler_check: "error", "warn" or "off" for a handler whose source does not show whether
                it is decorated; one that is certainly not is an error. Default: "warn".
        """
        check_function(function, function, None, checked_mode(handler_check))
        added = runtime_layer_for(function) if layer is None else layer
        grant = self.grant_candidate(function, election=election, lease=lease)
        if not any(each.type == _LAYERED for each in function.node.metadata):
            function.node.add_metadata(_LAYERED, added.node.path)
            function.add_layers(added)
        return grant

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

    def _create(
        self,
        *,
        history: Duration,
        bucket_name: str | None,
        key: kms.IKey | None,
        removal_policy: RemovalPolicy,
        protect: bool,
    ) -> s3.Bucket:
        _check_removal(removal_policy, protect=protect)
        bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=bucket_name,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=None if key is None else True,
            versioned=False,
            removal_policy=removal_policy,
            lifecycle_rules=rules.lifecycle_rules(self.prefix, history),
        )
        rules.deny_unconditional_writes(bucket, self.prefix)
        if protect:
            rules.deny_deletes_of_locks(bucket, self.prefix)
        if bucket.policy is not None:
            # A bucket that outlives its stack must not lose what guards the locks in it.
            bucket.policy.apply_removal_policy(removal_policy)
        Validations.of(bucket).acknowledge(
            Acknowledgment(
                id="AwsSolutions-S1",
                reason="The ledger itself records who led, when and why; server access logs"
                " would need a second bucket and say less. CloudTrail data events can be added.",
            )
        )
        return bucket

    def _guard(self, bucket: s3.Bucket, *, history: Duration, protect: bool) -> s3.Bucket:
        rules.check_alone(bucket, self.prefix)
        if protect:
            rules.check_not_emptied(bucket)
        suffix = rules.suffix_of(self.prefix)
        rules.add_lifecycle_rules(bucket, self.prefix, history)
        rules.deny_plain_http(bucket, self.prefix, suffix=suffix)
        rules.deny_unconditional_writes(bucket, self.prefix, suffix=suffix)
        if protect:
            rules.deny_deletes_of_locks(bucket, self.prefix, suffix=suffix)
        rules.keep_policy_as_long_as(bucket)
        return bucket

    def _say_what_an_imported_bucket_needs(self) -> None:
        Annotations.of(self).add_info(
            f"the lock bucket is imported and stays as it is: see to it that a lifecycle rule"
            f" deletes the objects under {self.prefix} that are tagged superseded=true, after 2"
            " days or more, and that its policy denies deletes of locks and writes without"
            " If-Match or If-None-Match, as a LockBucket with a bucket of its own does"
        )


def _refuse(bucket: s3.IBucket, given: Mapping[str, object], why: str) -> None:
    names = [name for name, value in given.items() if value is not None]
    if names:
        raise ValueError(
            f"{' and '.join(names)} was given beside bucket {bucket.node.path}, but {why}: leave"
            " it out"
        )


def _check_removal(removal_policy: RemovalPolicy, *, protect: bool) -> None:
    if protect and removal_policy is RemovalPolicy.DESTROY:
        raise ValueError(
            "removal_policy DESTROY cannot be used while locks are protected from deletes, because"
            " the bucket could not be emptied: pass protect=False too, or keep RETAIN"
        )
