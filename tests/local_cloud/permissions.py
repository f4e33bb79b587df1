"""Rights as they stand in a deployed stack's policies, each by itself: to take away and put back.

A statement grants several things: each of its actions, on each of its resources, for each of the
values that a `StringLike` takes. Here each of these is a `Right` of its own, so that none of them
can be spare without a test that shows it.
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
Names = Mapping[str, str]  # what stands for an ARN, such as `<locks>`, and the ARN


@dataclass(frozen=True, order=True, kw_only=True)
class Right:
    """One action on one resource, that a policy allows or denies; ARNs are called by names."""

    policy: str
    action: str
    resource: str = ""
    condition: str = ""
    effect: str = "Allow"
    principal: str = ""

    def statement(self, names: Names) -> Json:
        """Return a statement that says this and nothing else."""
        found: Json = {"Effect": self.effect, "Action": self.action}
        if self.resource:
            found["Resource"] = self.resource
        if self.condition:
            found["Condition"] = json.loads(self.condition)
        if self.principal:
            found["Principal"] = json.loads(self.principal)
        return _written_out(found, names)

    def asked_in(self, decision: Decision, names: Names) -> bool:
        """Tell whether a decision was on this action and resource."""
        pattern = _written_out({"": self.resource}, names)[""]
        return decision.action == self.action and fnmatchcase(decision.resource, pattern)


def rights_in(policy: str, document: Any, names: Names) -> frozenset[Right]:
    """Return the rights in a policy's document; `policy` is what the policy is called."""
    found: Json = document if isinstance(document, dict) else json.loads(document)
    return frozenset(
        Right(
            policy=policy,
            action=action,
            resource=resource,
            condition=condition,
            effect=statement["Effect"],
            principal=condition_text(statement.get("Principal")),
        )
        for statement in _called_by_names(found, names)["Statement"]
        for action, resource, condition in product(
            _each(statement["Action"]),
            _each(statement.get("Resource", "")),
            _conditions(statement.get("Condition")),
        )
    )


class Role:
    """A live role, whose policy is one document."""

    def __init__(self, cloud: LocalCloud, name: str, policy: str, names: Names) -> None:
        self.name, self._names, self._iam = name, names, cloud.client("iam")
        self.managed = self._iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        (self._document,) = self._iam.list_role_policies(RoleName=name)["PolicyNames"]
        found = self._iam.get_role_policy(RoleName=name, PolicyName=self._document)
        self.rights = rights_in(policy, found["PolicyDocument"], names)
        trust = self._iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        self.trust = rights_in(f"trust of the {policy}", trust, names)

    @contextmanager
    def without(self, taken: Iterable[Right]) -> Iterator[None]:
        """Take rights away while the block runs."""
        assert self.rights >= {*taken}
        self._put(self.rights - {*taken})
        try:
            yield
        finally:
            self._put(self.rights)

    def _put(self, rights: frozenset[Right]) -> None:
        if not rights:
            self._iam.delete_role_policy(RoleName=self.name, PolicyName=self._document)
            return
        document = document_of(rights, self._names)
        self._iam.put_role_policy(
            RoleName=self.name, PolicyName=self._document, PolicyDocument=document
        )


def document_of(rights: Iterable[Right], names: Names) -> str:
    """Return a policy of these rights."""
    statements = [right.statement(names) for right in sorted(rights)]
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


def _called_by_names(value: Json, names: Names) -> Json:
    text = json.dumps(value)
    for name, arn in names.items():
        text = text.replace(arn, name)
    found: Json = json.loads(text)
    return found


def _written_out(value: Json, names: Names) -> Json:
    text = json.dumps(value)
    for name, arn in names.items():
        text = text.replace(name, arn)
    found: Json = json.loads(text)
    return found
