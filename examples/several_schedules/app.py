"""One election with several schedules: a tick that two of them share is worked for once."""

from pathlib import Path

from aws_cdk import App, Duration, Stack, TimeZone
from aws_cdk import aws_sns as sns

from s3leader_cdk import LockBucket, SingletonJob

app = App()
stack = Stack(app, "Digest")
SingletonJob(
    stack,
    "Digest",
    election="digest",
    code=Path(__file__).parent / "digest",
    handler="digest.main.handler",
    schedule=["cron(0 7 ? * MON-FRI *)", "cron(0 7 L * ? *)"],  # weekdays, and the month's last day
    time_zone=TimeZone.EUROPE_BERLIN,
    flexible_window=Duration.minutes(10),  # nobody waits for it to the second
    max_attempts=3,  # a digest that fails three times waits for the next day
    lock_bucket=LockBucket(stack, "Locks", history=Duration.days(90)),
    # Such schedules do not say how far their ticks are apart: a weekend, and some hours more.
    expected_within=Duration.hours(78),
    alarm_topic=sns.Topic(stack, "Alarms", enforce_ssl=True),
)
app.synth()
