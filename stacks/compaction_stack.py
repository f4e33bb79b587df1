"""The deployable example in one Region: a bucket of data, and one job that compacts it."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from compaction_parts import (
    ELECTION,
    Adopted,
    compaction_job,
    create_data_bucket,
    import_bucket,
    removal,
)
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
        adopted: buckets that are there already, such as those that outlived their stack. Default:
            buckets of its own.
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
        adopted: Adopted | None = None,
    ) -> None:
        super().__init__(
            scope, id, description="s3leader: singleton compaction, elected on Amazon S3"
        )
        removal_policy, there = removal(throwaway=throwaway), adopted or Adopted()
        self.data: s3.IBucket = (
            create_data_bucket(self, removal_policy)
            if there.data_bucket is None
            else import_bucket(self, "Data", there.data_bucket, key=there.data_bucket_key)
        )
        self.locks = self._locks(there, history, removal_policy)
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
        self, there: Adopted, history: Duration | None, removal_policy: RemovalPolicy
    ) -> LockBucket:
        if there.lock_bucket is None:
            kept = removal_policy is RemovalPolicy.RETAIN
            return LockBucket(
                self, "Locks", history=history, protect=kept, removal_policy=removal_policy
            )
        key = there.lock_bucket_key
        bucket = import_bucket(self, "ExistingLocks", there.lock_bucket, key=key)
        return LockBucket(self, "Locks", bucket=bucket, history=history)
