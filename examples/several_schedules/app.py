"""One election with several schedules: a tick that two of them share is led once."""

from pathlib import Path

from aws_cdk import App, Duration, Stack, TimeZone
from aws_cdk import aws_sns as sns

from s3leader_cdk import (
    JobFunction,
    LockBucket,
    MonitoringOptions,
    SingletonJob,
    TakeoverOptions,
    TriggerOptions,
)

CODE = Path(__file__).parent / "digest"

app = App()
stack = Stack(app, "Digest")
SingletonJob(
    stack,
    "Digest",
    election="digest",
    function=JobFunction(stack, "Function", code=CODE, handler="digest.main.handler"),
    schedule=["cron(0 7 ? * MON-FRI *)", "cron(0 7 L * ? *)"],  # weekdays, and the month's last day
    lock_bucket=LockBucket(stack, "Locks", history=Duration.days(90)),
    trigger=TriggerOptions(
        time_zone=TimeZone.EUROPE_BERLIN,
        flexible_window=Duration.minutes(10),  # EventBridge may spread the starts
    ),
    takeover=TakeoverOptions(max_attempts=3),  # after three failures the digest waits for a day
    monitoring=MonitoringOptions(
        # The interval cannot be derived from these schedules: a weekend, and some hours more.
        expected_within=Duration.hours(78),
        topic=sns.Topic(stack, "Alarms", enforce_ssl=True),
    ),
)
app.synth()
