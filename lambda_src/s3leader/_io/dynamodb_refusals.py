"""What refusals of DynamoDB mean that no later try gets past, and what to do about them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from s3leader.errors import TableUnusable, without_credentials

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_dynamodb import DynamoDBClient

# DynamoDB's texts, alone or as a reason of a cancelled transaction.
_OF_KEYS: Final = re.compile(
    r"key element does not match|missing the key|type mismatch for key|size of hash|size of range",
    re.IGNORECASE,
)
_CREATE: Final = (
    "Create the table there, or make the client for the Region and the account that it is in"
)
_CHANGE_KEY: Final = (
    "Pass each attribute of the table's key, with the type that the table has for it"
)
_ALLOW: Final = (
    "Allow what the message names (s3leader_cdk.grant_fenced_items, grant_fence_row), and to an"
    " encrypted table its KMS key"
)
_REMEDIES: Final = {
    "ResourceNotFoundException": _CREATE,
    "AccessDeniedException": _ALLOW,
    "KMSAccessDeniedException": _ALLOW,
}


def reasons_of(error: ClientError) -> Sequence[Mapping[str, Any]]:
    """Return the reasons of a cancelled transaction, one for each item, or none."""
    response: Mapping[str, Any] = error.response
    return response.get("CancellationReasons") or []


def explained(error: ClientError, client: DynamoDBClient, tables: Sequence[str]) -> Exception:
    """Return a `TableUnusable` that says what to do, or `error` if it is of another kind."""
    code = error.response["Error"]["Code"]
    text = error.response["Error"].get("Message", "")
    for reason in reasons_of(error):
        if reason.get("Code") == "ValidationError":
            code, text = "ValidationException", str(reason.get("Message", ""))
    remedy = _REMEDIES.get(code)
    if code == "ValidationException" and _OF_KEYS.search(text):
        remedy = _CHANGE_KEY
    if remedy is None:
        return error
    named = ", ".join(map(repr, tables)) or "of the request"
    explanation = TableUnusable(
        f"DynamoDB refused the table {named} in Region {client.meta.region_name!r}"
        f" ({without_credentials(client.meta.endpoint_url)}):"
        f" {code}: {text or 'no text'}. {remedy}.",
        tables=tuple(tables),
        code=code,
    )
    explanation.__cause__ = error
    return explanation
