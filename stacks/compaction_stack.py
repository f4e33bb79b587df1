"""The deployable example in one Region: a bucket of data, and one job that compacts it."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from compaction_parts import ELECTION, compaction_job, create_data_bucket, removal
from s3leader_cdk import LockBucket


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
        history: how long superseded locks are kept. Default: as `LockBucket` has it.
        lock_bucket: the name of a lock bucket that is there already, such as one that outlived its
            stack. Default: one of its own.
        data_bucket: the name of a data bucket that is there already. Default: one of its own.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - what every construct calls it
        *,
        schedule: str = "rate(5 minutes)",
        contenders: int = 3,
        throwaway: bool = False,
        history: Duration | None = None,
        lock_bucket: str | None = None,
        data_bucket: str | None = None,
    ) -> None:
        super().__init__(
            scope, id, description="s3leader: singleton compaction, elected on Amazon S3"
        )
        removal_policy = removal(throwaway=throwaway)
        self.data: s3.IBucket = (
            create_data_bucket(self, removal_policy)
            if data_bucket is None
            else s3.Bucket.from_bucket_name(self, "Data", data_bucket)
        )
        self.locks = self._locks(lock_bucket, history, removal_policy)
        self.job = compaction_job(
            self,
            data=self.data,
            locks=self.locks,
            schedule=schedule,
            contenders=contenders,
            removal_policy=removal_policy,
        )
        CfnOutput(self, "LockBucketName", value=self.locks.bucket_name)
        CfnOutput(self, "DataBucketName", value=self.data.bucket_name)
        CfnOutput(self, "FunctionName", value=self.job.function.function_name)
        CfnOutput(self, "ElectionName", value=ELECTION)

    def _locks(
        self, existing: str | None, history: Duration | None, removal_policy: RemovalPolicy
    ) -> LockBucket:
        if existing is None:
            kept = removal_policy is RemovalPolicy.RETAIN
            return LockBucket(
                self, "Locks", history=history, protect=kept, removal_policy=removal_policy
            )
        bucket = s3.Bucket.from_bucket_name(self, "ExistingLocks", existing)
        return LockBucket(self, "Locks", bucket=bucket, history=history)
