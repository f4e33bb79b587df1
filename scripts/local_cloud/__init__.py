"""An emulated cloud on this machine, for the demo and for tests. It is not AWS.

What it does not do, and AWS does: run the function on the architecture and the Python version that
the template names (it runs in the interpreter that runs this); read a schedule's time zone
(everything is UTC); retry an invocation that a schedule fired and that failed (each counts as one
try; the next tick is the retry); count metrics. Nor does it check IAM or resource policies, unless
it is asked to.

What it does: the CDK CLI bootstraps and deploys into it, schedules fire to the second, and the
contenders of one tick run at once, each in a process of its own, against one S3.

    with LocalCloud(directory) as cloud:
        cloud.bootstrap()
        outputs = cloud.deploy("SomeStack", {"schedule": "cron(* * * * ? *)"})
        cloud.client("s3").list_objects_v2(Bucket=outputs["SomeBucket"])

Everything it starts ends with the `with` block, and also when the process that opened it dies in
any way whatever (see `child_process`). Everything it writes is under `directory`.

**With `enforce=True`** it speaks TLS, checks signatures, and judges every request by policies. What
then still passes, and AWS would refuse:

- whatever the root does, which is who `settings`, `env` and `client(service)` act for, and any
  client whose key id is `test`, empty or twelve digits. Not even a bucket policy's denial of
  everyone touches it. It may assume every role that trusts some service without conditions.
- what CloudFormation does for the CDK CLI. (The CLI itself acts in its bootstrap roles, checked.)
- a function whose role does not trust Lambda.
- a key in KMS used by S3 or SQS for somebody without a right to it.
- a conditional write with If-Match, or the reading of a missing object, by somebody who may not
  read or list it: S3 wants `s3:GetObject` for the one, and answers the other with 403.

What is checked: the caller's identity policies, permissions boundary and session policies, and the
policies of buckets, queues and functions, explicit denials first; actions, resources, and of
conditions the global keys, `s3:prefix`, `s3:if-match`, `s3:if-none-match` and the tags of S3
requests. An unknown condition key counts as absent. DeleteObjects is refused whole for one key. A
function has the credentials of a session in its role, and so has the Scheduler, if the schedule's
role trusts it. What of this the emulator lacks is made up for in `enforcement`, on nobody's word
but AWS's documentation: that S3 reads these keys the same way is not shown here.

    with LocalCloud(directory, enforce=True) as cloud:
        cloud.client("s3", role="some-role").put_object(…)     # as a session of that role
        cloud.decisions()                                      # what roles asked for, and got
"""

from local_cloud.cloud import LocalCloud
from local_cloud.decisions import Decision
from local_cloud.errors import LocalCloudError
from local_cloud.invocations import Invocation

__all__ = ["Decision", "Invocation", "LocalCloud", "LocalCloudError"]
