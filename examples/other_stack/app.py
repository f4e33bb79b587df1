"""Functions of one stack become jobs of another, one of them by an alias.

The stack of the jobs needs the functions, and the functions need the name of the lock bucket. So
the bucket is in a stack of its own, or in that of the functions.
"""

from pathlib import Path

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk import LockBucket, SingletonJob, TakeoverOptions

CODE = Path(__file__).parent / "report"

app = App()
locks = LockBucket(Stack(app, "ReportLocks"), "Locks")
reports = Stack(app, "Reports")


def function(name: str) -> lambda_.Function:
    """Return a function of the stack Reports."""
    return lambda_.Function(
        reports,
        name,
        code=lambda_.Code.from_asset(str(CODE)),
        handler="main.handler",
        runtime=lambda_.Runtime.PYTHON_3_14,
        timeout=Duration.minutes(2),
    )


jobs = Stack(app, "Jobs")
SingletonJob(
    jobs,
    "Daily",
    election="daily-report",
    function=function("Daily"),
    schedule="rate(1 day)",
    lock_bucket=locks,
    takeover=TakeoverOptions(max_continuations=3),
)
# An alias: its version keeps code and environment until a deployment publishes the next one.
SingletonJob(
    jobs,
    "Hourly",
    election="hourly-report",
    function=function("Hourly").add_alias("live", provisioned_concurrent_executions=1),
    schedule="rate(1 hour)",
    lock_bucket=locks,
    takeover=TakeoverOptions(max_continuations=3),
)
app.synth()
