"""The smallest app: a lock bucket, and a job that bills every night."""

from pathlib import Path

from aws_cdk import App, Stack

from s3leader_cdk import JobFunction, LockBucket, SingletonJob

CODE = Path(__file__).parent / "billing"

app = App()
stack = Stack(app, "Billing")
SingletonJob(
    stack,
    "Nightly",
    election="nightly-billing",
    function=JobFunction(stack, "Function", code=CODE, handler="billing.main.handler"),
    schedule="cron(0 3 * * ? *)",
    lock_bucket=LockBucket(stack, "Locks"),
)
app.synth()
