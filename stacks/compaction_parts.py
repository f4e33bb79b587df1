"""The parts of the compaction stacks, in one Region or in several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, Token, Validations
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
from s3leader_cdk._bucket.new_bucket import reserve_name
from s3leader_cdk._election.names import checked_bucket_name
from s3leader_cdk._permissions.acknowledgments import acknowledge_object_wildcards

ELECTION = "compaction"
_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")
_CODE = Path(__file__).resolve().parent.parent / "lambda_src" / "compaction"


@dataclass(frozen=True, kw_only=True)
class ExistingBuckets:
    """Names of buckets that exist already, and ARNs of the KMS keys that encrypt them."""

    lock_bucket: str | None = None
    lock_bucket_key: str | None = None
    data_bucket: str | None = None
    data_bucket_key: str | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for a key without its bucket, and for invalid names and ARNs."""
        for name in ("lock_bucket", "data_bucket"):
            bucket, key = getattr(self, name), getattr(self, f"{name}_key")
            if bucket is not None:
                checked_bucket_name(bucket, option=name, existing=True)
            if key is not None and bucket is None:
                raise ValueError(
                    f"{name}_key {key!r} was given without {name}: give the bucket that it encrypts"
                    " too, or leave it out"
                )
            if key is not None and _KEY_ARN.fullmatch(key) is None:
                raise ValueError(
                    f"{name}_key {key!r} is not the ARN of a key: use one such as"
                    " arn:aws:kms:us-east-1:123456789012:key/… (arn:aws-cn: in China,"
                    " arn:aws-us-gov: in GovCloud), and not that of an alias"
                )


@dataclass(frozen=True, kw_only=True)
class CompactionOptions:
    """What can be chosen about the example.

    Args:
        schedule: when to compact. Default: every 5 minutes.
        contenders: how many invocations each tick starts in each Region. Default: 3.
        throwaway: nothing is protected or kept when the stack is deleted; empty the buckets first.
            Default: False.
        history: how long superseded locks are kept. Default: that of `LockBucket`.
        existing: buckets that exist already, such as those that outlived their stack. Default: new
            buckets.
    """

    schedule: str = "rate(5 minutes)"
    contenders: int = 3
    throwaway: bool = False
    history: Duration | None = None
    existing: ExistingBuckets = ExistingBuckets()

    @property
    def removal_policy(self) -> RemovalPolicy:
        """What happens to buckets and logs when their stack is deleted."""
        return RemovalPolicy.DESTROY if self.throwaway else RemovalPolicy.RETAIN


def create_data_bucket(
    scope: Construct, removal_policy: RemovalPolicy, *, bucket_name: str | None = None
) -> s3.Bucket:
    """Create the bucket `Data` for events and for what they are compacted into.

    A `bucket_name` is in the account's own namespace.
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
            reason="An example; with real data, choose where access logs go.",
        )
    )
    return bucket


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
    options: CompactionOptions,
    regions: Sequence[str] = (),
) -> SingletonJob:
    """Create the job `Compaction`, with its rights on the data."""
    environment = {"DATA_BUCKET": data.bucket_name}
    if not Token.is_unresolved(data.env.region) and data.env.region != Stack.of(scope).region:
        environment["DATA_REGION"] = data.env.region
    # In deployed stacks function, role and log group are children of "Compaction"; a changed path
    # would replace them. "Default" does not count in logical ids, so the job keeps its paths, too:
    # see docs/constructs.md, "Upgrade from flat options".
    parts = Construct(scope, "Compaction")
    function = JobFunction(
        parts,
        "Function",
        code=_CODE,
        handler="compaction.handler.handler",
        # A whole vCPU, as much as Python's threads can use: small objects are bound by the CPU, so
        # with less memory, and so less CPU, the same work takes longer for about the same price.
        memory_size=1769,
        environment=environment,
        role=iam.Role(parts, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")),
        log_group=logs.LogGroup(
            parts,
            "LogGroup",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=options.removal_policy,
        ),
    )
    # A Region may fail in the middle of a term, and Lambda's retries of the lost leader with it:
    # the other Region's contenders wait for its tick.
    takeover = TakeoverOptions(lease=Duration.seconds(30), wait=Duration.minutes(2))
    job = SingletonJob(
        parts,
        "Default",
        election=ELECTION,
        schedule=options.schedule,
        lock_bucket=locks,
        function=function,
        trigger=TriggerOptions(contenders=options.contenders),
        takeover=takeover if regions else None,
        regions=regions,
    )
    _grant_data(job, data)
    return job


def _grant_data(job: SingletonJob, data: s3.IBucket) -> None:
    """Allow reading and deleting inputs, writing and deleting results, and writing the manifest."""
    inputs, results = "events/*", ["compacted/term_*", "rejected/term_*"]
    rights = {
        ("s3:GetObject", "s3:DeleteObject"): [inputs],
        ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"): results,
        ("s3:GetObject", "s3:PutObject"): ["compacted/manifest.json"],
    }
    # If the bucket is deleted and another account takes its name, nothing is written there.
    ours = {"StringEquals": {"aws:ResourceAccount": data.env.account}}
    for actions, keys in rights.items():
        job.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=[*actions], resources=[*map(data.arn_for_objects, keys)], conditions=ours
            )
        )
    job.function.add_to_role_policy(
        # For a missing key, S3 answers 404 instead of 403 only if the caller may list the bucket,
        # and a missing manifest is a normal case. AWS does not document what `s3:prefix` is in that
        # check, so there is no condition on it; the bucket contains only this job's data.
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
        reason="The names of events, parts and reports are not known before; each pattern is"
        " limited to one folder.",
    )
