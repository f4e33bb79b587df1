"""A job that takes hours, in several invocations, and makes up for the nights that it missed."""

from pathlib import Path

from aws_cdk import App, Duration, Stack

from s3leader_cdk import JobFunction, LockBucket, SingletonJob, TakeoverOptions, TriggerOptions

CODE = Path(__file__).parent / "export"

app = App()
stack = Stack(app, "Export")
SingletonJob(
    stack,
    "Nightly",
    election="nightly-export",
    function=JobFunction(
        stack,
        "Function",
        code=CODE,
        handler="export.main.handler",
        timeout=Duration.minutes(15),  # of one invocation
    ),
    schedule="cron(0 1 * * ? *)",
    lock_bucket=LockBucket(stack, "Locks"),
    trigger=TriggerOptions(catch_up="each", max_catch_up=7),
    takeover=TakeoverOptions(max_continuations=20),  # about five hours
)
app.synth()
