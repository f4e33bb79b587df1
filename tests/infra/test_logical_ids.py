"""Logical ids of what has content: a changed id would replace a user's bucket, queue or log group.

`deployed_resources.json` lists them as an earlier release deployed the app. If a test here fails, a
construct was moved: move it back. The lists may only grow.
"""

import json
from pathlib import Path

import aws_cdk as cdk
import pytest

from s3leader_cdk import RuntimeLayer
from tests.infra.jobs import build
from tests.infra.synth import Json, Synthesized, synthesize, synthesize_stacks

DEPLOYED: Json = json.loads(Path(__file__).with_name("deployed_resources.json").read_text())
KINDS = {each["Type"] for stack in DEPLOYED.values() for each in stack.values()}
JOB = {
    "JobContendersGroupBBF27BCC",
    "JobContendersRole664346DF",
    "JobContendersSchedule11D8F31E9",
    "JobContendersSchedule1At21138BAF5",
    "JobContendersSchedule2FDE067E8",
    "JobContendersSchedule2At29747BE0A",
    "JobContendersUndeliveredDC7B6DA4",
    "JobUnprocessed87BAA263",
    "LocksBucket941BDB31",
    "LocksBucketPolicy8E01ED95",
}


@pytest.fixture(scope="module")
def app(compaction: Synthesized) -> dict[str, Synthesized]:
    return {"S3LeaderCompaction": compaction, **synthesize_stacks(regions="us-east-1,eu-west-1")}


@pytest.mark.parametrize(
    ("stack", "logical_id"), [(name, each) for name, ids in DEPLOYED.items() for each in ids]
)
def test_a_deployed_resource_of_the_app_is_not_replaced(
    stack: str, logical_id: str, app: dict[str, Synthesized]
) -> None:
    deployed = DEPLOYED[stack][logical_id]
    found = app[stack].json["Resources"][logical_id]
    kept = {name: found["Properties"].get(name) for name in deployed if name != "Type"}
    assert {"Type": found["Type"], **kept} == deployed


@pytest.fixture(scope="module")
def job() -> Synthesized:
    def everything(stack: cdk.Stack) -> None:
        build(stack, schedule=["rate(1 hour)", "cron(0 3 * * ? *)"])
        RuntimeLayer(stack, "Layer")

    return synthesize(everything)


def test_resources_of_a_job_itself_keep_the_ids_from_before_job_functions(
    job: Synthesized,
) -> None:
    assert job.json["Resources"].keys() >= JOB


def test_no_other_resource_with_content_is_in_a_job(job: Synthesized) -> None:
    found = {each for kind in KINDS for each in job.ids(kind)}
    assert {each.rstrip("0123456789ABCDEF") for each in found - JOB} == {
        "JobFunction",
        "JobFunctionEventInvokeConfig",
        "JobFunctionLogGroup",
        "JobFunctionRole",
    }


def test_a_layer_keeps_its_id(job: Synthesized) -> None:
    assert job.ids("AWS::Lambda::LayerVersion") == ["LayerB20D2F06"]
