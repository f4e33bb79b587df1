"""The permissions in a deployed stack's policies, one by one, so that a test can remove each.

A statement grants each of its actions on each of its resources, for each value of its `StringLike`.
Each combination is one `Permission`: a test removes it and shows that it is needed.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

from local_cloud import Decision, LocalCloud

Json = dict[str, Any]
Names = Mapping[str, str]  # ARNs by their placeholders, such as `<locks>`


@dataclass(frozen=True, order=True, kw_only=True)
class Permission:
    """One action on one resource that a policy allows or denies, with placeholders for ARNs."""

    policy: str
    action: str
    resource: str = ""
    condition: str = ""
    effect: str = "Allow"
    principal: str = ""

    def statement(self, names: Names) -> Json:
        """Return a policy statement with this permission alone."""
        found: Json = {"Effect": self.effect, "Action": self.action}
        if self.resource:
            found["Resource"] = self.resource
        if self.condition:
            found["Condition"] = json.loads(self.condition)
        if self.principal:
            found["Principal"] = json.loads(self.principal)
        return _with_arns(found, names)

    def matches(self, decision: Decision, names: Names) -> bool:
        """Return whether a decision was on this action and resource."""
        pattern = _with_arns({"": self.resource}, names)[""]
        return decision.action == self.action and fnmatchcase(decision.resource, pattern)


def permissions_in(policy: str, document: Any, names: Names) -> frozenset[Permission]:
    """Return the permissions in the document of the policy named `policy`."""
    found: Json = document if isinstance(document, dict) else json.loads(document)
    return frozenset(
        Permission(
            policy=policy,
            action=action,
            resource=resource,
            condition=condition,
            effect=statement["Effect"],
            principal=condition_text(statement.get("Principal")),
        )
        for statement in _with_placeholders(found, names)["Statement"]
        for action, resource, condition in product(
            _each(statement["Action"]),
            _each(statement.get("Resource", "")),
            _conditions(statement.get("Condition")),
        )
    )


class Role:
    """A deployed role with one inline policy."""

    def __init__(self, cloud: LocalCloud, name: str, policy: str, names: Names) -> None:
        self.name, self._names, self._iam = name, names, cloud.client("iam")
        self.managed = self._iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        (self._document,) = self._iam.list_role_policies(RoleName=name)["PolicyNames"]
        found = self._iam.get_role_policy(RoleName=name, PolicyName=self._document)
        self.permissions = permissions_in(policy, found["PolicyDocument"], names)
        trust = self._iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        self.trust = permissions_in(f"trust of the {policy}", trust, names)

    @contextmanager
    def without(self, taken: Iterable[Permission]) -> Iterator[None]:
        """Remove permissions from the role while the block runs."""
        assert self.permissions >= {*taken}
        self._put(self.permissions - {*taken})
        try:
            yield
        finally:
            self._put(self.permissions)

    def _put(self, permissions: frozenset[Permission]) -> None:
        if not permissions:
            self._iam.delete_role_policy(RoleName=self.name, PolicyName=self._document)
            return
        document = document_of(permissions, self._names)
        self._iam.put_role_policy(
            RoleName=self.name, PolicyName=self._document, PolicyDocument=document
        )


def document_of(permissions: Iterable[Permission], names: Names) -> str:
    """Return a policy of these permissions."""
    statements = [permission.statement(names) for permission in sorted(permissions)]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _conditions(condition: Any) -> list[str]:
    """Split a condition by the alternatives of its `StringLike`."""
    if condition is not None and "StringLike" in condition:
        ((key, values),) = condition["StringLike"].items()
        return [
            condition_text({**condition, "StringLike": {key: value}}) for value in _each(values)
        ]
    return [condition_text(condition)]


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def condition_text(value: Any) -> str:
    return "" if value is None else json.dumps(value, sort_keys=True)


def _with_placeholders(value: Json, names: Names) -> Json:
    text = json.dumps(value)
    for name, arn in names.items():
        text = text.replace(arn, name)
    found: Json = json.loads(text)
    return found


def _with_arns(value: Json, names: Names) -> Json:
    text = json.dumps(value)
    for name, arn in names.items():
        text = text.replace(name, arn)
    found: Json = json.loads(text)
    return found
