"""Access to objects of one bucket: all that it takes is granted, or an error says what is missing.

An identity needs a statement in its own policies, in the bucket's policy, or, across accounts, in
both; and the same again for the bucket's key. CDK's own grants leave out what they cannot write,
call that a success, and drop the conditions of what they write to a bucket's policy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from aws_cdk import Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from s3leader_cdk.acknowledgments import flat
from s3leader_cdk.principals import (
    account_of,
    arn_of,
    check_partition,
    checked_principal,
    delegates,
    has_taken,
    is_unnameable,
    name_of,
    takes_policies,
)


@dataclass(frozen=True, kw_only=True)
class Need:
    """Actions on objects whose keys match the patterns; without any, on the bucket itself."""

    actions: Sequence[str]
    keys: Sequence[str] = ()
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Access:
    """What is needed on a bucket, and on the key that encrypts it."""

    bucket: s3.IBucket
    key: kms.IKey | None
    needs: Sequence[Need]
    key_actions: Sequence[str]

    def grant(self, grantee: iam.IGrantable, *, granted_elsewhere: bool) -> iam.Grant:
        """Grant all of it, or raise `ValueError` with the statements that are to be added where.

        With `granted_elsewhere`, what cannot be granted from here is taken to be there.
        """
        principal = checked_principal(grantee)
        check_partition(principal, Stack.of(self.bucket))
        grants = self._by_own_policy(grantee, principal)
        missing: list[str] = []
        near = _is_same(account_of(principal), self.bucket.env.account)
        if not grants and (delegates(principal) or not near):
            place = f"the policies of {arn_of(principal)} itself"
            missing.append(_text(place, self._own_statements(principal), Stack.of(self.bucket)))
        if not (grants and near):
            by_bucket = self._by_bucket_policy(grantee, principal)
            if not by_bucket:
                place = f"the policy of bucket {self.bucket.bucket_name}"
                missing.append(
                    _text(place, self._bucket_statements(principal), self._near(principal))
                )
            missing += self._by_key_policy(principal, own=bool(grants))
            grants = [*grants, *by_bucket]
        else:
            missing += self._by_key_policy(principal, own=True)
        if missing and not granted_elsewhere:
            raise ValueError(self._refusal(grantee, principal, missing))
        return _all(grants) if grants else iam.Grant.drop(grantee, "granted elsewhere")

    def _by_own_policy(self, grantee: iam.IGrantable, principal: iam.IPrincipal) -> list[iam.Grant]:
        if not takes_policies(principal):
            return []
        first, *others = self._own_statements(principal)
        grant = _add_to_principal(grantee, first)
        if not has_taken(principal, grant):
            return []
        return [grant, *(_add_to_principal(grantee, each) for each in others)]

    def _by_bucket_policy(
        self, grantee: iam.IGrantable, principal: iam.IPrincipal
    ) -> list[iam.Grant]:
        if is_unnameable(principal):
            raise ValueError(
                f"{name_of(grantee)} is a group or a policy, which the policy of a bucket cannot"
                " name: grant to roles"
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
        # An imported bucket takes no statement, and CDK still calls the grant a success.
        return [] if self.bucket.policy is None else grants

    def _by_key_policy(self, principal: iam.IPrincipal, *, own: bool) -> list[str]:
        """Let the key's policy name the principal where it has to; return what that lacks."""
        key = self.key
        if key is None:
            return []
        # The ARN of an imported key names an account, which a stack without one may well be in.
        far = _is_other(account_of(principal), key.env.account)
        if own and not far and trusts_its_account(key):
            return []
        statement = iam.PolicyStatement(
            actions=[*self.key_actions], resources=["*"], principals=[principal]
        )
        if key.add_to_resource_policy(statement).statement_added:
            return []
        return [_text(f"the policy of key {key.key_arn}", [statement], self._near(principal))]

    def _near(self, principal: iam.IPrincipal) -> Stack:
        """Return a stack in which the principal's ARN can be written out."""
        return Stack.of(cast("Any", principal) if hasattr(principal, "node") else self.bucket)

    def _own_statements(self, principal: iam.IPrincipal) -> list[iam.PolicyStatement]:
        account = account_of_bucket(self.bucket, account_of(principal))
        if account is None:
            own = self._statements()
        else:
            # Another account may take the name of a bucket that is gone. Nothing goes there then.
            own = self._statements(equal={"aws:ResourceAccount": account})
        if self.key is not None:
            # Not by the key's own grant, which takes refuge in `*` across Regions.
            key = iam.PolicyStatement(actions=[*self.key_actions], resources=[self.key.key_arn])
            own.append(key)
        return own

    def _bucket_statements(self, principal: iam.IPrincipal) -> list[iam.PolicyStatement]:
        found = self._statements()
        for statement in found:
            statement.add_principals(principal)
        return found

    def _statements(self, equal: Mapping[str, str] | None = None) -> list[iam.PolicyStatement]:
        found = []
        for need in self.needs:
            conditions: dict[str, Any] = {name: {**each} for name, each in need.conditions.items()}
            if equal:
                conditions["StringEquals"] = {**conditions.get("StringEquals", {}), **equal}
            resources = [self.bucket.arn_for_objects(key) for key in need.keys]
            found.append(
                iam.PolicyStatement(
                    actions=[*need.actions],
                    resources=resources or [self.bucket.bucket_arn],
                    conditions=conditions,
                )
            )
        return found

    def _refusal(
        self, grantee: iam.IGrantable, principal: iam.IPrincipal, missing: Sequence[str]
    ) -> str:
        accounts = [account_of(principal) or "", self.bucket.env.account]
        unknown = [each for each in accounts if Token.is_unresolved(each)]
        hint = ""
        if len(unknown) == 1:
            hint = (
                " If both are in one account, say so: give their stacks env=Environment(account=…)."
            )
        return (
            f"{name_of(grantee)} would get only a part of the rights on bucket"
            f" {self.bucket.node.path}, as the rest cannot be written from here. Add"
            f" {' And add '.join(missing)}Then pass granted_elsewhere=True.{hint}"
        )


