"""A singleton task, deployed, and its contenders run as processes.

The emulator creates the task definition and the schedules, but it has no containers, and its
Scheduler starts no task. So a contender here is what ECS would start: the container's command, in
the environment of the deployed task definition and of the overrides that the deployed schedule
carries, with the tick in place of the context attribute. Its S3 is the emulator's. Not shown: the
image, the network, IAM, Scheduler's call of RunTask, and that CloudWatch makes metrics of the
lines.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud
from s3leader import Election
from s3leader_cdk.log_metrics import LINE_METRICS
from tests.local_cloud.test_lifetime import eventually

EXAMPLE = Path(__file__).parents[2] / "examples" / "container_task"
TICKS = [f"2026-11-23T0{hour}:00:00Z" for hour in range(7)]
ATTRIBUTE = "<aws.scheduler.scheduled-time>"
ELECTION = "hourly-report"


@dataclass
class Deployed:
    """The task as the emulator has it."""

    cloud: LocalCloud
    definition: dict[str, Any]
    targets: list[dict[str, Any]]  # of the contenders' schedules

    def start(self, contender: int, tick: str, **more: str) -> subprocess.Popen[str]:
        """Start what ECS would start for a contender."""
        (container,) = self.definition["containerDefinitions"]
        text = self.targets[contender - 1]["Input"].replace(ATTRIBUTE, tick)
        (override,) = json.loads(text)["containerOverrides"]
        assert override["name"] == container["name"]
        given = [*container["environment"], *override["environment"]]
        environment = {each["name"]: each["value"] for each in given}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return subprocess.Popen(
            container["command"],
            cwd=EXAMPLE / "image",
            env={**self.cloud.env, "PATH": path, **environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def election(self) -> Election:
        (container,) = self.definition["containerDefinitions"]
        variables = {each["name"]: each["value"] for each in container["environment"]}
        client = self.cloud.client("s3")
        return Election(ELECTION, bucket=variables["S3LEADER_BUCKET"], client=client)


@pytest.fixture(scope="module")
def deployed(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """The example's template, by CloudFormation: the CDK CLI would build the image first."""
    assembly = tmp_path_factory.mktemp("task")
    environment = os.environ | {"CDK_OUTDIR": str(assembly), "CDK_VALIDATION": "false"}
    subprocess.run([sys.executable, str(EXAMPLE / "app.py")], env=environment, check=True)
    cloud.bootstrap()
    stacks = cloud.client("cloudformation")
    template = json.loads((assembly / "Report.template.json").read_text())
    body = json.dumps(template, separators=(",", ":"))  # at most 51,200 characters
    capabilities = ["CAPABILITY_IAM"]
    stacks.create_stack(StackName="Report", TemplateBody=body, Capabilities=capabilities)
    stacks.get_waiter("stack_create_complete").wait(StackName="Report", WaiterConfig={"Delay": 1})
    resources = stacks.describe_stack_resources(StackName="Report")["StackResources"]
    ids = {each["LogicalResourceId"]: each for each in resources}
    (task,) = (each for each in ids.values() if each["ResourceType"] == "AWS::ECS::TaskDefinition")
    definition = cloud.client("ecs").describe_task_definition(
        taskDefinition=task["PhysicalResourceId"]
    )
    scheduler = cloud.client("scheduler")
    targets = []
    for each in scheduler.list_schedules()["Schedules"]:
        if "Hourly" in each["Name"]:
            name = {"Name": each["Name"], "GroupName": each["GroupName"]}
            targets.append(scheduler.get_schedule(**name)["Target"])
    return Deployed(
        cloud, definition["taskDefinition"], sorted(targets, key=lambda each: str(each["Input"]))
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, list[dict[str, Any]]]:
    """Return the exit code, the command's output, and the lines of the wrapper."""
    out, err = process.communicate(timeout=60)
    lines = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    return process.returncode, out, lines


