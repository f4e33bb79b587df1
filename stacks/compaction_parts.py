"""What the compaction stacks are composed of, in one Region or in several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Acknowledgment, Aws, Duration, RemovalPolicy, Stack, Token, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from s3leader_cdk import (
    JobFunction,
    LockBucket,
    SingletonJob,
    TakeoverOptions,
    TriggerOptions,
)
from s3leader_cdk._bucket.new_bucket import account_regional_name, reserve_name
from s3leader_cdk._election.names import checked_bucket_name
from s3leader_cdk._permissions.acknowledgments import acknowledge_object_wildcards

ELECTION = "compaction"
_RESULTS = ["compacted/term_*", "rejected/term_*"]
_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")
_CODE = Path(__file__).resolve().parent.parent / "lambda_src" / "compaction"


def removal(*, throwaway: bool) -> RemovalPolicy:
    """Return what becomes of buckets and logs when their stack goes."""
    return RemovalPolicy.DESTROY if throwaway else RemovalPolicy.RETAIN


def create_data_bucket(
    scope: Construct, removal_policy: RemovalPolicy, *, bucket_name: str | None = None
) -> s3.Bucket:
    """Make the bucket `Data` that holds events and what they are compacted into.

    A `bucket_name` is one in the account's own namespace, see `shared_bucket_name`.
    """
    bucket = s3.Bucket(
        scope,
        "Data",
        bucket_name=bucket_name,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        encryption=s3.BucketEncryption.S3_MANAGED,
        removal_policy=removal_policy,
        lifecycle_rules=[
            s3.LifecycleRule(
                id="abort-unfinished-uploads",
                abort_incomplete_multipart_upload_after=Duration.days(1),
            )
        ],
    )
    if bucket_name is not None:
        reserve_name(bucket)
    Validations.of(bucket).acknowledge(
        Acknowledgment(
            id="AwsSolutions-S1",
            reason="An example; whoever keeps real data here decides where access logs go.",
        )
    )
    return bucket


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """Names of buckets that are there already, and ARNs of the keys that encrypt them."""

    lock_bucket: str | None = None
    lock_bucket_key: str | None = None
    data_bucket: str | None = None
    data_bucket_key: str | None = None

    def __post_init__(self) -> None:
        """Refuse a key without its bucket, and what names no key or no bucket."""
        for name in ("lock_bucket", "data_bucket"):
            if getattr(self, name) is not None:
                checked_bucket_name(getattr(self, name), option=name, existing=True)
            key = getattr(self, f"{name}_key")
            if key is not None and getattr(self, name) is None:
                raise ValueError(
                    f"{name}_key {key!r} was given without {name}: name the bucket that it encrypts"
                    " too, or leave it out"
                )
            if key is not None and _KEY_ARN.fullmatch(key) is None:
                raise ValueError(
                    f"{name}_key {key!r} is not the ARN of a key: use one such as"
                    " arn:aws:kms:us-east-1:123456789012:key/… (arn:aws-cn: in China,"
                    " arn:aws-us-gov: in GovCloud), and not that of an alias"
                )


def import_bucket(
    scope: Construct, construct_id: str, name: str, *, region: str | None = None, key: str | None
) -> s3.IBucket:
    """Import a bucket of this account by its name, and its key by its ARN."""
    return s3.Bucket.from_bucket_attributes(
        scope,
        construct_id,
        bucket_name=name,
        region=region,
        encryption_key=None
        if key is None
        else kms.Key.from_key_arn(scope, f"{construct_id}Key", key),
    )


def compaction_job(
    scope: Construct,
    *,
    data: s3.IBucket,
    locks: LockBucket,
    schedule: str,
    contenders: int,
    removal_policy: RemovalPolicy,
    regions: Sequence[str] = (),
) -> SingletonJob:
    """Make the job `Compaction`, with its rights on the data."""
    environment = {"DATA_BUCKET": data.bucket_name}
    if not Token.is_unresolved(data.env.region) and data.env.region != Stack.of(scope).region:
        environment["DATA_REGION"] = data.env.region
    # Function, role and log group once were children of the job, and a changed path would replace
    # them in deployed stacks. "Default" does not count in logical ids, so that all paths below
    # "Compaction" stay as they were: docs/constructs.md, "Upgrade from flat options".
    parts = Construct(scope, "Compaction")
    function = JobFunction(
        parts,
        "Function",
        code=_CODE,
        handler="compaction.handler.handler",
        memory_size=1024,
        environment=environment,
        role=iam.Role(parts, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")),
        log_group=logs.LogGroup(
            parts, "LogGroup", retention=logs.RetentionDays.ONE_MONTH, removal_policy=removal_policy
        ),
    )
    # A Region may fail in the middle of a term, and Lambda's retries of the lost leader with it:
    # the other Region's contenders wait for its tick.
    takeover = TakeoverOptions(lease=Duration.seconds(30), wait=Duration.minutes(2))
    job = SingletonJob(
        parts,
        "Default",
        election=ELECTION,
        schedule=schedule,
        lock_bucket=locks,
        function=function,
        trigger=TriggerOptions(contenders=contenders),
        takeover=takeover if regions else None,
        regions=regions,
    )
    _grant_data(job, data)
    return job


def shared_bucket_name(kind: str, home: str) -> str:
    """Return the name of a bucket of the home Region that the stacks of others know, too.

    No other account can take it: see docs/decisions/0014.
    """
    return account_regional_name(shared_bucket_prefix(kind), Aws.ACCOUNT_ID, home)


def shared_bucket_prefix(kind: str) -> str:
    """Return what the name of such a bucket begins with."""
    return f"s3leader-compaction-{kind}"


def _grant_data(job: SingletonJob, data: s3.IBucket) -> None:
    """Inputs may be read and deleted, results written and swept, the manifest never deleted."""
    manifest, inputs, results = "compacted/manifest.json", "events/*", _RESULTS
    objects = data.arn_for_objects
    rights = {
        ("s3:GetObject", "s3:DeleteObject"): [inputs],
        ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"): results,
        ("s3:GetObject", "s3:PutObject"): [manifest],
    }
    # If the bucket is gone one day and another account takes its name, nothing goes there.
    ours = {"StringEquals": {"aws:ResourceAccount": data.env.account}}
    for actions, keys in rights.items():
        job.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=[*actions], resources=[*map(objects, keys)], conditions=ours
            )
        )
    job.function.add_to_role_policy(
        # Of a missing key, S3 says 404 and not 403 only to those who may list the bucket, and
        # no manifest yet is a normal case. AWS does not document what `s3:prefix` is in that
        # check, so there is no condition on it; only this job's data is listed anyway.
        iam.PolicyStatement(actions=["s3:ListBucket"], resources=[data.bucket_arn], conditions=ours)
    )
    if data.encryption_key is not None:
        job.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=[data.encryption_key.key_arn],
            )
        )
    acknowledge_object_wildcards(
        job.role,
        data,
        [inputs, *results],
        reason="Events, parts and reports are named as they come; the rights end at one folder"
        " each.",
    )
