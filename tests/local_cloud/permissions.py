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

    def statement(self) -> dict[str, Any]:
        """Return a policy statement with this permission alone."""
        more = {
            "Resource": self.resource,
            "Condition": self.condition and json.loads(self.condition),
            "Principal": self.principal and json.loads(self.principal),
        }
        given = {name: value for name, value in more.items() if value}
        return {"Effect": self.effect, "Action": self.action, **given}

    def matches(self, decision: Decision, names: Names) -> bool:
        """Return whether a decision was on this action and resource."""
        pattern = _replaced(self.resource, names)
        return decision.action == self.action and fnmatchcase(decision.resource, pattern)


def permissions_in(policy: str, document: Any, names: Names) -> frozenset[Permission]:
    """Return the permissions in the document of the policy named `policy`."""
    text = document if isinstance(document, str) else json.dumps(document)
    placeholders = {arn: name for name, arn in names.items()}
    return frozenset(
        Permission(
            policy=policy,
            action=action,
            resource=resource,
            condition=condition,
            effect=statement["Effect"],
            principal=condition_text(statement.get("Principal")),
        )
        for statement in json.loads(_replaced(text, placeholders))["Statement"]
        for action, resource, condition in product(
            _each(statement["Action"]),
            _each(statement.get("Resource", "")),
            _conditions(statement.get("Condition")),
        )
    )


def document_of(permissions: Iterable[Permission], names: Names) -> str:
    """Return a policy of these permissions."""
    statements = [permission.statement() for permission in sorted(permissions)]
    return _replaced(json.dumps({"Version": "2012-10-17", "Statement": statements}), names)


def condition_text(value: Any) -> str:
    return "" if value is None else json.dumps(value, sort_keys=True)


class Role:
    """A deployed role with one inline policy."""

    def __init__(self, cloud: LocalCloud, name: str, policy: str, names: Names) -> None:
        self.name, self._names, self._iam = name, names, cloud.client("iam")
        self.managed = self._iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        (document,) = self._iam.list_role_policies(RoleName=name)["PolicyNames"]
        self._inline = {"RoleName": name, "PolicyName": document}
        found = self._iam.get_role_policy(**self._inline)
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
        if permissions:
            document = document_of(permissions, self._names)
            self._iam.put_role_policy(**self._inline, PolicyDocument=document)
        else:
            self._iam.delete_role_policy(**self._inline)


def _conditions(condition: Any) -> list[str]:
    """Split a condition by the alternatives of its `StringLike`."""
    if condition is None or "StringLike" not in condition:
        return [condition_text(condition)]
    ((key, values),) = condition["StringLike"].items()
    return [condition_text({**condition, "StringLike": {key: each}}) for each in _each(values)]


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _replaced(text: str, names: Names) -> str:
    for name, value in names.items():
        text = text.replace(name, value)
    return text
