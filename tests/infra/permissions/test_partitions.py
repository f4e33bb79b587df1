"""Templates name no partition: China and GovCloud have other ARNs."""

import json
import re
from pathlib import Path

import pytest

from tests.infra.all_options import fill
from tests.infra.synth import Synthesized, new_stack, synthesize_stacks

# What no template may name: a partition, or a domain of one.
FIXED_PARTITION = re.compile(r"arn:aws:|amazonaws\.com\.cn")
ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("region", ["unknown", "cn-north-1", "us-gov-west-1"])
def test_no_template_names_a_partition_of_its_own(region: str, all_options: Synthesized) -> None:
    if region != "unknown":
        stack = new_stack("AllOptions", region=region)
        fill(stack)
        all_options = Synthesized(stack)
    assert FIXED_PARTITION.findall(json.dumps(all_options.json)) == []


@pytest.mark.parametrize(
    ("regions", "partition"),
    [("cn-north-1,cn-northwest-1", "aws-cn"), ("us-gov-west-1,us-gov-east-1", "aws-us-gov")],
)
def test_buckets_that_are_known_by_name_are_in_the_partition_of_their_region(
    regions: str, partition: str
) -> None:
    *_, away = synthesize_stacks(regions=regions).values()
    text = json.dumps(away.statements("AWS::IAM::Policy", "CompactionRole"))
    assert set(re.findall(r"arn:([^:]+):s3:::", text)) == {partition}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_that_is_to_be_pasted_names_a_partition(page: Path) -> None:
    blocks = re.findall(r"```\w+\n(.*?)```", page.read_text(), re.DOTALL)
    assert re.findall(r"arn:aws:", "".join(blocks)) == []
