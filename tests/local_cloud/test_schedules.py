import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_cloud import Invocation, LocalCloud
from tests.local_cloud.test_lifetime import eventually

ROLE = "arn:aws:iam::000000000000:role/any"
HANDLER = """
import os, pathlib, time
def handler(event, context):
    if event.get("fail"):
        raise ValueError("as asked")
    here = pathlib.Path(event["meet"])
    (here / event["execution"]).touch()
    while len(list(here.iterdir())) < 3 and context.get_remaining_time_in_millis() > 5000:
        time.sleep(0.05)
    met = len(list(here.iterdir()))
    facts = {name: event[name] for name in ("tick", "execution")}
    return {"process": os.getpid(), "met": met, **facts}
"""
INPUT = {
    "tick": "<aws.scheduler.scheduled-time>",
    "execution": "<aws.scheduler.execution-id>",
    "schedule": "<aws.scheduler.schedule-arn>",
    "attempt": "<aws.scheduler.attempt-number>",
}


@pytest.fixture(scope="module")
def function(cloud: LocalCloud) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("code.py", HANDLER)
    made: dict[str, str] = cloud.client("lambda").create_function(
        FunctionName="noted",
        Runtime="python3.14",
        Handler="code.handler",
        Role=ROLE,
        Code={"ZipFile": archive.getvalue()},
        Timeout=120,
    )
    return made["FunctionArn"]


def schedule(cloud: LocalCloud, function: str, name: str, at: datetime, **more: object) -> None:
    cloud.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": function, "RoleArn": ROLE, "Input": json.dumps({**INPUT, **more})},
    )


@pytest.fixture(scope="module")
def due() -> datetime:
    return (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)


@pytest.fixture(scope="module")
def invocations(
    cloud: LocalCloud, function: str, due: datetime, tmp_path_factory: pytest.TempPathFactory
) -> list[Invocation]:
    names, meet = [f"contender-{number}" for number in (1, 2, 3)], tmp_path_factory.mktemp("meet")
    for name in names:
        schedule(cloud, function, name, due, meet=str(meet))

    def ended() -> list[Invocation]:
        return [one for one in cloud.invocations() if one.schedule in names and one.ended]

    assert eventually(lambda: len(ended()) == len(names), 30)
    return sorted(ended(), key=lambda one: one.started)


def test_every_contender_gets_the_scheduled_time(
    invocations: list[Invocation], due: datetime
) -> None:
    assert {one.answer["tick"] for one in invocations} == {f"{due:%Y-%m-%dT%H:%M:%SZ}"}


def test_every_contender_gets_its_own_execution_id(
    invocations: list[Invocation],
) -> None:
    assert len({one.answer["execution"] for one in invocations}) == 3


def test_every_placeholder_of_the_scheduler_is_replaced(invocations: list[Invocation]) -> None:
    assert [one.event for one in invocations if "<aws." in json.dumps(one.event)] == []


def test_contenders_run_at_the_same_time(invocations: list[Invocation]) -> None:
    """Each waits until all have begun, which fails if they run one after another."""
    assert {one.answer["met"] for one in invocations} == {3}


def test_each_contender_has_its_own_process(invocations: list[Invocation]) -> None:
    assert len({one.answer["process"] for one in invocations}) == 3


def test_a_failure_is_recorded_and_not_retried(cloud: LocalCloud, function: str) -> None:
    def fail(name: str) -> None:
        schedule(cloud, function, name, datetime.now(UTC) + timedelta(seconds=1), fail=True)
        assert eventually(lambda: failures(name) == [True], 20)

    def failures(name: str) -> list[Any]:
        return [one.failed for one in cloud.invocations() if one.schedule == name]

    fail("failing")
    fail("failing-later")  # several sweeps of the scheduler after the first
    assert failures("failing") == [True]
