"""Evaluates the denials of a bucket policy for requests on locks.

Only statements that deny everybody count. A condition that is not understood makes the result
unknown, never a yes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A request that anybody may send. `context` has the condition keys that it sets."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def denied(policy: Mapping[str, Any], attempt: Attempt) -> bool | None:
    """Return whether the policy denies a request to everybody; None if that is not known."""
    results = [_denies(each, attempt) for each in _many(policy.get("Statement"))]
    if True in results:
        return True
    return None if None in results else False


def _denies(statement: Mapping[str, Any], attempt: Attempt) -> bool | None:
    if statement.get("Effect") != "Deny" or not _everybody(statement.get("Principal")):
        return False
    if not _named(statement, "Action", attempt.action.lower(), lower=True):
        return False
    if not _named(statement, "Resource", attempt.resource, lower=False):
        return False
    results = [
        _holds(operator, key.lower(), [str(each) for each in _many(values)], attempt)
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, values in keys.items()
    ]
    if False in results:
        return False
    return None if None in results else True


def _everybody(principal: object) -> bool:
    if isinstance(principal, Mapping):
        return "*" in _many(principal.get("AWS"))
    return principal == "*"


def _named(statement: Mapping[str, Any], element: str, value: str, *, lower: bool) -> bool:
    """Whether `Action` or `Resource`, or their negation, name a value."""
    wanted = element in statement
    if not wanted and f"Not{element}" not in statement:
        return False
    patterns = [str(each) for each in _many(statement.get(element, statement.get(f"Not{element}")))]
    if lower:
        patterns = [each.lower() for each in patterns]
    return wanted is any(_like(pattern, value) for pattern in patterns)


def _like(pattern: str, value: str) -> bool:
    parts = [
        {"*": ".*", "?": "."}.get(each, re.escape(each)) for each in re.split(r"([*?])", pattern)
    ]
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None


def _holds(operator: str, key: str, values: Sequence[str], attempt: Attempt) -> bool | None:
    """Whether a condition holds; None if it is not understood."""
    found = {name.lower(): value for name, value in attempt.context.items()}.get(key)
    name = operator.removesuffix("IfExists")
    if found is None and key not in _KNOWN:
        return None
    if operator == "Null":
        return (found is None) is (values[0].lower() == "true")
    if found is None:
        return name != operator
    if name in {"Bool", "StringEqualsIgnoreCase"}:
        return found.lower() in [each.lower() for each in values]
    if name == "StringLike":
        return any(_like(each, found) for each in values)
    return found in values if name == "StringEquals" else None


# Keys that are absent from a request that does not set them. Any other may be in a request, though
# it is not in an `Attempt`: a tag of the caller, MFA, a header for encryption.
_KNOWN = frozenset({"s3:if-match", "s3:if-none-match"})


def _many(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
