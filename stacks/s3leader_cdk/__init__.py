"""AWS CDK constructs for leader election on Amazon S3.

Not guaranteed here: that a job's writes are fenced. The constructs see to it that no lock can be
overwritten blindly or deleted, and that contenders are started; what a leader writes elsewhere is
protected by the runtime's fencing tokens, where the job uses them.

`LockBucket` holds the locks of any number of elections and grants the exact rights on each.
`SingletonJob` is a scheduled Lambda function of which many start and one works.
`grant_fenced` grants the exact rights on one object that fencing tokens protect.
"""

try:
    from aws_cdk import Acknowledgment  # noqa: F401 - what an old one lacks
except ImportError as error:  # seen from the wheel, without extras
    raise ImportError(
        "s3leader_cdk needs aws-cdk-lib, as new as its extra asks for: pip install 's3leader[cdk]'"
    ) from error

from s3leader_cdk._packaging.asset import job_code
from s3leader_cdk._packaging.errors import StagingError
from s3leader_cdk.contenders import Contenders
from s3leader_cdk.grants import grant_fenced
from s3leader_cdk.lock_bucket import LockBucket
from s3leader_cdk.metrics import election_metric
from s3leader_cdk.monitoring import Monitoring
from s3leader_cdk.runtime_layer import RuntimeLayer
from s3leader_cdk.singleton_job import SingletonJob

__all__ = [
    "Contenders",
    "LockBucket",
    "Monitoring",
    "RuntimeLayer",
    "SingletonJob",
    "StagingError",
    "election_metric",
    "grant_fenced",
    "job_code",
]
