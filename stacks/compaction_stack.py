"""The deployable example in one Region: a data bucket, and one job that compacts it."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from compaction_parts import (
    ELECTION,
    CompactionOptions,
    compaction_job,
    create_data_bucket,
    import_bucket,
)
from s3leader_cdk import LockBucket


class CompactionStack(Stack):
    """Compacts the small objects of a data bucket, once per tick.

    Children: `data` (bucket), `locks`, `job`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the name that every construct uses
        *,
        options: CompactionOptions,
    ) -> None:
        super().__init__(
            scope, id, description="s3leader: singleton compaction, elected on Amazon S3"
        )
        existing = options.existing
        self.data: s3.IBucket = (
            create_data_bucket(self, options.removal_policy)
            if existing.data_bucket is None
            else import_bucket(self, "Data", existing.data_bucket, key=existing.data_bucket_key)
        )
        self.locks = self._locks(options)
        self.job = compaction_job(self, data=self.data, locks=self.locks, options=options)
        CfnOutput(self, "LockBucketName", value=self.locks.bucket_name)
        CfnOutput(self, "DataBucketName", value=self.data.bucket_name)
        CfnOutput(self, "FunctionName", value=self.job.function.function_name)
        CfnOutput(self, "ElectionName", value=ELECTION)

    def _locks(self, options: CompactionOptions) -> LockBucket:
        existing, history = options.existing, options.history
        if existing.lock_bucket is None:
            return LockBucket(
                self,
                "Locks",
                history=history,
                protect=not options.throwaway,
                removal_policy=options.removal_policy,
            )
        key = existing.lock_bucket_key
        bucket = import_bucket(self, "ExistingLocks", existing.lock_bucket, key=key)
        return LockBucket(self, "Locks", bucket=bucket, history=history)
