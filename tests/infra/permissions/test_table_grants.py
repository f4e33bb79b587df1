"""The grants on fenced items of DynamoDB, and on the row of an election."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from s3leader_cdk import grant_fence_row, grant_fenced_items
from tests.infra.synth import Synthesized, new_stack, synthesize

TABLE = "<TableCD117FA1.Arn>"
IN_A_TRANSACTION = {"dynamodb:EnclosingOperation": ["TransactWriteItems"]}
ITEMS = {
    "Action": [
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    ],
    "Condition": {"ForAnyValue:StringEquals": IN_A_TRANSACTION},
    "Effect": "Allow",
    "Resource": TABLE,
}
ROW = {
    "Action": "dynamodb:UpdateItem",
    "Condition": {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["nightly"]},
        "ForAnyValue:StringEquals": IN_A_TRANSACTION,
    },
    "Effect": "Allow",
    "Resource": TABLE,
}
Grant = Callable[[dynamodb.ITable, iam.IGrantable], object]


def row(table: dynamodb.ITable, grantee: iam.IGrantable) -> iam.Grant:
    return grant_fence_row(table, grantee, partition_key="nightly")


GRANTS: dict[str, tuple[Grant, dict[str, Any]]] = {
    "items": (grant_fenced_items, ITEMS),
    "row": (row, ROW),
}
BOTH = pytest.mark.parametrize(("grant", "statement"), GRANTS.values(), ids=GRANTS)


def role(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))


def table(stack: cdk.Stack, **properties: Any) -> dynamodb.Table:
    key = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    return dynamodb.Table(stack, "Table", partition_key=key, **properties)


def granted(grant: Grant, **properties: Any) -> Synthesized:
    return synthesize(lambda stack: grant(table(stack, **properties), role(stack)))


@BOTH
def test_a_fenced_writer_of_a_table_may_write_in_transactions_and_nothing_more(
    grant: Grant, statement: dict[str, Any]
) -> None:
    assert granted(grant).statements("AWS::IAM::Policy") == [statement]


@BOTH
def test_a_fenced_writer_of_a_table_may_use_its_key_through_dynamodb_alone(
    grant: Grant, statement: dict[str, Any]
) -> None:
    template = granted(grant, encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED)
    first, second = template.statements("AWS::IAM::Policy")
    (key,) = template.ids("AWS::KMS::Key")
    assert (first, second["Resource"]) == (statement, f"<{key}.Arn>")
    assert second["Condition"] == {
        "StringEquals": {"kms:ViaService": "dynamodb.<AWS::Region>.<AWS::URLSuffix>"}
    }
    assert {action.split(":")[0] for action in second["Action"]} == {"kms"}


@BOTH
def test_a_key_that_does_not_leave_access_to_iam_gets_it_in_its_own_policy(
    grant: Grant, statement: dict[str, Any]
) -> None:
    def build(stack: cdk.Stack) -> None:
        admin = iam.ArnPrincipal("arn:aws:iam::111111111111:role/admin")
        admins = iam.PolicyStatement(actions=["kms:*"], resources=["*"], principals=[admin])
        key = kms.Key(stack, "Key", policy=iam.PolicyDocument(statements=[admins]))
        grant(table(stack, encryption_key=key), role(stack))

    _, own = synthesize(build).one("AWS::KMS::Key")["KeyPolicy"]["Statement"]
    assert (own["Resource"], "kms:Decrypt" in own["Action"]) == ("*", True)


@BOTH
def test_a_grant_on_a_table_that_cannot_be_written_is_an_error_with_the_statements(
    grant: Grant, statement: dict[str, Any]
) -> None:
    stack = new_stack()
    theirs = iam.Role.from_role_arn(
        stack, "Theirs", "arn:aws:iam::111111111111:role/a", mutable=False
    )
    with pytest.raises(ValueError, match=r"(?s)dynamodb:UpdateItem.*granted_elsewhere=True"):
        grant(table(stack), theirs)


def test_a_grant_on_a_table_of_another_account_is_an_error() -> None:
    stack = new_stack(account="111111111111")
    theirs = dynamodb.Table.from_table_arn(
        stack, "Their", "arn:aws:dynamodb:eu-west-1:222222222222:table/bank"
    )
    with pytest.raises(ValueError, match="also to the policy of the table"):
        grant_fenced_items(theirs, role(stack))
    grant_fenced_items(theirs, iam.Role.from_role_name(stack, "Other", "o"), granted_elsewhere=True)


@pytest.mark.parametrize(
    "key", ["", "${aws:username}", cdk.Aws.STACK_NAME], ids=["empty", "a variable", "a token"]
)
def test_a_fence_row_is_granted_by_a_key_that_is_known(key: str) -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match=r"partition_key: expected the value .* for example"):
        grant_fence_row(table(stack), role(stack), partition_key=key)
