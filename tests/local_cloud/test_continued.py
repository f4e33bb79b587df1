"""Jobs of several legs on an emulated Lambda: each leg starts the next, whatever happens to one.

The emulator retries a failed asynchronous invocation as Lambda does, with the same event, but after
one second and two instead of minutes. A killed process is such a failure. This process campaigns
for other ticks meanwhile. `scripts/s3leader_demo/legs` is the job's code.
"""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import LocalCloud
from s3leader import Election, Lock, NotElected
from tests.local_cloud.test_lifetime import SLOWEST, eventually

APP = Path(__file__).parent / "continued_app.py"
FIRST_TICK = datetime(2026, 11, 1, tzinfo=UTC)
FOUR_LEGS = [(1, 1), (2, 1), (3, 1), (4, 1)]
FOUR_OUTCOMES = [*["continued"] * 3, "completed"]


@dataclass
class Jobs:
    """The deployed jobs; each new tick is later than all before."""

    cloud: LocalCloud
    outputs: dict[str, str]
    numbers: Iterator[int] = field(default_factory=itertools.count)
    started: dict[str, datetime] = field(default_factory=dict)

    def election(self, job: str = "Long") -> Election:
        s3 = self.cloud.client("s3")
        return Election(job.lower(), bucket=self.outputs["LocksName"], client=s3)

    def tick(self) -> datetime:
        return FIRST_TICK + timedelta(hours=next(self.numbers))

    def invoke(self, job: str, tick: datetime, **event: Any) -> Any:
        """Invoke a job for a tick and return its answer, None if it was only started."""
        kind = event.pop("InvocationType", "RequestResponse")
        payload = json.dumps({**event, "tick": tick.isoformat()})
        name = self.outputs[f"{job}Name"] + event.pop("alias", "")
        called = self.cloud.client("lambda").invoke(
            FunctionName=name, InvocationType=kind, Payload=payload
        )
        return json.loads(called["Payload"].read() or "null")

    def start(self, job: str = "Long", **event: Any) -> datetime:
        """Start a tick as EventBridge Scheduler does, by an asynchronous invocation; return it."""
        tick = self.tick()
        self.invoke(job, tick, InvocationType="Event", **event)
        return tick

    def terms(self, tick: datetime, job: str = "Long") -> list[Lock]:
        """Return the terms for a tick, oldest first."""
        return [lock for lock in self.election(job).history(1000)[::-1] if lock.tick == tick]

    def end(self, tick: datetime, job: str = "Long") -> list[Lock]:
        """Wait until a tick is completed, and return its terms."""
        election = self.election(job)

        def completed() -> bool:
            time.sleep(0.2)  # the emulator has other things to do
            lock = election.observe()
            return lock is not None and lock.is_done(tick)

        assert eventually(completed, 40), self.terms(tick, job)
        return self.terms(tick, job)

    def rivals(self, tick: datetime) -> list[NotElected]:
        """Campaign for the next tick until this one is completed; return each lost campaign."""
        next_tick, election, lost = self.tick(), self.election(), []

        def is_over() -> bool:
            result = election.campaign(next_tick)
            if isinstance(result, NotElected):
                lost.append(result)
                return result.lock is not None and result.lock.is_done(tick)
            with result:
                return True

        assert eventually(is_over, 40)
        return lost

    def role(self, job: str) -> str:
        found = self.cloud.client("lambda").get_function_configuration(
            FunctionName=self.outputs[f"{job}Name"]
        )
        return str(found["Role"].rpartition("/")[2])

    @contextmanager
    def without_self_invocation(self, job: str) -> Iterator[None]:
        """Remove the policy that lets a function invoke itself, while the block runs."""
        iam, role = self.cloud.client("iam"), self.role(job)
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        (name,) = (each for each in names if "SelfInvocation" in each)
        policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        iam.delete_role_policy(RoleName=role, PolicyName=name)
        yield
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    out = tmp_path_factory.mktemp("continued")
    settings = {
        "CDK_OUTDIR": str(out),
        "CDK_VALIDATION": "false",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
    }
    with LocalCloud(tmp_path_factory.mktemp("cloud"), enforce=True) as cloud:
        with subprocess.Popen([sys.executable, str(APP)], env=os.environ | settings) as synthesis:
            cloud.bootstrap()
        assert synthesis.returncode == 0
        jobs = Jobs(cloud, cloud.deploy("Continued", assembly=out))
        jobs.started = {
            "Killed": jobs.start("Killed", legs=4, fault={"leg": 2, "step": "before the seal"}),
            "Runaway": jobs.start("Runaway", legs=1_000_000),
        }
        yield jobs


def legs(terms: list[Lock]) -> list[tuple[int, int]]:
    """Return leg and attempt of each term."""
    return [(lock.leg, lock.attempt) for lock in terms]


def outcomes(terms: list[Lock]) -> list[str | None]:
    return [lock.outcome for lock in terms]


