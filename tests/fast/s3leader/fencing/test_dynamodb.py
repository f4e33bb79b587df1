"""What `FencedItems` and `FenceRow` refuse before anything is sent."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from s3leader.errors import InvalidArgument
from s3leader.fencing.dynamodb import FencedItems, FenceRow, fenced_request


@pytest.fixture(scope="module")
def client() -> Any:
    return boto3.client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
        endpoint_url="http://127.0.0.1:9",
    )  # fmt: skip


@pytest.mark.parametrize("dynamodb", ["accounts", None])
def test_a_table_or_a_client_is_expected(dynamodb: Any) -> None:
    for use in (FencedItems, lambda each: FenceRow(each, key={"id": "f"}, table="t")):
        with pytest.raises(InvalidArgument, match=r"expected a Table of boto3\.resource"):
            use(dynamodb)


def test_a_client_needs_the_table_of_the_fence_row(client: Any) -> None:
    with pytest.raises(InvalidArgument, match="pass table=…"):
        FenceRow(client, key={"id": {"S": "f"}})


@pytest.mark.parametrize("key", [{}, {"fencing_token": {"N": "1"}}])
def test_the_key_of_a_fence_row_is_checked_when_it_is_made(client: Any, key: Any) -> None:
    with pytest.raises(InvalidArgument, match="Key"):
        FenceRow(client, key=key, table="t")


def test_a_transaction_leaves_one_of_a_hundred_items_to_the_fence_row(client: Any) -> None:
    items = [{"Delete": {"Key": {"id": {"S": str(number)}}}} for number in range(101)]
    with pytest.raises(InvalidArgument, match="at most 100 items, of which 99 are yours, got 100"):
        FenceRow(client, key={"id": {"S": "f"}}, table="t").transact(items[:100], token=1)
    with pytest.raises(InvalidArgument, match="of which 100 are yours, got 101"):
        FencedItems(client).transact(items, token=1)


@pytest.mark.parametrize("item", [{}, {"Get": {}}, {"Put": {}, "Delete": {}}, 1, {"Put": 1}])
def test_an_item_of_a_transaction_has_one_kind(client: Any, item: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"items\[0\]: expected an item of a transaction"):
        FencedItems(client).transact([item], token=1)


def test_values_cannot_be_returned(client: Any) -> None:
    with pytest.raises(InvalidArgument, match="UpdateItem: a transaction returns no values"):
        FencedItems(client).update_item(
            token=1, TableName="t", Key={"id": {"S": "a"}}, ReturnValues="ALL_NEW"
        )


def test_a_request_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"expected one of .* got 'Get'"):
        fenced_request("Get", {"Key": {"id": "a"}}, token=1)  # type: ignore[arg-type]


def test_a_fence_row_needs_a_token_from_one(client: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected a fencing token"):
        FenceRow(client, key={"id": {"S": "f"}}, table="t").claim(token=0)


TO_PUT = {"Put": {"Item": {"id": {"S": "1"}}}}
TO_DELETE = {"Delete": {"TableName": "t", "Key": {"id": {"S": "2"}}}}


def test_an_item_beside_a_fence_row_names_its_table(client: Any) -> None:
    """The table of the row is not that of the items."""
    table = boto3.resource("dynamodb", region_name="us-east-1").Table("fences")
    for row in (
        FenceRow(table, key={"id": "f"}),
        FenceRow(client, key={"id": {"S": "f"}}, table="t"),
    ):
        with pytest.raises(InvalidArgument, match=r"items\[1\] \(Put\): expected a TableName"):
            row.transact([TO_DELETE, TO_PUT], token=3)


def test_a_client_s_item_names_its_table(client: Any) -> None:
    items = FencedItems(client)
    with pytest.raises(InvalidArgument, match="Put: expected a TableName"):
        items.put_item(token=3, Item={"id": {"S": "1"}})
    with pytest.raises(InvalidArgument, match=r"items\[0\] \(Put\): expected a TableName"):
        items.transact([TO_PUT], token=3)


@pytest.mark.parametrize("key", ["nightly", None, ["id"]])
def test_the_key_of_a_fence_row_is_a_dictionary(client: Any, key: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"key: expected a dictionary.*'nightly'"):
        FenceRow(client, key=key, table="t")
