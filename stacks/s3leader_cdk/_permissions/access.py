"""Access to a bucket: grants all permissions, or raises an error that lists the missing statements.

A principal needs an Allow in its own (identity-based) policies or in the bucket's (resource-based)
policy, across accounts in both; the bucket's KMS key needs the same. CDK's `grant*` methods skip
statements they cannot add, report success anyway, and omit conditions from bucket policies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from s3leader_cdk._bucket.encryption import is_encrypted_by_aws_managed_key
from s3leader_cdk._cdk_facts import arn_of_bucket, is_unresolved, place_of, stack_of
from s3leader_cdk._permissions.acknowledgments import flat
from s3leader_cdk._permissions.principals import (
    accepts_policies,
    account_of,
    arn_of,
    cannot_be_principal,
    check_partition,
    checked_principal,
    is_account_wide,
    known_to_differ,
    name_of,
    was_added,
)


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Actions on the objects whose keys match `key_patterns`, or on the bucket if it is empty."""

    actions: Sequence[str]
    key_patterns: Sequence[str] = ()
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Statement:
    """What a policy statement says, as long as CDK does not need to know."""

    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Mapping[str, Any] = field(default_factory=dict)

    def in_policy(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            actions=[*self.actions], resources=[*self.resources], conditions=self.conditions
        )


@dataclass(frozen=True, kw_only=True)
class BucketAccess:
    """The permissions that a principal needs on a bucket and on the KMS key that encrypts it."""

    bucket: s3.IBucket
    kms_key: kms.IKey | None
    permissions: Sequence[Permission]
    kms_actions: Sequence[str]

    def grant(self, grantee: iam.IGrantable, *, granted_elsewhere: bool) -> iam.Grant:
        """Add every statement, or raise `ValueError` naming each missing one and where to add it.

        With `granted_elsewhere`, what this app cannot add is assumed to be granted already.
        """
        principal = checked_principal(grantee)
        check_partition(principal, stack_of(self.bucket))
        self._check_key_can_be_used(grantee, principal)
        same_account = _is_same(account_of(principal), place_of(self.bucket).account)
        by_identity = self._by_identity_policy(grantee, principal)
        by_bucket: list[iam.Grant] = []
        missing: list[str] = []
        # IAM: within one account an Allow in either policy is enough; across accounts both need
        # one. An Allow for a whole account gives its roles nothing without one in their policies.
        needs_identity_policy = not same_account or is_account_wide(principal)
        needs_bucket_policy = not same_account or not by_identity
        if needs_identity_policy and not by_identity:
            place = f"the policies of {arn_of(principal)} itself"
            statements = [each.in_policy() for each in self._identity_statements(principal)]
            missing.append(_instruction(place, statements, Stack.of(self.bucket)))
        if needs_bucket_policy:
            by_bucket = self._by_bucket_policy(grantee, principal)
        if needs_bucket_policy and not by_bucket:
            place = f"the policy of bucket {self.bucket.bucket_name}"
            statements = self._bucket_statements(principal)
            missing.append(_instruction(place, statements, self._stack_for_arn(principal)))
        missing += self._by_key_policy(principal, has_identity_policy=bool(by_identity))
        if missing and not granted_elsewhere:
            raise ValueError(self._error_message(grantee, principal, missing))
        grants = [*by_identity, *by_bucket]
        return _combined(grants) if grants else iam.Grant.drop(grantee, "granted elsewhere")

    def _check_key_can_be_used(self, grantee: iam.IGrantable, principal: iam.IPrincipal) -> None:
        account, own = account_of(principal), place_of(self.bucket).account
        if known_to_differ(account, own) and is_encrypted_by_aws_managed_key(self.bucket):
            raise ValueError(
                f"{name_of(grantee)} is in account {account}, but bucket {self.bucket.node.path}"
                f" encrypts with aws/s3, a key that only account {own} can use: give the bucket an"
                " encryption_key"
            )

    def _by_identity_policy(
        self, grantee: iam.IGrantable, principal: iam.IPrincipal
    ) -> list[iam.Grant]:
        if not accepts_policies(principal):
            return []
        first, *others = self._identity_statements(principal)
        grant = _add_to_principal(grantee, first)
        # A principal accepts either all statements or none, so the first one shows which.
        if not was_added(principal, grant):
            return []
        return [grant, *(_add_to_principal(grantee, each) for each in others)]

    def _by_bucket_policy(
        self, grantee: iam.IGrantable, principal: iam.IPrincipal
    ) -> list[iam.Grant]:
        if cannot_be_principal(principal):
            raise ValueError(
                f"{name_of(grantee)} is a group or a policy, which a bucket policy cannot name as a"
                " principal: grant to roles"
            )
        grants = [
            iam.Grant.add_statement_to_resource_policy(
                statement=each,
                grantee=grantee,
                actions=each.actions,
                resource_arns=each.resources,
                resource=self.bucket,
            )
            for each in self._bucket_statements(principal)
        ]
        # CDK cannot edit an imported bucket's policy, yet reports success.
        return [] if self.bucket.policy is None else grants

    def _by_key_policy(self, principal: iam.IPrincipal, *, has_identity_policy: bool) -> list[str]:
        """Add the principal to the key policy if required; list what could not be added."""
        kms_key = self.kms_key
        if kms_key is None:
            return []
        # An environment-agnostic stack may well be deployed to the account in the key's ARN, so
        # only accounts that are known to differ count as cross-account.
        cross_account = known_to_differ(account_of(principal), kms_key.env.account)
        if has_identity_policy and not cross_account and delegates_to_iam(kms_key):
            return []
        statement = iam.PolicyStatement(
            actions=[*self.kms_actions], resources=["*"], principals=[principal]
        )
        if kms_key.add_to_resource_policy(statement).statement_added:
            return []
        place = f"the policy of key {kms_key.key_arn}"
        return [_instruction(place, [statement], self._stack_for_arn(principal))]

    def _stack_for_arn(self, principal: iam.IPrincipal) -> Stack:
        """Return a stack in which the principal's ARN can be resolved."""
        return Stack.of(cast("Any", principal) if hasattr(principal, "node") else self.bucket)

    def _identity_statements(self, principal: iam.IPrincipal) -> list[_Statement]:
        account = account_of_bucket(self.bucket, account_of(principal))
        # If the bucket is deleted, another account can create one of the same name; this condition
        # blocks access to it (bucket sniping).
        equal = None if account is None else {"aws:ResourceAccount": account}
        statements = self._statements(equal)
        if self.kms_key is not None:
            # Not `kms_key.grant()`, which falls back to resource `*` across Regions.
            arns = [self.kms_key.key_arn]
            statements.append(_Statement(actions=self.kms_actions, resources=arns))
        return statements

    def _bucket_statements(self, principal: iam.IPrincipal) -> list[iam.PolicyStatement]:
        statements = [each.in_policy() for each in self._statements()]
        for statement in statements:
            statement.add_principals(principal)
        return statements

    def _statements(self, equal: Mapping[str, str] | None = None) -> list[_Statement]:
        """Return a statement per permission, with the values of `equal` added to `StringEquals`."""
        statements = []
        for permission in self.permissions:
            conditions: dict[str, Any] = {
                name: {**each} for name, each in permission.conditions.items()
            }
            if equal:
                conditions["StringEquals"] = {**conditions.get("StringEquals", {}), **equal}
            bucket = arn_of_bucket(self.bucket)
            arns = [f"{bucket}/{pattern}" for pattern in permission.key_patterns]
            statements.append(
                _Statement(
                    actions=permission.actions, resources=arns or [bucket], conditions=conditions
                )
            )
        return statements

    def _error_message(
        self, grantee: iam.IGrantable, principal: iam.IPrincipal, missing: Sequence[str]
    ) -> str:
        accounts = [account_of(principal) or "", place_of(self.bucket).account]
        unknown = [each for each in accounts if is_unresolved(each)]
        hint = ""
        if len(unknown) == 1:
            hint = " If both are in one account, give their stacks env=Environment(account=…)."
        return (
            f"{name_of(grantee)} would get only some of the permissions on bucket"
            f" {self.bucket.node.path}, because this CDK app cannot add the others. Add"
            f" {' And add '.join(missing)}Then pass granted_elsewhere=True.{hint}"
        )