def numbers(terms: list[Lock]) -> list[int]:
    return [lock.term for lock in terms]


def test_a_tick_of_four_legs_takes_seconds_longer_than_its_work(jobs: Jobs) -> None:
    began = time.monotonic()
    terms = jobs.end(jobs.start(legs=4, work_seconds=0.5))
    over = time.monotonic() - began - 4 * 0.5
    assert (legs(terms), outcomes(terms)) == (FOUR_LEGS, FOUR_OUTCOMES)
    assert over < SLOWEST * 5
    assert [each for each in jobs.cloud.decisions() if not each.allowed] == []


def test_a_tick_of_a_hundred_legs_is_completed(jobs: Jobs) -> None:
    terms = jobs.end(jobs.start(legs=100))
    assert legs(terms) == [(leg, 1) for leg in range(1, 101)]
    assert terms[-1].state["terms"] == numbers(terms)


def test_a_runaway_is_stopped_at_its_limit_and_its_event_kept(jobs: Jobs) -> None:
    sqs = jobs.cloud.client("sqs")
    url = sqs.get_queue_url(QueueName=jobs.outputs["RunawayUnprocessed"])["QueueUrl"]
    kept: list[Any] = []

    def is_kept() -> bool:
        messages = sqs.receive_message(QueueUrl=url).get("Messages", [])
        kept.extend(json.loads(message["Body"]) for message in messages)
        return bool(kept)

    assert eventually(is_kept, 20)
    assert (kept[0]["requestPayload"]["leg"], "at most 3" in str(kept[0])) == (4, True)
    terms = jobs.terms(jobs.started["Runaway"], "Runaway")
    # Lambda tries the event of the last leg three times.
    assert legs(terms) == [*FOUR_LEGS, (4, 2), (4, 3)]
    assert outcomes(terms) == [*["continued"] * 3, *["failed"] * 3]


def test_a_leg_that_was_killed_before_its_seal_is_retried_once_its_lock_has_lapsed(
    jobs: Jobs,
) -> None:
    terms = jobs.end(jobs.started["Killed"], "Killed")
    assert legs(terms) == [(1, 1), (2, 1), (2, 2), (3, 2), (4, 2)]
    assert outcomes(terms) == ["continued", "deposed", *["continued"] * 2, "completed"]
    assert terms[-1].state["terms"] == numbers([terms[0], *terms[2:]])


@pytest.mark.parametrize("step", ["before the start", "after the start", "lost answers"])
def test_a_tick_whose_leg_breaks_off_between_seal_and_next_leg_is_completed_once(
    jobs: Jobs, step: str
) -> None:
    tick = jobs.start(legs=4, fault={"leg": 2, "step": step})
    lost = jobs.rivals(tick)
    terms = jobs.end(tick)
    assert (legs(terms), outcomes(terms)) == (FOUR_LEGS, FOUR_OUTCOMES)
    assert terms[-1].state["terms"] == numbers(terms)
    # No other tick was led in between.
    assert numbers(terms) == [*range(terms[0].term, terms[0].term + 4)]
    held_by = {result.lock.outcome for result in lost if result.lock is not None}
    assert step != "before the start" or "continued" in held_by


def test_a_job_that_may_not_invoke_itself_fails_until_its_event_is_tried_again(jobs: Jobs) -> None:
    tick = jobs.tick()
    with jobs.without_self_invocation("Long"):
        answer = jobs.invoke("Long", tick, legs=2)
    assert "lambda:InvokeFunction" in answer["errorMessage"]
    assert outcomes(jobs.terms(tick)) == ["continued"]
    assert jobs.invoke("Long", tick, legs=2)["outcome"] == "completed"


def test_a_job_may_invoke_itself_and_no_other_function(jobs: Jobs) -> None:
    client = jobs.cloud.client("lambda", role=jobs.role("Long"))
    own, other = (jobs.outputs[f"{job}Name"] for job in ("Long", "Killed"))
    dry: dict[str, Any] = {"InvocationType": "DryRun"}
    assert client.invoke(FunctionName=own, **dry)["StatusCode"] == 204
    with pytest.raises(ClientError, match="AccessDenied"):
        client.invoke(FunctionName=other, **dry)


def test_a_leg_starts_the_next_by_the_alias_that_it_was_started_by(jobs: Jobs) -> None:
    client, name = jobs.cloud.client("lambda"), jobs.outputs["LongName"]
    version = client.publish_version(FunctionName=name)["Version"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    since = len(jobs.cloud.decisions())
    terms = jobs.end(jobs.start(alias=":live", legs=2))
    asked = [each for each in jobs.cloud.decisions()[since:] if each.action.startswith("lambda:")]
    assert (legs(terms), [each.resource.rpartition(":")[2] for each in asked]) == (
        FOUR_LEGS[:2],
        ["live"],
    )
