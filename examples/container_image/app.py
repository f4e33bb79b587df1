"""A job in a container image, started by an alias with provisioned concurrency."""

from pathlib import Path

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk import LockBucket, SingletonJob

IMAGE = Path(__file__).parent / "image"

app = App()
stack = Stack(app, "BillingImage")
function = lambda_.DockerImageFunction(
    stack,
    "Function",
    code=lambda_.DockerImageCode.from_image_asset(str(IMAGE)),
    timeout=Duration.minutes(5),
    memory_size=512,
)
SingletonJob(
    stack,
    "Nightly",
    election="nightly-billing",
    function=function.add_alias("live", provisioned_concurrent_executions=2),
    schedule="cron(0 3 * * ? *)",
    lock_bucket=LockBucket(stack, "Locks"),
)
app.synth()
