"""A job's share of a synth is small, and stays the same however many jobs an app has.

Each call of CDK goes to another process, so calls are what a synth's time is made of.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from jsii._kernel.providers import process  # private: jsii has no counter

from s3leader_cdk import JobFunction, LockBucket, SingletonJob
from tests.infra.jobs import existing_function
from tests.infra.synth import new_stack

# CDK's own constructs for the same resources, written by hand, take 109: docs/performance.md.
MOST_CALLS_OF_A_JOB = 165
MOST_CALLS_OF_A_JOB_AT_SYNTH = 6
JOBS = 8


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that gets each request to CDK."""
    sent: list[Any] = []
    real = process._NodeProcess.send

    def send(self: Any, request: Any, *args: Any) -> Any:
        sent.append(request)
        return real(self, request, *args)

    monkeypatch.setattr(process._NodeProcess, "send", send)
    return sent


def calls_of_each_job(stack: cdk.Stack, calls: list[Any], folder: Path) -> Iterator[int]:
    """Make jobs, each with code and a schedule of its own."""
    locks = LockBucket(stack, "Locks")
    for number in range(JOBS):
        before = len(calls)
        code = folder / f"job{number}"
        code.mkdir()
        (code / "main.py").write_text(
            "from s3leader.aws_lambda import singleton\n"
            "@singleton\ndef handler(event, context, term): ...\n"
        )
        SingletonJob(
            stack,
            f"Job{number}",
            election=f"job-{number}",
            schedule=f"cron({number} 3 * * ? *)",
            lock_bucket=locks,
            function=JobFunction(
                stack, f"Function{number}", code=code, handler=f"job{number}.main.handler"
            ),
        )
        yield len(calls) - before


def test_calls_of_a_job_are_limited_and_do_not_grow_with_the_number_of_jobs(
    calls: list[Any], tmp_path: Path
) -> None:
    _, *others = calls_of_each_job(new_stack(), calls, tmp_path)
    assert max(others) <= MOST_CALLS_OF_A_JOB
    assert max(others) == min(others)


def test_calls_at_synth_are_a_few_for_each_job(calls: list[Any], tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path / "cdk.out"), context={"aws:cdk:bundling-stacks": []})
    list(calls_of_each_job(cdk.Stack(app, "Test"), calls, tmp_path))
    before = len(calls)
    app.synth()
    assert len(calls) - before <= 1 + MOST_CALLS_OF_A_JOB_AT_SYNTH * JOBS


def test_no_job_is_sent_the_whole_construct_tree(calls: list[Any], tmp_path: Path) -> None:
    list(calls_of_each_job(new_stack(), calls, tmp_path))
    methods = {getattr(each, "method", None) for each in calls}
    assert "findAll" not in methods
    assert "grantWrite" in methods  # what is looked at are names of methods


def test_a_configuration_of_the_app_s_own_costs_each_job_a_look_at_the_others(
    calls: list[Any], tmp_path: Path
) -> None:
    stack = new_stack()
    own = existing_function(stack, "Own")
    lambda_.EventInvokeConfig(stack, "Config", function=own, retry_attempts=0)
    _, *others = calls_of_each_job(stack, calls, tmp_path)
    growth = [after - before for before, after in pairwise(others)]
    assert max(growth) <= 4
