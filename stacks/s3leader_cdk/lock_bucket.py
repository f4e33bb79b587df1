"""The bucket that holds the locks of any number of elections."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Annotations, Duration, IResource, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from s3leader_cdk._bucket import rules
from s3leader_cdk._bucket.encryption import EncryptionHeader, checked_header, usable_key
from s3leader_cdk._bucket.new_bucket import NewBucket
from s3leader_cdk._cdk_facts import made_in, name_of_bucket, notes_of, place_of
from s3leader_cdk._election.candidate_environment import (
    candidate_variables,
    check_has_environment,
    check_no_lease,
    set_candidate_variables,
)
from s3leader_cdk._election.names import checked_elections, checked_prefix
from s3leader_cdk._handler.check import HandlerCheck, check_function, checked_mode
from s3leader_cdk._option_types import BUCKET_OR_NAME, FUNCTION_IN_APP, checked_options
from s3leader_cdk._permissions.principals import known_to_differ
from s3leader_cdk.grants import ElectionGrants
from s3leader_cdk.runtime_layer import runtime_layer_for


class LockBucket(Construct):
    """A private bucket whose policy denies unconditional writes and deletes of locks.

    The bucket is not versioned: conditional writes need no versions. If an organization enables
    versioning, a lifecycle rule deletes old versions after a day.

    With `bucket`, an existing bucket holds the locks. A bucket of this app gets the same lifecycle
    rules and denials, for the prefix only. An imported bucket cannot be changed here and must have
    them already, for example because a `LockBucket` of a deleted stack created it.

    Children: `bucket` (with its `policy`).

    Args:
        bucket: an existing bucket to hold the locks. Default: a new bucket.
        bucket_name: the name of a new bucket, for example if other Regions need it. A change
            replaces the bucket, and a new bucket is a new ledger that begins with term 1: to move a
            ledger, see the runbook. Another account can take a global name before the bucket is
            created or after it is deleted. Default: a name by CloudFormation.
        bucket_name_prefix: the beginning of a new bucket's name in the account's own namespace,
            `<prefix>-<account>-<Region>-an`. No other account can take the name, and other Regions
            know it if the stack has an account and a Region. Some organizations allow no other
            names. Default: a global name.
        history: when a superseded lock is deleted, in whole days after its last write, at least 2.
            Choose more than the longest interval between ticks: S3 counts from the last write, so
            otherwise a lock is deleted about a day after it is superseded. The highest lock always
            stays. Not for an imported bucket. Default: 30.
        prefix: the common key prefix of all elections. Default: `elections/`.
        encryption_key: the KMS key of a new or an imported bucket; not an imported alias. Default:
            keys that S3 manages; for `bucket`, its own key.
        encryption_header: the header that candidates send with each write, for organizations that
            deny writes without it: `AES256`, or with a key `aws:kms` or `aws:kms:dsse`. Functions
            read it from their environment. Default: none; the bucket encrypts by default.
        protect: whether the bucket policy denies deletes of locks; lifecycle rules are not subject
            to it. False only for temporary stacks. Not for an imported bucket. Default: True.
        removal_policy: of a new bucket and its policy. DESTROY needs `protect=False`, and a bucket
            that was emptied first. Default: RETAIN.
        granted_elsewhere: True if you have added the statements that the error of a grant lists,
            for example for a bucket of another account. Default: False.
    """

    @checked_options(bucket=BUCKET_OR_NAME)
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - what every construct calls it
        *,
        bucket: s3.IBucket | None = None,
        bucket_name: str | None = None,
        bucket_name_prefix: str | None = None,
        history: Duration | None = None,
        prefix: str = "elections/",
        encryption_key: kms.IKey | None = None,
        encryption_header: EncryptionHeader | None = None,
        protect: bool | None = None,
        removal_policy: RemovalPolicy | None = None,
        granted_elsewhere: bool = False,
    ) -> None:
        super().__init__(scope, id)
        made_in(scope, self)
        self.prefix = checked_prefix(prefix)
        self.granted_elsewhere = granted_elsewhere
        kept = rules.checked_history(history)
        self.history: Duration | None = kept
        self.bucket: s3.IBucket
        named = {"bucket_name": bucket_name, "bucket_name_prefix": bucket_name_prefix}
        if bucket is None:
            self.bucket = NewBucket(
                **named,
                prefix=self.prefix,
                history=kept,
                key=encryption_key,
                encryption_header=encryption_header,
                removal_policy=removal_policy or RemovalPolicy.RETAIN,
                protect=protect is not False,
            ).create(self)
        elif isinstance(bucket, s3.Bucket):
            given = {**named, "encryption_key": encryption_key, "removal_policy": removal_policy}
            _check_absent(bucket, given, "is a property of that bucket")
            self.bucket = self._add_rules(bucket, history=kept, protect=protect is not False)
        else:
            given = {**named, "removal_policy": removal_policy}
            imported = {**given, "history": history, "protect": protect}
            _check_absent(bucket, imported, "cannot be changed, because that bucket is imported")
            if bucket.encryption_key is not None:
                again = {"encryption_key": encryption_key}
                _check_absent(bucket, again, "was imported with its key")
            self.history = None
            self.bucket = bucket
        key = encryption_key or self.bucket.encryption_key
        self.encryption_key = usable_key(key, self.bucket)
        self.encryption_header = checked_header(encryption_header, self.encryption_key)
        if self.history is None:
            self._describe_imported_bucket()
        if self.encryption_key is not None and not isinstance(self.encryption_key, kms.Key):
            self._describe_imported_key(self.encryption_key)

    @property
    def bucket_name(self) -> str:
        """The bucket's name, for `Election`."""
        return name_of_bucket(self.bucket)

    @checked_options()
    def grant_candidate(
        self,
        grantee: iam.IGrantable,
        *,
        election: str | None = None,
        election_prefix: str | None = None,
        lease: Duration | None = None,
        granted_elsewhere: bool = False,
    ) -> iam.Grant:
        """Let `grantee` campaign in `election`: list, get, put and tag its locks, not delete them.

        A Lambda function of this app also gets the environment variables of the election. Aliases,
        versions and imported functions are rejected, because their environment cannot be set.

        The statements go into the policies of the grantee and, if those cannot be changed or are in
        another account, of the bucket and its key. If one cannot be added here, the call raises
        `ValueError` with each missing statement and where to add it.

        Args:
            grantee: a function, role or other principal.
            election: the name of the election.
            election_prefix: instead of `election`, what the names of several elections begin with,
                such as `shard/`: all of them, with as many statements as for one. A function's code
                then names its election, for example by `@singleton(election=…)`.
            lease: how long a lock stays good, in whole seconds, from 5 s to 24 hours; for functions
                only. Default: the remaining time of the invocation and two seconds.
            granted_elsewhere: True if you have added the statements that the error of this call
                lists. Default: that of the `LockBucket`.
        """
        names = checked_elections(election, election_prefix, prefix=self.prefix)
        if isinstance(grantee, lambda_.Function):
            variables = self.candidate_environment(grantee, election=election, lease=lease)
            set_candidate_variables(grantee, self.bucket, variables, elections=names)
        else:
            check_has_environment(grantee)
            check_no_lease(lease, type(grantee).__name__)
        return self._grants(names, granted_elsewhere=granted_elsewhere).grant_candidate(grantee)

    def candidate_environment(
        self, candidate: IResource, *, election: str | None, lease: Duration | None = None
    ) -> dict[str, str]:
        """Return the environment variables that make `candidate` one of `election`."""
        return candidate_variables(
            candidate,
            self.bucket,
            prefix=self.prefix,
            election=election,
            lease=lease,
            encryption=self._encryption_variables(),
        )

    @checked_options(function=FUNCTION_IN_APP)
    def attach(
        self,
        function: lambda_.Function,
        *,
        election: str,
        lease: Duration | None = None,
        layer: lambda_.ILayerVersion | None = None,
        handler_check: HandlerCheck = "warn",
        granted_elsewhere: bool = False,
    ) -> iam.Grant:
        """Make an existing function a candidate: permissions, environment and the runtime layer.

        The function's handler must be decorated with `s3leader.aws_lambda.singleton`.

        Args:
            function: a Python function of this app.
            election: the name of the election.
            lease: how long a lock stays good, as for `grant_candidate`.
            layer: the runtime library, in the function's Region. Default: one `RuntimeLayer` that
                the functions of a stack share.
            handler_check: "error", "warn" or "off" for a handler whose source does not show whether
                it is decorated; one that is certainly not is an error. Default: "warn".
            granted_elsewhere: as for `grant_candidate`.
        """
        check_function(function, function, None, checked_mode(handler_check))
        added = runtime_layer_for(function) if layer is None else layer
        _check_layer(added, function)
        grant = self.grant_candidate(
            function, election=election, lease=lease, granted_elsewhere=granted_elsewhere
        )
        if "layered" not in (notes := notes_of(function)):
            notes["layered"] = True
            function.add_layers(added)
        return grant

    @checked_options()
    def grant_observer(
        self,
        grantee: iam.IGrantable,
        *,
        election: str | None = None,
        election_prefix: str | None = None,
        granted_elsewhere: bool = False,
    ) -> iam.Grant:
        """Let `grantee` read the ledger of `election`, and nothing else.

        `election_prefix` and the errors are those of `grant_candidate`.
        """
        names = checked_elections(election, election_prefix, prefix=self.prefix)
        return self._grants(names, granted_elsewhere=granted_elsewhere).grant_observer(grantee)

    def _grants(self, names: str, *, granted_elsewhere: bool) -> ElectionGrants:
        return ElectionGrants(
            bucket=self.bucket,
            encryption_key=self.encryption_key,
            prefix=self.prefix,
            elections=names,
            granted_elsewhere=granted_elsewhere or self.granted_elsewhere,
        )

    def _encryption_variables(self) -> dict[str, str]:
        if self.encryption_header is None:
            return {}
        variables = {"S3LEADER_ENCRYPTION": self.encryption_header}
        if self.encryption_key is not None:
            variables["S3LEADER_KMS_KEY"] = self.encryption_key.key_arn
        return variables

    def _add_rules(self, bucket: s3.Bucket, *, history: Duration, protect: bool) -> s3.Bucket:
        rules.check_prefix_is_free(bucket, self.prefix)
        rules.check_retention(bucket, history)
        if protect:
            rules.check_no_auto_delete(bucket)
        suffix = rules.statement_suffix(self.prefix)
        rules.add_lifecycle_rules(bucket, self.prefix, history)
        rules.deny_plain_http(bucket, self.prefix, suffix=suffix)
        rules.deny_unconditional_writes(bucket, self.prefix, suffix=suffix)
        if protect:
            rules.deny_deletes_of_locks(bucket, self.prefix, suffix=suffix)
        rules.retain_policy_with(bucket)
        return bucket

    def _describe_imported_bucket(self) -> None:
        Annotations.of(self).add_info(
            "the lock bucket is imported and is not changed: make sure that a lifecycle rule"
            f" deletes the objects under {self.prefix} that are tagged superseded=true after 2"
            " days or more, that its policy denies deletes of locks and writes without If-Match or"
            " If-None-Match, and that it is in the account that it was imported with, by default"
            " this stack's"
        )

    def _describe_imported_key(self, key: kms.IKey) -> None:
        Annotations.of(self).add_info(
            f"key {key.node.path} is imported: make sure that it is in the bucket's account, and"
            " that its policy delegates access to that account's IAM policies, as keys do by"
            " default, or names each candidate and observer"
        )


def _check_layer(layer: lambda_.ILayerVersion, function: lambda_.Function) -> None:
    there, here = place_of(layer).region, place_of(function).region
    if known_to_differ(there, here):
        raise ValueError(
            f"layer {layer.node.path} is in {there}, but function {function.node.path} is in"
            f" {here}: use a layer in the function's Region, or omit layer"
        )


def _check_absent(bucket: s3.IBucket, given: Mapping[str, object], why: str) -> None:
    names = [name for name, value in given.items() if value is not None]
    if names:
        raise ValueError(
            f"{' and '.join(names)} was given with bucket {bucket.node.path}, but {why}: omit it"
        )
