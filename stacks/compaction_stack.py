"""The deployable example: a bucket of data, and one job that compacts it."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Acknowledgment, CfnOutput, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from s3leader_cdk import LockBucket, SingletonJob
from s3leader_cdk.acknowledgments import acknowledge_object_wildcards

ELECTION = "compaction"
_RESULTS = ["compacted/term_*", "rejected/term_*"]
_CODE = Path(__file__).resolve().parent.parent / "lambda_src" / "compaction"


class CompactionStack(Stack):
    """Compacts small objects of a data bucket, once per tick, whoever is started how often.

    Children: `data` (bucket), `locks`, `job`.

    Args:
        scope: the app.
        id: the stack's name.
        schedule: when to compact. Default: every 5 minutes.
        contenders: how many invocations each tick starts. Default: 3.
        throwaway: nothing is protected or kept when the stack goes; empty the buckets first.
            Default: False.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - what every construct calls it
        *,
        schedule: str = "rate(5 minutes)",
        contenders: int = 3,
        throwaway: bool = False,
    ) -> None:
        super().__init__(
            scope, id, description="s3leader: singleton compaction, elected on Amazon S3"
        )
        removal_policy = RemovalPolicy.DESTROY if throwaway else RemovalPolicy.RETAIN
        self.data = self._create_data_bucket(removal_policy)
        self.locks = LockBucket(self, "Locks", protect=not throwaway, removal_policy=removal_policy)
        self.job = SingletonJob(
            self,
            "Compaction",
            election=ELECTION,
            code=_CODE,
            handler="compaction.handler.handler",
            schedule=schedule,
            lock_bucket=self.locks,
            contenders=contenders,
            memory_size=1024,
            environment={"DATA_BUCKET": self.data.bucket_name},
            removal_policy=removal_policy,
        )
        self._grant_data()
        CfnOutput(self, "LockBucketName", value=self.locks.bucket_name)
        CfnOutput(self, "DataBucketName", value=self.data.bucket_name)
        CfnOutput(self, "FunctionName", value=self.job.function.function_name)
        CfnOutput(self, "ElectionName", value=ELECTION)

    def _create_data_bucket(self, removal_policy: RemovalPolicy) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Data",
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
        Validations.of(bucket).acknowledge(
            Acknowledgment(
                id="AwsSolutions-S1",
                reason="An example; whoever keeps real data here decides where access logs go.",
            )
        )
        return bucket

    def _grant_data(self) -> None:
        """Inputs may be read and deleted, results written and swept, the manifest never deleted."""
        manifest, inputs, results = "compacted/manifest.json", "events/*", _RESULTS
        objects = self.data.arn_for_objects
        rights = {
            ("s3:GetObject", "s3:DeleteObject"): [inputs],
            ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"): results,
            ("s3:GetObject", "s3:PutObject"): [manifest],
        }
        for actions, keys in rights.items():
            self.job.role.add_to_principal_policy(
                iam.PolicyStatement(actions=[*actions], resources=[*map(objects, keys)])
            )
        self.job.role.add_to_principal_policy(
            # Of a missing key, S3 says 404 and not 403 only to those who may list the bucket, and
            # no manifest yet is a normal case. AWS does not document what `s3:prefix` is in that
            # check, so there is no condition on it; only this job's data is listed anyway.
            iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.data.bucket_arn])
        )
        acknowledge_object_wildcards(
            self.job.role,
            self.data,
            [inputs, *results],
            reason="Events, parts and reports are named as they come; the rights end at one folder"
            " each.",
        )
