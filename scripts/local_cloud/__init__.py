"""An emulated cloud on this machine, for the demo and for tests. It is not AWS.

What it does not do, and AWS does: check IAM or bucket policies; run the function on the
architecture and the Python version that the template names (it runs in the interpreter that runs
this); read a schedule's time zone (everything is UTC); retry an invocation that a schedule fired
and that failed (each counts as one try; the next tick is the retry); count metrics.

What it does: the CDK CLI bootstraps and deploys into it, schedules fire to the second, and the
contenders of one tick run at once, each in a process of its own, against one S3.

    with LocalCloud(directory) as cloud:
        cloud.bootstrap()
        outputs = cloud.deploy("SomeStack", {"schedule": "cron(* * * * ? *)"})
        cloud.client("s3").list_objects_v2(Bucket=outputs["SomeBucket"])

Everything it starts ends with the `with` block, and also when the process that opened it dies in
any way whatever (see `lifeline`). Everything it writes is under `directory`.
"""

from local_cloud.cloud import LocalCloud
from local_cloud.errors import LocalCloudError
from local_cloud.invocations import Invocation

__all__ = ["Invocation", "LocalCloud", "LocalCloudError"]
