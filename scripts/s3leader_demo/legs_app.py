"""The CDK app of the demo's job of several legs; no schedule starts it."""

from pathlib import Path

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack

from s3leader_cdk import JobFunction, LockBucket, SingletonJob, TakeoverOptions, TriggerOptions


def main() -> None:
    """Synthesize the app."""
    app = App()
    stack = Stack(app, "S3LeaderLegs")
    locks = LockBucket(stack, "Locks", protect=False, removal_policy=RemovalPolicy.DESTROY)
    function = JobFunction(
        stack,
        "Function",
        code=Path(__file__).parent / "legs",
        handler="legs.main.handler",
        timeout=Duration.minutes(1),
    )
    job = SingletonJob(
        stack,
        "Legs",
        election="legs",
        schedule="rate(1 day)",
        lock_bucket=locks,
        function=function,
        trigger=TriggerOptions(enabled=False),
        takeover=TakeoverOptions(max_continuations=20),
    )
    CfnOutput(stack, "LockBucketName", value=locks.bucket_name)
    CfnOutput(stack, "FunctionName", value=function.function_name)
    CfnOutput(stack, "ElectionName", value=job.election)
    app.synth()


if __name__ == "__main__":
    main()
