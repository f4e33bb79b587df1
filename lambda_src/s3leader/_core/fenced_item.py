"""Requests to DynamoDB with the condition that no higher token has written the item. Sans-I/O.

A request is a dictionary of boto3's parameters: for the resource with Python's values, for the
client with typed ones (`{"N": "3"}`). A request's key says which: the values of keys are scalars.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

from s3leader.errors import CorruptObject, InvalidArgument, StaleToken

from .tokens import check_token, is_token

Kind = Literal["Put", "Update", "Delete", "ConditionCheck"]

TOKEN_ATTRIBUTE: Final = "fencing_token"  # noqa: S105 - a name
# Holds for an item without a token, and for an item that does not exist.
NOT_STALE: Final = "(attribute_not_exists({name}) OR {name} <= {token})"

_LEGACY: Final = frozenset({"AttributeUpdates", "ConditionalOperator", "Expected"})
# A word of the expression, so neither a placeholder (#set, :set) nor a part of a path (a.set).
_IN_PARENTHESES: Final = re.compile(r"\([^()]*\)")
# What an action of an update expression changes: the first name after a clause's word or a comma.
_TARGET: Final = re.compile(
    r"(?:(?<![\w#:.])(?:SET|REMOVE|ADD|DELETE)(?!\w)|,)\s*(#?\w+)", re.IGNORECASE
)
_SET_CLAUSE: Final = re.compile(r"(?<![\w#:.])SET(?!\w)", re.IGNORECASE)


def fence(kind: Kind, request: Mapping[str, Any], *, token: int, attribute: str) -> dict[str, Any]:
    """Return `request` with the condition and, if it writes an item, with `token` in the item.

    The condition is joined to the request's own. Raises `InvalidArgument`.
    """
    check_token(token)
    target = _target(kind, request, attribute)
    names: dict[str, str] = dict(request.get("ExpressionAttributeNames") or {})
    values: dict[str, Any] = dict(request.get("ExpressionAttributeValues") or {})
    name, value = unused("#fencing_token", names), unused(":fencing_token", values)
    names[name] = attribute
    # A key is never a map, so a request of Python's values has one that is no dictionary.
    typed = all(isinstance(each, dict) for each in target.values())
    values[value] = {"N": str(token)} if typed else token
    fenced = {
        **request,
        "ConditionExpression": _joined(
            NOT_STALE.format(name=name, token=value), request.get("ConditionExpression")
        ),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if kind == "Put":
        fenced["Item"] = {**target, attribute: values[value]}
    elif kind == "Update":
        _refuse_own_token(request.get("UpdateExpression"), names, attribute)
        fenced["UpdateExpression"] = _with_set(request.get("UpdateExpression"), f"{name} = {value}")
    return fenced


def unused(placeholder: str, taken: Container[str]) -> str:
    """Return `placeholder`, with a number after it if it is taken."""
    number, found = 1, placeholder
    while found in taken:
        number += 1
        found = f"{placeholder}_{number}"
    return found


def check_not_stale(
    item: Mapping[str, Any] | None, *, token: int, attribute: str, label: str
) -> None:
    """Raise `StaleToken` if `item`, which failed a condition, carries a higher token than `token`.

    Raises `CorruptObject` if what it carries is no token. Otherwise the request's own condition
    failed. `label` names the item.
    """
    written = written_token(item, attribute=attribute, label=label)
    if written is not None and written > token:
        raise StaleToken(key=label, token=token, written_token=written)


def written_token(item: Mapping[str, Any] | None, *, attribute: str, label: str) -> int | None:
    """Return the token that `item` carries, None without one.

    Raises `CorruptObject` if what it carries is no token. `label` names the item.
    """
    if item is None or attribute not in item:
        return None
    written = _number(item[attribute])
    if not is_token(written):
        raise CorruptObject(
            key=label,
            problem=f"expected {attribute!r} to be a whole number from 1, got {item[attribute]!r}",
            remedy="If this attribute is not the fencing token, name another with `attribute=…`."
            " If it is, set it to the number of the latest term by a request of your own.",
        )
    return int(written)


def describe_item(request: Mapping[str, Any]) -> str:
    """Name the item of a request, for messages. The key of a Put is not known without its table."""
    table = f" of table {request['TableName']!r}" if "TableName" in request else ""
    return f"item {request['Key']}{table}" if "Key" in request else f"the item to be put{table}"


def _target(kind: Kind, request: Mapping[str, Any], attribute: str) -> Mapping[str, Any]:
    """Return the item that a Put writes, or the key of another request."""
    if legacy := sorted(_LEGACY & request.keys()):
        raise InvalidArgument(
            f"the parameters {legacy} cannot be joined with a condition; use UpdateExpression and"
            f" ConditionExpression"
        )
    part = "Item" if kind == "Put" else "Key"
    target = request.get(part)
    if not isinstance(target, Mapping) or not target:
        raise InvalidArgument(f"{kind}: expected a dictionary as {part}, got {target!r}")
    if not attribute or attribute in target:
        raise InvalidArgument(
            f"the attribute {attribute!r} is reserved for the fencing token, but {part} has it;"
            f" leave it out, or name another with `attribute=…`"
        )
    return target


def _joined(condition: str, own: object) -> str:
    if own is None:
        return condition
    if not isinstance(own, str):
        raise InvalidArgument(
            f"expected ConditionExpression to be a string or a condition of"
            f" boto3.dynamodb.conditions, got {own!r}"
        )
    if not _is_balanced(own):
        raise InvalidArgument(
            f"expected the parentheses of ConditionExpression to match, got {own!r}: it could undo"
            f" the condition on the fencing token"
        )
    return f"{condition} AND {own if _is_enclosed(own.strip()) else f'({own})'}"


def _is_balanced(expression: str) -> bool:
    """Whether no parenthesis is closed before it is opened, and none is left open."""
    depth = 0
    for character in expression:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0


def _is_enclosed(expression: str) -> bool:
    """Whether one pair of parentheses encloses all of it; DynamoDB refuses a second pair."""
    depth = 0
    for at, character in enumerate(expression):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return at > 0 and at == len(expression) - 1
    return False


def _refuse_own_token(expression: object, names: Mapping[str, str], attribute: str) -> None:
    """Raise `InvalidArgument` if an update expression changes the token itself."""
    text, before = str(expression or ""), ""
    while text != before:  # the commas within functions separate no actions
        text, before = _IN_PARENTHESES.sub(" ", text), text
    if attribute in {names.get(target, target) for target in _TARGET.findall(text)}:
        raise InvalidArgument(
            f"the attribute {attribute!r} is reserved for the fencing token, but UpdateExpression"
            f" changes it: {expression!r}; leave it out, or name another with `attribute=…`"
        )


def _with_set(expression: str | None, assignment: str) -> str:
    """Return an update expression with one more assignment; it may have one SET clause."""
    if not expression or not expression.strip():
        return f"SET {assignment}"
    if _SET_CLAUSE.search(expression):
        return _SET_CLAUSE.sub(f"SET {assignment},", expression, count=1)
    return f"SET {assignment} {expression}"


def _number(value: object) -> Any:  # noqa: ANN401 - what is_token takes
    """Return the number of a typed or untyped value; anything else as it is."""
    if isinstance(value, Mapping) and isinstance(value.get("N"), str):
        value = Decimal(value["N"])
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value
