"""One function leads any of 64 elections, one for each shard, with one grant and one dashboard."""

from pathlib import Path

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk import LockBucket, Monitoring, MonitoringOptions, RuntimeLayer

CODE = Path(__file__).parent / "shards"

app = App()
stack = Stack(app, "Shards")
locks = LockBucket(stack, "Locks")
worker = lambda_.Function(
    stack,
    "Worker",
    code=lambda_.Code.from_asset(str(CODE)),
    handler="main.handler",
    runtime=lambda_.Runtime.PYTHON_3_14,
    timeout=Duration.minutes(5),
    layers=[RuntimeLayer(stack, "Runtime")],
)
locks.grant_candidate(worker, election_prefix="shard/")
Monitoring(
    stack,
    "Monitoring",
    elections=[f"shard/{number}" for number in range(64)],
    bucket=locks.bucket_name,
    function=worker,
    options=MonitoringOptions(expected_within=Duration.hours(1)),
)
app.synth()
