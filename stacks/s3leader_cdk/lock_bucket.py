"""The bucket that holds the locks of any number of elections."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Annotations, Duration, RemovalPolicy, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from s3leader_cdk._bucket import rules
from s3leader_cdk._bucket.encryption import EncryptionHeader, checked_header, usable_key
from s3leader_cdk._bucket.new_bucket import OwnBucket
from s3leader_cdk._election.candidate_environment import check_can_be_told, refuse_lease, tell
from s3leader_cdk._election.names import checked_election, checked_prefix
from s3leader_cdk._handler.check import HandlerCheck, check_function, checked_mode
from s3leader_cdk._option_types import OWN_FUNCTION, OWN_OR_EXISTING, checked_options
from s3leader_cdk.grants import ElectionRights
from s3leader_cdk.runtime_layer import runtime_layer_for

_LAYERED = "s3leader:layered"


class LockBucket(Construct):
    """A private bucket in which no lock can be overwritten blindly or deleted by anyone.

    Not versioned on purpose: conditional writes need no versions. Where an organization switches
    them on all the same, a lifecycle rule deletes old versions after a day.

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
            begins with term 1: to move, see the runbook. Anybody can take a global name first, or
            once the bucket is gone. Default: a name by CloudFormation.
        bucket_name_prefix: of a bucket of its own in the account's own namespace, whose name is
            `<prefix>-<account>-<Region>-an`: no other account can take it, and other Regions know
            it if the stack has an account and a Region. Some organizations allow no other names.
            Default: a global name.
        history: when a superseded lock is deleted, in whole days after its last write, at least
            2. S3 counts from that write and not from when the lock was superseded, so where ticks
            are further apart than this, a lock goes within a day or so of being superseded: choose
            more than the longest interval between ticks if the last entries of the ledger are to
            be seen. The highest lock always stays. Not for an imported bucket. Default: 30.
        prefix: what all keys of all elections start with. Default: `elections/`.
        encryption_key: encrypts the objects of a bucket of its own, or says what encrypts those of
            an imported one; no alias that is imported. Default: keys that S3 manages; for `bucket`,
            its own key.
        encryption_header: what candidates send in each write, where an organization denies writes
            without it: `AES256`, or `aws:kms` or `aws:kms:dsse` with the key. Functions read them
            in their environment. Default: none; the bucket encrypts by itself.
        protect: deny everyone to delete a lock; lifecycle rules are not subject to that.
            Switch it off for throw-away stacks only. Not for an imported bucket. Default: True.
        removal_policy: what becomes of a bucket of its own, and of its policy, when the stack
            goes. DESTROY asks for `protect=False`, and for a bucket that was emptied first.
            Default: RETAIN.
        granted_elsewhere: where a grant cannot write all the rights that are needed, as for a
            bucket of another account, it raises an error that names the rest; True says that the
            rest is there. Default: False.
    """

    @checked_options(bucket=OWN_OR_EXISTING)
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
        self.prefix = checked_prefix(prefix)
        self.granted_elsewhere = granted_elsewhere
        kept = rules.checked_history(history)
        self.history: Duration | None = kept
        self.bucket: s3.IBucket
        named = {"bucket_name": bucket_name, "bucket_name_prefix": bucket_name_prefix}
        if bucket is None:
            self.bucket = OwnBucket(
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
            _refuse(bucket, given, "belongs to the code that makes that bucket")
            self.bucket = self._guard(bucket, history=kept, protect=protect is not False)
        else:
            given = {**named, "removal_policy": removal_policy}
            imported = {**given, "history": history, "protect": protect}
            _refuse(bucket, imported, "cannot be set from here, as that bucket is imported")
            if bucket.encryption_key is not None:
                again = {"encryption_key": encryption_key}
                _refuse(bucket, again, "was imported with its key")
            self.history = None
            self.bucket = bucket
        key = encryption_key or self.bucket.encryption_key
        self.encryption_key = usable_key(key, self.bucket)
        self.encryption_header = checked_header(encryption_header, self.encryption_key)
        if self.history is None:
            self._say_what_an_imported_bucket_needs()
        if self.encryption_key is not None and not isinstance(self.encryption_key, kms.Key):
            self._say_what_an_imported_key_needs(self.encryption_key)

    @property
    def bucket_name(self) -> str:
        """The bucket's name, as `Election` wants it."""
        return self.bucket.bucket_name

    @property
    def bucket_arn(self) -> str:
        """The bucket's ARN."""
        return self.bucket.bucket_arn

    @checked_options()
    def grant_candidate(
        self,
        grantee: iam.IGrantable,
        *,
        election: str,
        lease: Duration | None = None,
        granted_elsewhere: bool = False,
    ) -> iam.Grant:
        """Let `grantee` campaign in `election`: list, get, put and tag its locks, not delete.

        A Lambda function made in this app is also told, in its environment, where to campaign.
        Aliases, versions and imported functions cannot be told, and are refused.

        All that is needed is granted: in the policies of the grantee and, where those are out of
        reach or in another account, of the bucket and its key. What cannot be written from here is
        an error that names each missing statement and its place.

        Args:
            grantee: a function, role or other principal.
            election: the name of the election.
            lease: how long a lock stays good, in whole seconds, from 5 s to 24 hours; for functions
                only. Default: the remaining time of the invocation and two seconds.
            granted_elsewhere: the statements that the error of this call names have been added
                there. Default: as the `LockBucket` has it.
        """
        rights = self._rights(election, granted_elsewhere=granted_elsewhere)
        if isinstance(grantee, lambda_.Function):
            tell(
                grantee,
                self.bucket,
                prefix=self.prefix,
                election=election,
                lease=lease,
                encryption=self._encryption_variables(),
            )
        else:
            check_can_be_told(grantee)
            refuse_lease(lease, type(grantee).__name__)
        return rights.grant_candidate(grantee)

    @checked_options(function=OWN_FUNCTION)
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
        """Make a function that exists already a candidate: rights, environment and the runtime.

        Its handler then only has to be decorated with `s3leader.aws_lambda.singleton`.

        Args:
            function: a Python function made in this app.
            election: the name of the election.
            lease: how long a lock stays good, as for `grant_candidate`.
            layer: the runtime library, in the function's Region. Default: one `RuntimeLayer`,
                shared by the functions of a stack.
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
        if not any(each.type == _LAYERED for each in function.node.metadata):
            function.node.add_metadata(_LAYERED, added.node.path)
            function.add_layers(added)
        return grant

    @checked_options()
    def grant_observer(
        self, grantee: iam.IGrantable, *, election: str, granted_elsewhere: bool = False
    ) -> iam.Grant:
        """Let `grantee` read the ledger of `election`, and nothing else.

        All of it, or an error says what is missing where, as for `grant_candidate`.
        """
        return self._rights(election, granted_elsewhere=granted_elsewhere).grant_observer(grantee)

    def _rights(self, election: str, *, granted_elsewhere: bool) -> ElectionRights:
        return ElectionRights(
            bucket=self.bucket,
            encryption_key=self.encryption_key,
            prefix=self.prefix,
            election=checked_election(election, prefix=self.prefix),
            granted_elsewhere=granted_elsewhere or self.granted_elsewhere,
        )

    def _encryption_variables(self) -> dict[str, str]:
        if self.encryption_header is None:
            return {}
        variables = {"S3LEADER_ENCRYPTION": self.encryption_header}
        if self.encryption_key is not None:
            variables["S3LEADER_KMS_KEY"] = self.encryption_key.key_arn
        return variables

    def _guard(self, bucket: s3.Bucket, *, history: Duration, protect: bool) -> s3.Bucket:
        rules.check_alone(bucket, self.prefix)
        rules.check_retention(bucket, history)
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
            " If-Match or If-None-Match, as a LockBucket with a bucket of its own does. It has to"
            " be in the account that it was imported with, by default this stack's"
        )

    def _say_what_an_imported_key_needs(self, key: kms.IKey) -> None:
        Annotations.of(self).add_info(
            f"key {key.node.path} is imported: see to it that it is in the bucket's account, and"
            " that its policy leaves it to that account's policies who may use it, as keys do by"
            " default; or let it name each candidate and observer"
        )


def _check_layer(layer: lambda_.ILayerVersion, function: lambda_.Function) -> None:
    there, here = layer.env.region, function.env.region
    known = not Token.is_unresolved(there) and not Token.is_unresolved(here)
    if known and there != here:
        raise ValueError(
            f"layer {layer.node.path} is in {there}, but function {function.node.path} is in"
            f" {here}: Lambda takes layers of the function's own Region only. Use one there, or"
            " leave layer out"
        )


def _refuse(bucket: s3.IBucket, given: Mapping[str, object], why: str) -> None:
    names = [name for name, value in given.items() if value is not None]
    if names:
        raise ValueError(
            f"{' and '.join(names)} was given beside bucket {bucket.node.path}, but {why}: leave"
            " it out"
        )
