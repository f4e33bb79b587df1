"""What a run creates, how long it takes, and what it costs."""

from __future__ import annotations

import textwrap

from s3leader_acceptance.account import Account
from s3leader_acceptance.redaction import masked

# US dollars in us-east-1; no Region costs twice as much. What a month costs is charged by the hour.
_HOURS_OF_MONTH = 730
# What is in the stack; policies of roles, queues and the bucket are not listed.
RESOURCES = {
    "AWS::S3::Bucket": (2, "buckets"),
    "AWS::Lambda::Function": (5, "functions"),
    "AWS::Scheduler::Schedule": (10, "schedules"),
    "AWS::SQS::Queue": (10, "queues"),
    "AWS::Logs::LogGroup": (6, "log groups"),
    "AWS::Logs::MetricFilter": (20, "metric filters"),
    "AWS::CloudWatch::Alarm": (37, "alarms"),
    "AWS::CloudWatch::Dashboard": (1, "dashboard"),
    "AWS::IAM::Role": (15, "roles"),
    "AWS::SSM::Parameter": (5, "parameters"),
}
_COSTS = {
    "8,000 writes and lists of S3 objects": 8_000 * 5 / 1e6,
    "8,000 reads of S3 objects": 8_000 * 0.4 / 1e6,
    "150 Lambda invocations of 512 MiB, 5 minutes in all": 300 * 0.5 * 0.0000133334
    + 150 * 0.2 / 1e6,
    "40 alarms, for an hour": 40 * 0.1 / _HOURS_OF_MONTH,
    "80 metrics, for an hour": 80 * 0.3 / _HOURS_OF_MONTH,
    "1 dashboard, for an hour": 3 / _HOURS_OF_MONTH,
    "5,000 requests to CloudWatch": 5_000 * 0.01 / 1_000,
    "10 MB of logs": 0.01 * 0.5,
}
_MARGIN = 2  # for dearer Regions, and for waits that take their whole time


def cost() -> float:
    """Return what a run costs at most, in US dollars."""
    return sum(_COSTS.values()) * _MARGIN


def plan(account: Account, stack: str, *, fast: bool) -> str:
    """Return what is about to happen, in words."""
    minutes = "one minute" if fast else "20 to 30 minutes"
    where = f" at {account.endpoint}" if account.endpoint else ""
    costs = "\n".join(f"    ${amount:.3f}  {what}" for what, amount in _COSTS.items())
    kinds = [f"{count} {name}" for count, name in RESOURCES.values()]
    created = textwrap.fill(
        f"the stack {stack}, with {', '.join(kinds[:-1])} and {kinds[-1]}; a schedule beside it;"
        " and the stack's files in the bucket of the CDK's bootstrap.",
        width=98,
        initial_indent="  ",
        subsequent_indent="  ",
    )
    return f"""\
Account {masked(account.number)}, Region {account.region}{where}.

It will create, and destroy at the end, also when it is interrupted:
{created}
It touches nothing else. CloudWatch keeps the data of metrics for 15 months, at no cost.

It takes {minutes}, and costs at most ${cost():.2f}:
{costs}
"""
