"""The local cloud starts the contenders of one tick at the same time, each in its own process."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local_cloud import Invocation, LocalCloud
from tests.local_cloud.test_lifetime import eventually

ROLE = "arn:aws:iam::000000000000:role/any"
# Each waits until all have begun, which they never do if they run one after another.
HANDLER = """
import os, pathlib, time
def handler(event, context):
    here = pathlib.Path(event["meet"])
    (here / event["execution"]).touch()
    while len(list(here.iterdir())) < 3 and context.get_remaining_time_in_millis() > 5000:
        time.sleep(0.05)
    return {"process": os.getpid(), "met": len(list(here.iterdir()))}
"""
NAMES = ("contender-1", "contender-2", "contender-3")


def test_contenders_run_at_the_same_time_in_processes_of_their_own(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("code.py", HANDLER)
    function = cloud.client("lambda").create_function(
        FunctionName="noted",
        Runtime="python3.14",
        Handler="code.handler",
        Role=ROLE,
        Code={"ZipFile": archive.getvalue()},
        Timeout=120,
    )
    due = datetime.now(UTC) + timedelta(seconds=2)
    event = json.dumps({"execution": "<aws.scheduler.execution-id>", "meet": str(tmp_path)})
    for name in NAMES:
        cloud.client("scheduler").create_schedule(
            Name=name,
            ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": function["FunctionArn"], "RoleArn": ROLE, "Input": event},
        )

    def ended() -> list[Invocation]:
        return [one for one in cloud.invocations() if one.schedule in NAMES and one.ended]

    assert eventually(lambda: len(ended()) == len(NAMES), 30)
    assert {one.answer["met"] for one in ended()} == {3}
    assert len({one.answer["process"] for one in ended()}) == 3
