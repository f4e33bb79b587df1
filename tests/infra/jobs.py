"""Jobs for tests, made from flat options: `build(stack, wait=…, timeout=…)`.

Each option goes where its name belongs: to an option group, to the job, or to its `JobFunction`.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk import (
    FailureOptions,
    JobFunction,
    LockBucket,
    MonitoringOptions,
    SingletonJob,
    TakeoverOptions,
    TriggerOptions,
)
from tests.infra.synth import Synthesized, synthesize

FOLDER = Path(__file__).parents[2] / "examples" / "minimal" / "billing"
HANDLER = "billing.main.handler"
DEFAULTS: Mapping[str, Any] = {
    "election": "nightly",
    "schedule": "cron(0 3 * * ? *)",
    "expected_within": cdk.Duration.days(2),
}
GROUPS: Mapping[str, type] = {
    "trigger": TriggerOptions,
    "takeover": TakeoverOptions,
    "failures": FailureOptions,
    "monitoring": MonitoringOptions,
}
OF_JOB = ("election", "schedule", "lock_bucket", "function", "regions", "record")
DECORATED = "from s3leader.aws_lambda import singleton\nhandler = singleton(print)\n"
LONGEST_ELECTION = "/".join(["n" * 99] * 8 + ["m" * 89])  # 900 with the prefix and a slash


def build(stack: cdk.Stack, name: str = "Job", **flat: Any) -> SingletonJob:
    """Make a job in a stack, of a `JobFunction` (`<name>Function`) unless `function` is given."""
    given = {**DEFAULTS, **flat}
    of_job = {each: given.pop(each) for each in OF_JOB if each in given}
    for group, kind in GROUPS.items():
        names = [each.name for each in fields(kind)]
        options = kind(**{each: given.pop(each) for each in names if each in given})
        of_job[group] = given.pop(group, options)
    if "lock_bucket" not in of_job:
        of_job["lock_bucket"] = LockBucket(stack, "Locks")
    if "function" not in of_job:
        of_function = {"code": FOLDER, "handler": HANDLER, **given}
        of_job["function"] = JobFunction(stack, f"{name}Function", **of_function)
        given = {}
    return SingletonJob(stack, name, **of_job, **given)


def existing_function(
    scope: cdk.Stack, name: str = "Function", **properties: Any
) -> lambda_.Function:
    """Return a function as other apps may have it."""
    defaults = {
        "code": lambda_.Code.from_inline(DECORATED),
        "handler": "index.handler",
        "runtime": lambda_.Runtime.PYTHON_3_12,
        "timeout": cdk.Duration.minutes(1),
    }
    return lambda_.Function(scope, name, **{**defaults, **properties})


def job(**options: Any) -> Synthesized:
    """Return the template of a stack with such a job."""
    return synthesize(lambda stack: build(stack, **options))
