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
SINGLE, HOME = "S3LeaderCompaction", "S3LeaderCompaction-home"
REGIONS = ("us-east-1", "eu-west-1")


@pytest.fixture(scope="module")
def app(compaction: Synthesized) -> dict[str, Synthesized]:
    return {SINGLE: compaction, **synthesize_stacks(regions=",".join(REGIONS))}


@pytest.mark.parametrize("stack", [SINGLE, HOME])
def test_deployed_resources_of_the_app_are_not_replaced(
    stack: str, app: dict[str, Synthesized]
) -> None:
    resources = app[stack].json["Resources"]
    for logical_id, deployed in DEPLOYED[stack].items():
        found = resources[logical_id]
        kept = {name: found["Properties"].get(name) for name in deployed if name != "Type"}
        assert {"Type": found["Type"], **kept} == deployed, logical_id


@pytest.mark.parametrize("region", REGIONS)
def test_contenders_of_a_region_have_the_ids_of_those_of_the_only_region(
    region: str, app: dict[str, Synthesized]
) -> None:
    found = app[f"{SINGLE}-{region}"].json["Resources"]
    assert found.keys() >= DEPLOYED[SINGLE].keys() - DEPLOYED[HOME].keys()


def test_further_schedules_and_a_layer_keep_their_ids() -> None:
    def everything(stack: cdk.Stack) -> None:
        build(stack, schedule=["rate(1 hour)", "cron(0 3 * * ? *)"])
        RuntimeLayer(stack, "Layer")

    assert synthesize(everything).json["Resources"].keys() >= {
        "JobContendersSchedule1At21138BAF5",
        "JobContendersSchedule2At29747BE0A",
        "LayerB20D2F06",
    }
