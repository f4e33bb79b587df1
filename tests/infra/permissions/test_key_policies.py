"""When a key's policy has to name a candidate: unless it delegates access to its account's IAM."""

from typing import Any

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from s3leader_cdk import LockBucket
from tests.infra.permissions.test_access import HERE, THERE, here, key_policy
from tests.infra.permissions.test_grants import role
from tests.infra.synth import Json, Synthesized, new_stack

ADMINISTRATOR = iam.ArnPrincipal(f"arn:aws:iam::{HERE}:role/administrator")
VIA_S3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}


def added(*statements: iam.PolicyStatement) -> list[Json]:
    """Return what a grant to a role adds to a key's policy that has `statements`."""
    stack = here()
    key = kms.Key(stack, "Key", policy=iam.PolicyDocument(statements=[*statements]))
    locks = LockBucket(stack, "Locks", encryption_key=key)
    locks.grant_candidate(role(stack), election="nightly")
    found = key_policy(Synthesized(stack))
    return [each for each in found if each["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]]


def allow(principal: iam.IPrincipal, action: str = "kms:*", **more: Any) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=[action], resources=["*"], principals=[principal], **more)


DELEGATING = {
    "the account": iam.AccountRootPrincipal(),
    "its ARN": iam.ArnPrincipal(f"arn:aws:iam::{HERE}:root"),
    "its number": iam.ArnPrincipal(HERE),
}
NOT_DELEGATING = {
    "another account": [allow(iam.AccountPrincipal(THERE))],
    "another account and a role": [
        allow(iam.CompositePrincipal(iam.AccountPrincipal(THERE), ADMINISTRATOR))
    ],
    "the account under a condition": [allow(iam.AccountRootPrincipal(), conditions=VIA_S3)],
    "some actions only": [allow(iam.AccountRootPrincipal(), "kms:Describe*")],
    "each of them": [
        allow(ADMINISTRATOR),
        allow(iam.AccountPrincipal(THERE)),
        allow(iam.AccountRootPrincipal(), "kms:Describe*"),
        allow(iam.AccountRootPrincipal(), conditions=VIA_S3),
    ],
    "a denial": [
        allow(ADMINISTRATOR),
        allow(iam.AccountRootPrincipal(), effect=iam.Effect.DENY, conditions=VIA_S3),
    ],
}


@pytest.mark.parametrize("principal", DELEGATING.values(), ids=DELEGATING)
def test_a_key_policy_that_delegates_to_its_account_is_left_unchanged(
    principal: iam.IPrincipal,
) -> None:
    assert added(allow(ADMINISTRATOR, "kms:Describe*"), allow(principal)) == []


@pytest.mark.parametrize("statements", NOT_DELEGATING.values(), ids=NOT_DELEGATING)
def test_a_key_whose_policy_does_not_trust_its_account_is_granted_by_that_policy(
    statements: list[iam.PolicyStatement],
) -> None:
    (statement,) = added(*statements)
    assert "Fn::GetAtt" in statement["Principal"]["AWS"]


def test_cdk_s_default_key_policy_delegates_in_a_stack_whose_account_is_unknown() -> None:
    stack = new_stack()
    locks = LockBucket(stack, "Locks", encryption_key=kms.Key(stack, "Key"))
    locks.grant_candidate(role(stack), election="nightly")
    assert len(key_policy(Synthesized(stack))) == 1
