"""Grants of exactly the permissions that fenced writes to DynamoDB need.

Both are limited to transactions, which is how the library writes: a plain PutItem of the grantee is
denied. IAM cannot demand the condition on the token: code that sends its own transactions can leave
it out. No grant includes a read.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Stack, Token
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from s3leader_cdk._option_types import checked_options
from s3leader_cdk._permissions.access import delegates_to_iam, readable
from s3leader_cdk._permissions.principals import (
    accepts_policies,
    account_of,
    arn_of,
    check_partition,
    checked_principal,
    known_to_differ,
    name_of,
    was_added,
)

_WRITES = ["ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem"]
# With ForAnyValue, as in AWS's examples: it holds for one value and for a list. Outside of
# transactions the key is absent, and it does not hold.
_IN_A_TRANSACTION = {
    "ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactWriteItems"]}
}
# What DynamoDB does with the key of a table on behalf of a writer.
_KEY_ACTIONS = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
]


@checked_options()
def grant_fenced_items(
    table: dynamodb.ITable, grantee: iam.IGrantable, *, granted_elsewhere: bool = False
) -> iam.Grant:
    """Let `grantee` write items of `table` as `FencedItems` does, and what a `FenceRow` guards.

    That is to put, update, delete and check items in transactions. The grant includes the table's
    KMS key.

    Args:
        table: the table of the items.
        grantee: a function, role or other principal.
        granted_elsewhere: True if you have added the statements that the error of this call lists.
    """
    return _grant(table, grantee, _WRITES, _IN_A_TRANSACTION, granted_elsewhere)


@checked_options()
def grant_fence_row(
    table: dynamodb.ITable,
    grantee: iam.IGrantable,
    *,
    partition_key: str,
    granted_elsewhere: bool = False,
) -> iam.Grant:
    """Let `grantee` raise the `FenceRow` whose partition key is `partition_key`, and no other item.

    The grant includes the table's KMS key.

    Args:
        table: the table of the fence row.
        grantee: a function, role or other principal.
        partition_key: the value of the row's partition key, a text: 'nightly-compaction'.
        granted_elsewhere: True if you have added the statements that the error of this call lists.
    """
    if not partition_key or Token.is_unresolved(partition_key) or "${" in partition_key:
        raise ValueError(
            "partition_key: expected the value of the row's partition key, known at synth and"
            f" without ${{, for example 'nightly-compaction'; got {partition_key!r}"
        )
    conditions = {
        **_IN_A_TRANSACTION,
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [partition_key]},
    }
    return _grant(table, grantee, ["UpdateItem"], conditions, granted_elsewhere)


def _grant(
    table: dynamodb.ITable,
    grantee: iam.IGrantable,
    operations: Sequence[str],
    conditions: Mapping[str, Any],
    granted_elsewhere: bool,  # noqa: FBT001 - passed on
) -> iam.Grant:
    """Add every statement, or raise `ValueError` that lists them."""
    principal = checked_principal(grantee)
    stack = Stack.of(table)
    check_partition(principal, stack, "table")
    statements = [
        iam.PolicyStatement(
            actions=[f"dynamodb:{each}" for each in operations],
            resources=[table.table_arn],
            conditions={**conditions},
        )
    ]
    if table.encryption_key is not None:
        via = {"StringEquals": {"kms:ViaService": f"dynamodb.{stack.region}.{stack.url_suffix}"}}
        key_arn = table.encryption_key.key_arn
        statements.append(
            iam.PolicyStatement(actions=_KEY_ACTIONS, resources=[key_arn], conditions=via)
        )
    grants: list[iam.Grant] = []
    if accepts_policies(principal):
        grants = [_add_to_principal(grantee, each) for each in statements]
        grants = [each for each in grants if was_added(principal, each)]
    # Across accounts, the table's own policy has to allow it too, which is left to its account.
    same_account = not known_to_differ(account_of(principal), _account_of_table(table))
    missing = [] if grants and same_account else statements
    missing = missing + _missing_in_key_policy(table.encryption_key, principal, statements[-1])
    if missing and not granted_elsewhere:
        raise ValueError(_error_message(table, grantee, principal, missing))
    if not grants:
        return iam.Grant.drop(grantee, "granted elsewhere")
    return functools.reduce(lambda one, other: one.combine(other), grants)


def _account_of_table(table: dynamodb.ITable) -> str:
    """Return the account of a table; of one that is imported, CDK knows only its ARN."""
    arn = table.table_arn
    return table.env.account if Token.is_unresolved(arn) else arn.split(":")[4]


def _add_to_principal(grantee: iam.IGrantable, statement: iam.PolicyStatement) -> iam.Grant:
    return iam.Grant.add_to_principal(
        grantee=grantee,
        actions=statement.actions,
        resource_arns=statement.resources,
        conditions=statement.conditions,
    )


def _missing_in_key_policy(
    key: kms.IKey | None, principal: iam.IPrincipal, statement: iam.PolicyStatement
) -> list[iam.PolicyStatement]:
    """Add the principal to a key policy that does not leave access to IAM; return what it lacks."""
    if key is None or delegates_to_iam(key):
        return []
    own = iam.PolicyStatement(
        actions=_KEY_ACTIONS,
        resources=["*"],
        principals=[principal],
        conditions=statement.conditions,
    )
    return [] if key.add_to_resource_policy(own).statement_added else [own]


def _error_message(
    table: dynamodb.ITable,
    grantee: iam.IGrantable,
    principal: iam.IPrincipal,
    missing: Sequence[iam.PolicyStatement],
) -> str:
    resolved = Stack.of(table).resolve([each.to_statement_json() for each in missing])
    return (
        f"{name_of(grantee)} would not get all permissions on table {table.node.path}, because this"
        f" CDK app cannot add them. Add to the policies of {arn_of(principal)} itself (statements"
        f" with a Principal: to the policy of the table's key, and in another account than the"
        f" table's also to the policy of the table):\n{json.dumps(readable(resolved), indent=2)}\n"
        f"Then pass granted_elsewhere=True."
    )