def account_of_bucket(bucket: s3.IBucket, asking: str | None) -> str | None:
    """Return the account that `bucket` is in, which may be a token.

    None if the token would resolve to the wrong account in a policy of account `asking`.
    """
    account = place_of(bucket).account
    # A token resolves to the account of the stack that uses it, which may be another account.
    if is_unresolved(account) and asking is not None and not is_unresolved(asking):
        return None
    return account


def delegates_to_iam(kms_key: kms.IKey) -> bool:
    """Return whether the key policy delegates access control to IAM policies in the key's account.

    It does so by an unconditional Allow of `kms:*` for that account. That is the default of CDK and
    KMS, and is assumed for imported keys.
    """
    resource = kms_key.node.default_child
    if not isinstance(resource, kms.CfnKey):
        return True
    stack = Stack.of(kms_key)
    account = flat(stack.resolve(stack.account))
    policy = stack.resolve(resource.key_policy)
    statements = policy.get("Statement", []) if isinstance(policy, Mapping) else []
    return any(
        each.get("Effect") == "Allow"
        and "kms:*" in _as_list(each.get("Action"))
        and not each.get("Condition")
        and _names_account(each.get("Principal"), account)
        for each in statements
    )


def _names_account(principal: object, account: str) -> bool:
    names = _as_list(principal.get("AWS")) if isinstance(principal, Mapping) else []
    arns = [flat(each) for each in names]
    return any(arn == account or arn.endswith(f":iam::{account}:root") for arn in arns)


def _add_to_principal(grantee: iam.IGrantable, statement: _Statement) -> iam.Grant:
    return iam.Grant.add_to_principal(
        grantee=grantee,
        actions=[*statement.actions],
        resource_arns=[*statement.resources],
        conditions=statement.conditions,
    )


def _is_same(one: str | None, other: str) -> bool:
    """Return whether two accounts are known to be the same.

    Two unresolved accounts count as the same, as stacks of one app usually share their account.
    """
    if one is None or one == other:
        return one is not None
    return is_unresolved(one) and is_unresolved(other)


def _instruction(place: str, statements: Sequence[iam.PolicyStatement], stack: Stack) -> str:
    """Return "to <place>:" and the statements as JSON, with their tokens resolved in `stack`."""
    resolved = stack.resolve([each.to_statement_json() for each in statements])
    name = flat(stack.resolve(place))
    return f"to {name}:\n{json.dumps(readable(resolved), indent=2)}\n"


def readable(value: object) -> object:
    """Replace each CloudFormation function in `value` by a short text, such as `<Bucket.Arn>`."""
    if isinstance(value, list):
        return [readable(each) for each in value]
    if isinstance(value, Mapping):
        intrinsic = len(value) == 1 and next(iter(value)) in {"Ref", "Fn::GetAtt", "Fn::Join"}
        return flat(value) if intrinsic else {key: readable(each) for key, each in value.items()}
    return value


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _combined(grants: Sequence[iam.Grant]) -> iam.Grant:
    first, *others = grants
    for other in others:
        first = first.combine(other)
    return first
