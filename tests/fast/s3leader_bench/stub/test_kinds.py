from __future__ import annotations

import json
from typing import Any

import pytest

from s3leader_bench.stub.bucket import Request
from s3leader_bench.stub.kinds import kind, sender


def s3(method: str, path: str, **query: str) -> Request:
    return Request(method, path, query, {}, b"")


def dynamodb(operation: str, **asked: Any) -> Request:
    headers = {"x-amz-target": f"DynamoDB_20120810.{operation}"}
    return Request("POST", "/", {}, headers, json.dumps(asked).encode())


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (s3("GET", "/bucket"), "LIST"),
        (s3("GET", "/bucket/key"), "GET"),
        (s3("PUT", "/bucket/key"), "PUT"),
        (s3("PUT", "/bucket/key", tagging=""), "tag"),
        (dynamodb("PutItem", Item={"id": {"S": "1"}}), "PutItem"),
        (dynamodb("GetItem"), "GetItem"),
        (dynamodb("GetItem", ConsistentRead=False), "GetItem"),
        (dynamodb("GetItem", ConsistentRead=True), "consistent GetItem"),
        (dynamodb("Query", ConsistentRead=True), "consistent Query"),
        (dynamodb("TransactWriteItems", TransactItems=[{}, {}]), "TransactWriteItems of 2"),
        (dynamodb("PutItem", Item={"id": {"S": "x" * 1024}}), "PutItem over 1 KB"),
    ],
    ids=str,
)
def test_a_request_has_the_kind_that_is_priced(request_: Request, expected: str) -> None:
    assert kind(request_) == expected


def test_a_sender_is_the_key_id_of_the_signature() -> None:
    signed = "AWS4-HMAC-SHA256 Credential=HOLDER_DLM/20261126/us-east-1/s3/aws4_request, Signed…"
    assert sender(Request("GET", "/", {}, {"authorization": signed}, b"")) == "HOLDER_DLM"


def test_a_request_without_a_signature_has_no_sender() -> None:
    assert sender(s3("GET", "/bucket")) == ""