def account_of_bucket(bucket: s3.IBucket, asking: str | None) -> str | None:
    """Return the account that `bucket` is in, as far as account `asking` can name it."""
    account = bucket.env.account
    # A token means the account of the stack that it is written in, and that may be another one.
    if Token.is_unresolved(account) and asking is not None and not Token.is_unresolved(asking):
        return None
    return account


def trusts_its_account(key: kms.IKey) -> bool:
    """Tell whether the key's policy leaves it to its account's policies who may use it.

    That is CDK's and KMS's default, and is believed of a key that is imported.
    """
    resource = key.node.default_child
    if not isinstance(resource, kms.CfnKey):
        return True
    policy = Stack.of(key).resolve(resource.key_policy)
    statements = policy.get("Statement", []) if isinstance(policy, Mapping) else []
    return any(
        each.get("Effect") == "Allow"
        and "kms:*" in _listed(each.get("Action"))
        and ":root" in json.dumps(each.get("Principal"))
        for each in statements
    )


def _add_to_principal(grantee: iam.IGrantable, statement: iam.PolicyStatement) -> iam.Grant:
    return iam.Grant.add_to_principal(
        grantee=grantee,
        actions=statement.actions,
        resource_arns=statement.resources,
        conditions=statement.conditions,
    )


def _is_same(one: str | None, other: str) -> bool:
    """Tell whether two accounts are known to be the same; two tokens are, within one app."""
    if one is None or one == other:
        return one is not None
    return bool(Token.is_unresolved(one) and Token.is_unresolved(other))


def _is_other(one: str | None, other: str) -> bool:
    """Tell whether two accounts are known to be different."""
    known = one is not None and not Token.is_unresolved(one) and not Token.is_unresolved(other)
    return known and one != other


def _text(place: str, statements: Sequence[iam.PolicyStatement], stack: Stack) -> str:
    resolved = stack.resolve([each.to_statement_json() for each in statements])
    name = stack.resolve(place)
    return f"to {flat(name)}:\n{json.dumps(_plain(resolved), indent=2)}\n"


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        intrinsic = len(value) == 1 and next(iter(value)) in {"Ref", "Fn::GetAtt", "Fn::Join"}
        return flat(value) if intrinsic else {key: _plain(each) for key, each in value.items()}
    return value


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _all(grants: Sequence[iam.Grant]) -> iam.Grant:
    first, *others = grants
    for other in others:
        first = first.combine(other)
    return first
