"""Jobs of several legs, each with an election of its own, so that their ticks run in parallel."""

from pathlib import Path

from aws_cdk import App, CfnOutput, Duration, Stack

from s3leader_cdk import (
    JobFunction,
    LockBucket,
    MonitoringOptions,
    SingletonJob,
    TakeoverOptions,
    TriggerOptions,
)

CODE = Path(__file__).parents[2] / "scripts" / "s3leader_demo" / "legs"
LIMITS = {"Long": 99, "Killed": 3, "Runaway": 3}


def job(stack: Stack, name: str, locks: LockBucket) -> None:
    function = JobFunction(
        stack,
        f"{name}Function",
        code=CODE,
        handler="legs.main.handler",
        timeout=Duration.minutes(1),
    )
    made = SingletonJob(
        stack,
        name,
        election=name.lower(),
        schedule="rate(1 day)",
        lock_bucket=locks,
        function=function,
        trigger=TriggerOptions(enabled=False),
        # Lambda's retry comes before the lock of a killed leader has lapsed, and waits for that.
        takeover=TakeoverOptions(
            lease=Duration.seconds(5), wait=Duration.seconds(30), max_continuations=LIMITS[name]
        ),
        monitoring=MonitoringOptions(dashboard=False),
    )
    CfnOutput(stack, f"{name}Name", value=function.function_name)
    assert made.unprocessed is not None
    CfnOutput(stack, f"{name}Unprocessed", value=made.unprocessed.queue_name)


app = App()
stack = Stack(app, "Continued")
locks = LockBucket(stack, "Locks")
CfnOutput(stack, "LocksName", value=locks.bucket_name)
for each in LIMITS:
    job(stack, each, locks)
app.synth()
