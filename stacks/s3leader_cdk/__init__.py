"""AWS CDK constructs for leader election on Amazon S3.

Not guaranteed: that a job's writes are fenced. The constructs ensure that no lock can be
overwritten unconditionally or deleted, and that contenders are started. Writes elsewhere are
protected only where the job uses the runtime's fencing tokens.

`LockBucket` holds the locks of any number of elections and grants exact rights on each.
`SingletonJob` schedules a function that many invocations contend for and one runs.
`JobFunction` is a Lambda function that is packaged with the runtime.
`SingletonTask` does the same as `SingletonJob` for a task of ECS on Fargate.
`Contenders`, `LogMetrics`, `Monitoring` and `JobRecord` are the parts of both, for other workloads.
`grant_fenced`, `grant_fenced_bytes`, `grant_fenced_items` and `grant_fence_row` grant exact rights
on what fencing tokens protect: an object or content of S3, items of DynamoDB, the row of an
election.
"""

try:
    from aws_cdk import Acknowledgment  # noqa: F401 - old versions lack it
except ImportError as error:  # seen from the wheel, without extras
    raise ImportError(
        "s3leader_cdk needs aws-cdk-lib, as new as its extra asks for: pip install 's3leader[cdk]'"
    ) from error

from s3leader_cdk._packaging.asset import job_code
from s3leader_cdk._packaging.errors import StagingError
from s3leader_cdk.contender_targets import ContenderTarget, FunctionTarget, TaskTarget
from s3leader_cdk.contenders import Contenders
from s3leader_cdk.grants import grant_fenced, grant_fenced_bytes
from s3leader_cdk.job_function import JobFunction
from s3leader_cdk.job_options import FailureOptions, TakeoverOptions, TriggerOptions
from s3leader_cdk.job_record import JobRecord
from s3leader_cdk.lock_bucket import LockBucket
from s3leader_cdk.log_metrics import LogMetrics
from s3leader_cdk.metrics import election_metric
from s3leader_cdk.monitoring import Monitoring
from s3leader_cdk.monitoring_options import AlarmOptions, MonitoringOptions
from s3leader_cdk.runtime_layer import RuntimeLayer
from s3leader_cdk.singleton_job import SingletonJob
from s3leader_cdk.singleton_task import SingletonTask
from s3leader_cdk.table_grants import grant_fence_row, grant_fenced_items

__all__ = [
    "AlarmOptions",
    "ContenderTarget",
    "Contenders",
    "FailureOptions",
    "FunctionTarget",
    "JobFunction",
    "JobRecord",
    "LockBucket",
    "LogMetrics",
    "Monitoring",
    "MonitoringOptions",
    "RuntimeLayer",
    "SingletonJob",
    "SingletonTask",
    "StagingError",
    "TakeoverOptions",
    "TaskTarget",
    "TriggerOptions",
    "election_metric",
    "grant_fence_row",
    "grant_fenced",
    "grant_fenced_bytes",
    "grant_fenced_items",
    "job_code",
]
