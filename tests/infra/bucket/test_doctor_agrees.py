"""`s3leader doctor` finds nothing wrong with the buckets that LockBucket makes or extends."""

import json
import re
from typing import Any

import pytest
from aws_cdk import aws_s3 as s3

from s3leader_cdk import LockBucket
from s3leader_cli.check.doctor import lifecycle, policy
from tests.infra.synth import Synthesized, plain, synthesize

WHERE = policy.Place(bucket_arn="arn:aws:s3:::locks", prefix="elections/", election="nightly")
FOLDER = "elections/nightly/"
_ARN = re.compile(r"<(?:Locks|Own)\w+\.Arn>")


def existing(**properties: Any) -> Synthesized:
    return synthesize(
        lambda stack: LockBucket(stack, "Locks", bucket=s3.Bucket(stack, "Own", **properties))
    )


@pytest.fixture(scope="module")
def templates() -> dict[str, Synthesized]:
    return {
        "new": synthesize(lambda stack: LockBucket(stack, "Locks")),
        "existing": existing(),
    }


def rules_of(template: Synthesized) -> list[dict[str, Any]]:
    """The template's rules in the form in which S3's API answers them."""
    found = plain(template.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"])
    return [
        {
            "ID": rule["Id"],
            "Status": rule["Status"],
            "Filter": {
                "And": {"Prefix": rule.get("Prefix", ""), "Tags": rule.get("TagFilters", [])}
            },
            **(
                {"Expiration": {"Days": rule["ExpirationInDays"]}}
                if "ExpirationInDays" in rule
                else {}
            ),
            **{
                name: rule[name]
                for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
                if name in rule
            },
        }
        for rule in found
    ]


def policy_of(template: Synthesized) -> dict[str, Any]:
    document = plain(template.one("AWS::S3::BucketPolicy")["PolicyDocument"])
    found: dict[str, Any] = json.loads(_ARN.sub(WHERE.bucket_arn, json.dumps(document)))
    return found


@pytest.mark.parametrize("which", ["new", "existing"])
def test_the_lifecycle_rules_are_safe(templates: dict[str, Synthesized], which: str) -> None:
    rules = rules_of(templates[which])
    levels = [each.level for each in lifecycle.check_lifecycle(rules, FOLDER, "elections/")]
    assert (levels, lifecycle.deletes_old_versions(rules, FOLDER)) == (["ok"], True)


@pytest.mark.parametrize("which", ["new", "existing"])
def test_the_policy_protects_locks(templates: dict[str, Synthesized], which: str) -> None:
    found = list(policy.check_policy(policy_of(templates[which]), WHERE))
    assert [each.level for each in found] == ["ok", "ok", "ok"]
