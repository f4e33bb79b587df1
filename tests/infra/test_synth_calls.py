"""A job's share of a synth stays the same however many jobs an app has.

Each call of CDK goes to another process, so calls are what a synth's time is made of.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsii._kernel.providers import process  # private: jsii has no counter

from s3leader_cdk import JobFunction, LockBucket, SingletonJob
from tests.infra.synth import new_stack

# What CDK's own constructs for the same resources take is about 140.
MOST_CALLS_OF_A_JOB = 565
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


def calls_of_each_job(calls: list[Any], folder: Path) -> Iterator[int]:
    stack = new_stack()
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
            schedule="rate(5 minutes)",
            lock_bucket=locks,
            function=JobFunction(
                stack, f"Function{number}", code=code, handler=f"job{number}.main.handler"
            ),
        )
        yield len(calls) - before


def test_calls_of_a_job_are_limited_and_do_not_grow_with_the_number_of_jobs(
    calls: list[Any], tmp_path: Path
) -> None:
    _, *others = calls_of_each_job(calls, tmp_path)
    assert max(others) <= MOST_CALLS_OF_A_JOB
    # Each job looks at the configurations of all others, by five calls.
    assert others[-1] - others[0] <= 6 * (len(others) - 1)