def test_ecs_takes_the_input_of_a_schedule_as_overrides(deployed: Deployed) -> None:
    ecs = deployed.cloud.client("ecs")  # botocore refuses what is not of RunTask's shape
    target = deployed.targets[0]
    started = ecs.run_task(
        cluster=target["Arn"],
        taskDefinition=target["EcsParameters"]["TaskDefinitionArn"],
        launchType=target["EcsParameters"]["LaunchType"],
        overrides=json.loads(target["Input"].replace(ATTRIBUTE, TICKS[0])),
    )
    assert (len(started["tasks"]), started["failures"]) == (1, [])


def test_of_the_contenders_of_a_tick_one_runs_the_command(deployed: Deployed) -> None:
    working = {"WORK_SECONDS": "1"}
    results = [ended(each) for each in [deployed.start(k, TICKS[1], **working) for k in (1, 2)]]
    assert [code for code, _, _ in results] == [0, 0]
    (printed,) = (out for _, out, _ in results if out)
    assert printed == f"reporting for {TICKS[1]} with token 1, attempt 1\n"
    lost, won = sorted((lines for _, _, lines in results), key=len)
    assert [each["event"] for each in won] == ["elected", "ended"]
    assert [(each["event"], each["reason"]) for each in lost] == [("not_elected", "done")]


def test_a_late_contender_does_not_run_a_completed_tick_again(deployed: Deployed) -> None:
    assert ended(deployed.start(1, TICKS[2]))[0] == 0
    code, out, (line,) = ended(deployed.start(2, TICKS[2]))
    assert (code, out, line["reason"]) == (0, "", "done")


def test_the_other_contender_takes_over_from_one_that_is_killed(deployed: Deployed) -> None:
    # The lease of a deployed task is 30 seconds; a shorter one makes the test shorter.
    quick = {"S3LEADER_LEASE_SECONDS": "5", "S3LEADER_WAIT_SECONDS": "40"}
    first = deployed.start(1, TICKS[3], WORK_SECONDS="60", **quick)
    assert eventually(lambda: leads(deployed, TICKS[3]), 30)
    second = deployed.start(2, TICKS[3], **quick)
    first.send_signal(signal.SIGKILL)
    code, out, lines = ended(second)
    first.communicate(timeout=60)
    assert code == 0
    assert out.endswith("attempt 2\n")
    assert lines[0]["taken_over"] is True
    assert [lock.outcome for lock in deployed.election().history(limit=2)] == [
        "completed",
        "deposed",
    ]


def leads(deployed: Deployed, tick: str) -> bool:
    lock = deployed.election().observe()
    return lock is not None and f"{lock.tick:%Y-%m-%dT%H:%M:%SZ}" == tick


def test_a_command_that_fails_ends_the_task_with_its_code(deployed: Deployed) -> None:
    code, _, lines = ended(deployed.start(1, TICKS[4], WORK_SECONDS="a while"))
    assert (code != 0, lines[-1]["outcome"], lines[-1]["status"]) == (True, "failed", code)


def test_the_other_contender_leads_a_failed_tick_again_at_once(deployed: Deployed) -> None:
    first = deployed.start(1, TICKS[5], WORK_SECONDS="3x")  # the command fails
    assert ended(first)[0] != 0
    code, out, _ = ended(deployed.start(2, TICKS[5]))
    assert (code, out.endswith("attempt 2\n")) == (0, True)


def test_the_filters_of_the_stack_count_the_lines_of_the_command(deployed: Deployed) -> None:
    lines = ended(deployed.start(2, TICKS[6]))[2]
    bucket = lines[0]["bucket"]
    counted = {
        each.id
        for each in LINE_METRICS
        for line in lines
        for wanted in [each.conditions(bucket=bucket, election=ELECTION)]
        if all(k in line if v is None else line.get(k) == v for k, v in wanted.items())
    }
    expected = {"Won", "WonByContender", "Completed"}
    assert counted == expected | {"RequestsEnded", "BehindEnded", "DurationEnded"}
    filters = deployed.cloud.client("logs").describe_metric_filters()["metricFilters"]
    patterns = [each["filterPattern"] for each in filters if ELECTION in each["filterPattern"]]
    assert len(patterns) == len(LINE_METRICS)
    assert all(f'$.bucket = "{bucket}"' in each for each in patterns)
