"""Jobs of an alias and of a function in another stack, deployed and run."""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud
from s3leader import Election
from tests.local_cloud.test_lifetime import eventually

EXAMPLE = Path(__file__).parents[2] / "examples" / "other_stack" / "app.py"
TICK = "2026-11-23T06:00:00Z"
JOBS = ["daily", "hourly"]


@pytest.fixture(scope="module")
def deployed(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> LocalCloud:
    assembly = tmp_path_factory.mktemp("other_stack")
    environment = os.environ | {"CDK_OUTDIR": str(assembly), "CDK_VALIDATION": "false"}
    subprocess.run([sys.executable, str(EXAMPLE)], env=environment, check=True)
    cloud.bootstrap()
    cloud.deploy_all(assembly)
    return cloud


def target(cloud: LocalCloud, job: str) -> Any:
    """Return the target that all schedules of a job share."""
    scheduler = cloud.client("scheduler")
    found = [
        scheduler.get_schedule(Name=each["Name"], GroupName=each["GroupName"])["Target"]
        for each in scheduler.list_schedules()["Schedules"]
        if each["Name"].startswith(f"Jobs-{job.capitalize()}")
    ]
    (arn,) = {each["Arn"] for each in found}
    return arn


def election(cloud: LocalCloud, job: str) -> Election:
    s3 = cloud.client("s3")
    (bucket,) = (
        each["Name"] for each in s3.list_buckets()["Buckets"] if "reportlocks" in each["Name"]
    )
    return Election(f"{job}-report", bucket=bucket, client=s3)


def name_of(arn: str) -> str:
    """Return the last part of a function's ARN: its alias or, without one, its name."""
    return arn.rpartition(":")[2]


def test_schedules_start_the_alias_of_one_and_the_function_of_the_other(
    deployed: LocalCloud,
) -> None:
    assert name_of(target(deployed, "hourly")) == "live"
    assert name_of(target(deployed, "daily")).startswith("Reports-Daily")


@pytest.mark.parametrize("job", JOBS)
def test_schedule_s_target_leads_a_tick_once(deployed: LocalCloud, job: str) -> None:
    arn = target(deployed, job)
    answers = []
    for contender in (1, 2):
        event = json.dumps({"tick": "2026-11-22T06:00:00Z", "contender": contender})
        called = deployed.client("lambda").invoke(FunctionName=arn, Payload=event)
        answers.append(json.loads(called["Payload"].read()))
    first, second = answers
    assert (first["outcome"], second["reason"]) == ("completed", "done")
    assert first["result"] == f"part 1 by {name_of(arn)}"


@pytest.mark.parametrize("job", JOBS)
def test_tick_of_three_legs_is_completed_by_three_terms(deployed: LocalCloud, job: str) -> None:
    locks = election(deployed, job)
    event = json.dumps({"tick": TICK, "parts": 3})
    called = deployed.client("lambda").invoke(FunctionName=target(deployed, job), Payload=event)
    assert json.loads(called["Payload"].read())["outcome"] == "continued"

    def legs() -> list[tuple[int, str | None]]:
        found = [lock for lock in locks.history() if lock.tick == datetime.fromisoformat(TICK)]
        return sorted((lock.leg, lock.outcome) for lock in found)

    expected = [(1, "continued"), (2, "continued"), (3, "completed")]
    assert eventually(lambda: legs() == expected, 30), legs()


@pytest.mark.parametrize(("job", "qualifier"), [("hourly", "live"), ("daily", "$LATEST")])
def test_events_that_are_given_up_on_go_to_the_queue_of_the_job(
    deployed: LocalCloud, job: str, qualifier: str
) -> None:
    arn = target(deployed, job).removesuffix(":live")
    config = deployed.client("lambda").get_function_event_invoke_config(
        FunctionName=arn, Qualifier=qualifier
    )
    destination = config["DestinationConfig"]["OnFailure"]["Destination"]
    assert f"Jobs-{job.capitalize()}Unprocessed" in destination
    assert config["MaximumRetryAttempts"] == 2
