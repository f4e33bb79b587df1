"""Examples that can run: a process, functions with the runtime layer, a job of several legs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud
from s3leader import Election, Lock
from tests.local_cloud.test_lifetime import eventually

EXAMPLES = Path(__file__).parents[2] / "examples"
BUCKET = "process-locks"


@pytest.fixture(scope="module")
def election(cloud: LocalCloud) -> Election:
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    return Election("poller", bucket=BUCKET, client=cloud.client("s3"))


@pytest.fixture
def pollers(cloud: LocalCloud, election: Election) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two processes; one leads."""
    environment = {**cloud.env, "LOCK_BUCKET": BUCKET}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2] / "lambda_src")
    command = [sys.executable, str(EXAMPLES / "process/main.py")]
    before = top(election)
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(2)
    ]
    try:
        assert eventually(lambda: top(election) > before, 30)
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def top(election: Election) -> int:
    lock = election.observe()
    return 0 if lock is None else lock.term


def leader(election: Election, pollers: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    lock = election.observe()
    assert lock is not None
    (found,) = (each for each in pollers if f"-{each.pid}-" in str(lock.holder))
    return found


def test_a_process_resigns_on_a_signal_and_another_leads(
    election: Election, pollers: list[subprocess.Popen[bytes]]
) -> None:
    first = leader(election, pollers)
    term = top(election)
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0
    assert eventually(lambda: top(election) == term + 1, 10)
    assert leader(election, pollers) is not first
    assert [lock.outcome for lock in election.history() if lock.term == term] == ["completed"]


def test_another_process_leads_after_the_lease_of_a_killed_leader(
    election: Election, pollers: list[subprocess.Popen[bytes]]
) -> None:
    first = leader(election, pollers)
    term = top(election)
    first.kill()
    assert eventually(lambda: top(election) == term + 1, 40)
    assert [lock.outcome for lock in election.history() if lock.term == term] == ["deposed"]


def deploy(cloud: LocalCloud, assembly: Path, example: str, stack: str) -> dict[str, Any]:
    """Deploy an example; return its functions by their names."""
    environment = os.environ | {"CDK_OUTDIR": str(assembly), "CDK_VALIDATION": "false"}
    command = [sys.executable, str(EXAMPLES / example / "app.py")]
    subprocess.run(command, env=environment, check=True)
    cloud.bootstrap()
    cloud.deploy(stack, assembly=assembly)
    functions = cloud.client("lambda").list_functions()["Functions"]
    return {each["FunctionName"]: each for each in functions if stack in each["FunctionName"]}


@pytest.fixture(scope="module")
def legacy(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Existing functions, deployed with the layer that `attach` adds."""
    return deploy(cloud, tmp_path_factory.mktemp("legacy"), "existing_function", "Legacy")


def invoke(cloud: LocalCloud, functions: dict[str, Any], part: str, event: object) -> Any:
    (name,) = (name for name in functions if part in name)
    called = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(called["Payload"].read())


def test_an_attached_function_is_elected_for_the_tick_of_its_rule(
    cloud: LocalCloud, legacy: dict[str, Any]
) -> None:
    event = {"detail-type": "Scheduled Event", "time": "2026-11-23T06:00:00Z"}
    answer = invoke(cloud, legacy, "Poller", event)
    assert answer["result"] == "polled for 2026-11-23 06:00:00+00:00"


def test_the_same_tick_is_not_led_twice(cloud: LocalCloud, legacy: dict[str, Any]) -> None:
    event = {"tick": "2026-11-23T07:00:00Z", "contender": 1}
    first, second = (invoke(cloud, legacy, "Report", event) for _ in range(2))
    assert (first["outcome"], second["reason"]) == ("completed", "done")


NIGHTS = [datetime(2026, 11, day, 1, tzinfo=UTC) for day in (20, 21, 22, 23)]


@pytest.fixture(scope="module")
def export(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> list[Lock]:
    """The ledger of the long job after its first night, and after one that follows two missed ones.

    Its invocations have a minute, of which the job reserves all, so each exports one page of three.
    """
    (function,) = deploy(cloud, tmp_path_factory.mktemp("export"), "long_job", "Export").values()
    name, client = function["FunctionName"], cloud.client("lambda")
    client.update_function_configuration(FunctionName=name, Timeout=60)
    bucket = function["Environment"]["Variables"]["S3LEADER_BUCKET"]
    election = Election("nightly-export", bucket=bucket, client=cloud.client("s3"))
    for night in (NIGHTS[0], NIGHTS[-1]):
        event = json.dumps({"tick": night.isoformat()})
        client.invoke(FunctionName=name, InvocationType="Event", Payload=event)
        assert eventually(partial(is_done, election, night), 30)
    return election.history()[::-1]


def is_done(election: Election, tick: datetime) -> bool:
    lock = election.observe()
    return lock is not None and lock.is_done(tick)


def test_a_long_job_works_for_a_night_in_several_invocations(export: list[Lock]) -> None:
    found = [(lock.leg, lock.outcome) for lock in export if lock.tick == NIGHTS[0]]
    assert found == [(1, "continued"), (2, "continued"), (3, "completed")]


def test_a_long_job_makes_up_for_the_nights_that_it_missed(export: list[Lock]) -> None:
    assert [(lock.tick, lock.leg) for lock in export] == [
        (night, leg) for night in NIGHTS for leg in (1, 2, 3)
    ]
    assert export[-1].state == {"night": str(NIGHTS[-1]), "exported": 3}
