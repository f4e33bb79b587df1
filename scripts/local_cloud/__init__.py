"""An emulated cloud on this machine (ministack), for the demo and for tests. It is not AWS.

The CDK CLI bootstraps and deploys into it. Schedules fire to the second. The contenders of one
tick run at the same time, each in a process of its own, on one S3.

Differences from AWS: a function runs in the Python interpreter and on the architecture of this
process, not those of the template. A schedule's time zone is ignored (all times are UTC). An
invocation that a schedule started and that failed is not retried. One that was started as an
asynchronous invocation is, as on AWS, but after one second and two instead of minutes. No metric is
recorded. Lifecycle rules are ignored, and a deleted stack takes a bucket's objects along. IAM and
resource policies are checked only with `enforce=True`.

    with LocalCloud(directory) as cloud:
        with cloud.synthesis({"schedule": "cron(* * * * ? *)"}) as assembly:
            cloud.bootstrap()
        outputs = cloud.deploy("SomeStack", assembly=assembly)
        cloud.client("s3").list_objects_v2(Bucket=outputs["SomeBucket"])

Everything that it starts ends with the `with` block, or when this process ends in any other way
(see `child_process`). Everything that it writes is under `directory`.

**With `enforce=True`** it checks signatures, and checks each request against policies:
the caller's identity policies, permissions boundary and session policies, and the policies of
buckets, queues and functions, explicit denials first. It reads actions, resources and, of
conditions, the global keys, `s3:prefix`, `s3:if-match`, `s3:if-none-match` and the tags of S3
requests; an unknown condition key counts as absent. DeleteObjects is refused as a whole if one key
is. A function has the credentials of a session in its role, and so has the Scheduler, if the
schedule's role trusts it. `enforcement` adds what ministack lacks of this, as AWS documents it;
nothing here shows that AWS behaves as documented. AWS would refuse these, which pass here:

- requests without TLS, which the policies of buckets and queues deny.
- all requests of the account's root, for which `settings`, `env` and `client(service)` act, and of
  any client whose key id is `test`, empty or twelve digits. Not even a bucket policy that denies
  everyone applies to it. Root may assume every role that trusts some service without conditions.
- what CloudFormation does for the CDK CLI. (The CLI itself acts in its bootstrap roles, checked.)
- a function whose role does not trust Lambda.
- use of a KMS key through S3 or SQS by a caller without permission for that key.
- a conditional write with If-Match by a caller without `s3:GetObject`; and a caller that may not
  list the bucket gets 404 for a missing object, where S3 answers 403.

    with LocalCloud(directory, enforce=True) as cloud:
        cloud.client("s3", role="some-role").put_object(…)     # as a session of that role
        cloud.decisions()                                      # what roles requested
"""

from local_cloud.cloud import LocalCloud
from local_cloud.decisions import Decision
from local_cloud.errors import LocalCloudError
from local_cloud.invocations import Invocation

__all__ = ["Decision", "Invocation", "LocalCloud", "LocalCloudError"]
