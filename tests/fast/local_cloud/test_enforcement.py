from pathlib import Path
from typing import Any

import pytest
from ministack.core import iam_evaluator

from local_cloud import Decision
from local_cloud.decisions import read_decisions
from local_cloud.enforcement import Enforcement

KEY = "/locks/elections/nightly/lock_0000000001.json"
UNCONDITIONAL = {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}}
ONE_TAG = {
    "ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["superseded"]},
    "StringEquals": {"s3:RequestObjectTag/superseded": "true"},
}


@pytest.fixture
def enforcement(tmp_path: Path) -> Enforcement:
    return Enforcement(tmp_path / "decisions.jsonl")


def allows(action: str, conditions: object, keys: dict[str, Any]) -> bool:
    """Return whether the emulator's own evaluator allows a request with these condition keys."""
    policy = {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": conditions}
    asked = iam_evaluator.EvalContext(
        principal_arn="arn:aws:sts::000000000000:assumed-role/any/one",
        principal_type="AssumedRole",
        principal_account="000000000000",
        action=action,
        resource_arn=f"arn:aws:s3::{KEY}",
        region="us-east-1",
        service_context={key.lower(): value for key, value in keys.items()},
    )
    statements = iam_evaluator.parse_policy_document({"Statement": [policy]})
    return bool(iam_evaluator.evaluate(asked, [statements]).decision == "Allow")


def tagging(**tags: str) -> bytes:
    each = "".join(f"<Tag><Key>{key}</Key><Value>{tags[key]}</Value></Tag>" for key in tags)
    namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    return f"<Tagging {namespace}><TagSet>{each}</TagSet></Tagging>".encode()


@pytest.mark.parametrize(
    ("headers", "unconditional"),
    [({}, True), ({"if-match": '"etag"'}, False), ({"if-none-match": "*"}, False)],
    ids=["no header", "if-match", "if-none-match"],
)
def test_a_policy_recognises_an_unconditional_write(
    enforcement: Enforcement, *, headers: dict[str, str], unconditional: bool
) -> None:
    keys = enforcement.s3_keys("s3:PutObject", {}, KEY, headers)
    assert allows("s3:PutObject", UNCONDITIONAL, keys) is unconditional


@pytest.mark.parametrize(
    ("tags", "allowed"),
    [
        ({"superseded": "true"}, True),
        ({"superseded": "false"}, False),
        ({"superseded": "true", "other": "true"}, False),
        ({"other": "true"}, False),
        ({}, False),
    ],
    ids=["that tag", "another value", "one more", "another", "none"],
)
def test_a_policy_can_ask_for_one_tag_and_no_other(
    enforcement: Enforcement, *, tags: dict[str, str], allowed: bool
) -> None:
    keys = enforcement.tag_keys("s3", "s3:PutObjectTagging", tagging(**tags), {})
    assert allows("s3:PutObjectTagging", ONE_TAG, keys) is allowed


@pytest.mark.parametrize(("account", "allowed"), [("000000000000", True), ("1" * 12, False)])
def test_a_policy_can_ask_for_the_account_of_a_bucket(account: str, *, allowed: bool) -> None:
    asked = {"StringEquals": {"aws:ResourceAccount": account}}
    assert allows("s3:GetObject", asked, {}) is allowed


def test_tags_of_a_put_object_are_condition_keys_too(enforcement: Enforcement) -> None:
    keys = enforcement.s3_keys("s3:PutObject", {}, KEY, {"x-amz-tagging": "superseded=true"})
    assert allows("s3:PutObject", ONE_TAG, keys)


def test_an_incomplete_line_is_not_read(tmp_path: Path) -> None:
    one = Decision(principal="any", action="s3:GetObject", resource="key", allowed=True)
    (tmp_path / "decisions").write_text(one.to_json() + one.to_json()[:9])
    assert read_decisions(tmp_path / "decisions") == [one]


def test_a_decision_knows_the_role() -> None:
    principal = "arn:aws:sts::000000000000:assumed-role/reader/one"
    decision = Decision(principal=principal, action="any", resource="any", allowed=True)
    assert decision.role == "reader"
