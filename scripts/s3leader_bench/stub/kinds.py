"""What a request is, by the names that prices go by, and who sent it."""

from __future__ import annotations

import json
import re

from s3leader_bench.stub.bucket import Request

_KEY_ID = re.compile(r"Credential=([^/,\s]+)/")
_UNIT = 1024  # bytes that one write unit of DynamoDB pays for


def kind(request: Request) -> str:
    """Return the kind of a request to S3 or DynamoDB."""
    target = request.headers.get("x-amz-target", "")
    if target.startswith("DynamoDB_"):
        return _of_dynamodb(target.partition(".")[2], json.loads(request.body or b"{}"))
    if "tagging" in request.query:
        return "tag"
    if request.method == "GET" and not request.path.strip("/").partition("/")[2]:
        return "LIST"
    return request.method


def sender(request: Request) -> str:
    """Return the access key id that signed the request; empty if none did."""
    found = _KEY_ID.search(request.headers.get("authorization", ""))
    return found[1] if found else ""


def _of_dynamodb(operation: str, asked: dict[str, object]) -> str:
    """Return the operation, with what its price depends on."""
    if asked.get("ConsistentRead"):
        return f"consistent {operation}"
    if isinstance(items := asked.get("TransactItems"), list):
        return f"{operation} of {len(items)}"
    if len(json.dumps(asked.get("Item", {}))) > _UNIT:  # more than the item itself takes
        return f"{operation} over 1 KB"
    return operation
