"""docs/permissions.md lists what the templates grant."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.synth import Synthesized
from tests.local_cloud.permission_cases import CASES, DENIALS

PAGE = (Path(__file__).parents[3] / "docs" / "permissions.md").read_text()
QUOTED = set(re.findall(r"`([^`\n]+)`", PAGE))
# Resources of the stack with all options that other constructs create.
OTHERS = ("Vpc", "CustomVpc", "TopicKey", "TopicPolicy", "Key")


def rows() -> Iterator[tuple[str, str]]:
    """Yield each table row with its action, which rows without one share with the row above."""
    action = ""
    for line in PAGE.splitlines():
        if line.startswith("| "):
            action = line.split("|")[1].strip() or action
            yield action, line


def granted(stack: Synthesized) -> Iterator[str]:
    """Yield the actions in all policies of a stack."""
    for name, each in stack.json["Resources"].items():
        for document in ("PolicyDocument", "AssumeRolePolicyDocument", "KeyPolicy"):
            found = each.get("Properties", {}).get(document)
            if found and not name.startswith(OTHERS):
                for statement in found["Statement"]:
                    actions = statement["Action"]
                    yield from [actions] if isinstance(actions, str) else actions


def test_the_page_names_every_action_of_the_templates(
    all_options: Synthesized, compaction: Synthesized
) -> None:
    assert {*granted(all_options), *granted(compaction)} - QUOTED == set()


@pytest.mark.parametrize("name", [*CASES, *DENIALS])
def test_each_case_has_its_row(name: str) -> None:
    case = CASES[name] if name in CASES else DENIALS[name]
    assert [action for action, row in rows() if f"`{name}`" in row] == [
        f"`{case.permission.action}`"
    ]


def test_the_page_names_no_unknown_case() -> None:
    named = {word for word in QUOTED if re.fullmatch(r"[a-z]+(-[a-z0-9]+){2,}", word)}
    assert named - {*CASES, *DENIALS} == set()


def test_only_lambda_may_act_in_the_function_s_role(compaction: Synthesized) -> None:
    (statement,) = compaction.one("AWS::IAM::Role", "CompactionRole")["AssumeRolePolicyDocument"][
        "Statement"
    ]
    assert statement == {
        "Action": "sts:AssumeRole",
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
    }


def test_nobody_may_invoke_the_function_by_its_own_policy(compaction: Synthesized) -> None:
    assert compaction.ids("AWS::Lambda::Permission") == []
