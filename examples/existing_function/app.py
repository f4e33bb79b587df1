"""Existing functions become candidates.

Their code changes in one place: the handler is decorated with `@singleton`. The runtime library
comes as a layer.
"""

from pathlib import Path

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk import LockBucket, SingletonJob

_HERE = Path(__file__).parent

app = App()
stack = Stack(app, "Legacy")
locks = LockBucket(stack, "Locks")


def function(name: str) -> lambda_.Function:
    """Return a function without any of s3leader."""
    return lambda_.Function(
        stack,
        f"{name.capitalize()}Function",
        code=lambda_.Code.from_asset(str(_HERE / name)),
        handler="main.handler",
        runtime=lambda_.Runtime.PYTHON_3_14,
        timeout=Duration.minutes(2),
    )


# This function keeps its trigger, a rule that fires at least once: the rule's time is the tick.
poller = function("poller")
events.Rule(
    stack,
    "EveryMinute",
    schedule=events.Schedule.rate(Duration.minutes(1)),
    targets=[targets.LambdaFunction(poller)],
)
locks.attach(poller, election="poller")

# This function becomes a job, with schedules, dead letters, alarms and a dashboard.
SingletonJob(
    stack,
    "Report",
    election="report",
    function=function("report"),
    schedule="rate(1 hour)",
    lock_bucket=locks,
)
app.synth()
