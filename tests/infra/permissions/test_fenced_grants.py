"""The grant on one `FencedObject`: read it, write it conditionally, and nothing else."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from s3leader_cdk import grant_fenced
from tests.infra.permissions.test_grants import OWN_ACCOUNT, function
from tests.infra.synth import Synthesized, new_stack, synthesize

KEY = "reports/latest.json"
OBJECT = "<Data666C94C7.Arn>/reports/latest.json"


def on_object(action: str, **condition: Any) -> dict[str, Any]:
    condition["StringEquals"] = OWN_ACCOUNT
    return {"Action": action, "Condition": condition, "Effect": "Allow", "Resource": OBJECT}


FENCED = [
    {
        "Action": "s3:ListBucket",
        "Condition": {"StringEquals": OWN_ACCOUNT, "StringLike": {"s3:prefix": [KEY]}},
        "Effect": "Allow",
        "Resource": "<Data666C94C7.Arn>",
    },
    on_object("s3:GetObject"),
    on_object("s3:PutObject", Null={"s3:if-none-match": "false"}),
    on_object("s3:PutObject", Null={"s3:if-match": "false"}),
]


def fenced(**properties: Any) -> Synthesized:
    def build(stack: cdk.Stack) -> None:
        grant_fenced(s3.Bucket(stack, "Data", **properties), function(stack), key=KEY)

    return synthesize(build)


def test_a_writer_of_a_fenced_object_may_read_and_conditionally_write_it_and_nothing_more() -> None:
    assert fenced().statements("AWS::IAM::Policy") == FENCED


def test_a_writer_of_a_fenced_object_may_use_the_key_of_its_bucket() -> None:
    template = fenced(encryption=s3.BucketEncryption.KMS)
    *_, statement = template.statements("AWS::IAM::Policy")
    (key,) = template.ids("AWS::KMS::Key")
    assert (statement["Action"], statement["Resource"]) == (
        ["kms:Decrypt", "kms:GenerateDataKey"],
        f"<{key}.Arn>",
    )


@pytest.mark.parametrize("key", ["", "reports/*", "reports/?.json", "${aws:username}.json"])
def test_a_key_pattern_is_rejected(key: str) -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match="expected the key of one object"):
        grant_fenced(s3.Bucket(stack, "Data"), function(stack), key=key)


def test_a_key_that_is_not_known_at_synth_is_refused() -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match="known at synth"):
        grant_fenced(s3.Bucket(stack, "Data"), function(stack), key=cdk.Aws.STACK_NAME)


REFUSED: dict[str, tuple[Callable[[cdk.Stack], s3.IBucket], str]] = {
    "a bucket of another account": (
        lambda stack: s3.Bucket.from_bucket_attributes(
            stack, "Data", bucket_name="their-data", account="222222222222"
        ),
        "to the policy of bucket their-data",
    ),
    "a key by its alias": (
        lambda stack: s3.Bucket.from_bucket_attributes(
            stack,
            "Data",
            bucket_name="our-data",
            encryption_key=kms.Alias.from_alias_name(stack, "Alias", "alias/data"),
        ),
        "permissions on an alias grant no access to its key",
    ),
}


@pytest.mark.parametrize(("bucket", "why"), REFUSED.values(), ids=REFUSED)
def test_an_incomplete_grant_is_rejected(
    bucket: Callable[[cdk.Stack], s3.IBucket], why: str
) -> None:
    stack = new_stack(account="111111111111")
    with pytest.raises(ValueError, match=why):
        grant_fenced(bucket(stack), function(stack), key=KEY)


def test_a_service_cannot_be_granted_a_fenced_object() -> None:
    stack = new_stack()
    service = iam.ServicePrincipal("ec2.amazonaws.com")
    with pytest.raises(ValueError, match="grant to the role that the service assumes"):
        grant_fenced(s3.Bucket(stack, "Data"), service, key=KEY)
