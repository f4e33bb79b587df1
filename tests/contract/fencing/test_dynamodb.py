"""Fenced requests to DynamoDB: own conditions, errors, and answers that are lost."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError, ParamValidationError

from s3leader._io.driver import Driver
from s3leader._io.dynamodb import TransactionSettings
from s3leader.errors import CorruptObject, StaleToken, StoreUnavailable
from s3leader.fencing.dynamodb import FencedItems, FenceRow, fenced_request, raise_if_stale
from s3leader.testing import FakeClock
from tests.contract.fencing.conftest import RETRYING, Clients
from tests.contract.fencing.faults import FaultyProxy
from tests.contract.fencing.resources import create_table
from tests.fast.s3leader.forks import FORKS, in_child

REFUSED = "ConditionalCheckFailedException"


@pytest.fixture
def proxy(clients: Callable[[str], Clients]) -> Iterator[FaultyProxy]:
    yield (proxy := clients("ministack").proxy)
    proxy.forget()


@pytest.fixture
def table(clients: Callable[[str], Clients]) -> Any:
    """A table; its resource sends each request once, through the proxy."""
    made = clients("ministack")
    name = create_table(made.make("client", "dynamodb", direct=True))
    return made.make("resource", "dynamodb").Table(name)


@pytest.fixture
def retrying(clients: Callable[[str], Clients], table: Any) -> Any:
    """The same table, by a resource that sends again what is not answered, as boto3 does."""
    return clients("ministack").make("resource", "dynamodb", config=RETRYING).Table(table.name)


@pytest.fixture
def items(table: Any) -> FencedItems:
    made = FencedItems(table)
    made.put_item(token=3, Item={"id": "a", "name": "x", "amount": 1})
    return made


def item(table: Any, key: str = "a") -> dict[str, Any] | None:
    found: dict[str, Any] | None = table.get_item(Key={"id": key}).get("Item")
    return found


@pytest.mark.parametrize("operation", ["put", "update", "delete", "check"])
def test_each_operation_is_refused_to_a_lower_token_and_not_to_an_equal_one(
    table: Any, items: FencedItems, operation: str
) -> None:
    def attempt(token: int) -> None:
        match operation:
            case "put":
                items.put_item(token=token, Item={"id": "a"})
            case "update":
                change = {"UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": 1}}
                items.update_item(token=token, Key={"id": "a"}, **change)
            case "delete":
                items.delete_item(token=token, Key={"id": "a"})
            case _:
                items.transact([{"ConditionCheck": {"Key": {"id": "a"}}}], token=token)

    before = item(table)
    with pytest.raises(StaleToken) as stale:
        attempt(2)
    assert (stale.value.token, stale.value.written_token, item(table)) == (2, 3, before)
    attempt(3)


@pytest.mark.parametrize("condition", [Attr("amount").eq(9), "#n0 = :v0"], ids=["object", "string"])
def test_an_own_condition_that_fails_raises_the_own_error_and_writes_nothing(
    table: Any, items: FencedItems, condition: Any
) -> None:
    """Also if the request has placeholders that boto3 makes for condition objects."""
    refused = table.meta.client.exceptions.ConditionalCheckFailedException
    before = item(table)
    with pytest.raises(refused) as error:
        items.update_item(
            token=4,
            Key={"id": "a"},
            UpdateExpression="SET #n0 = :v0",
            ConditionExpression=condition,
            ExpressionAttributeNames={"#n0": "name"},  # a reserved word
            ExpressionAttributeValues={":v0": "y"},
        )
    assert error.value.response["Item"]["amount"] == {"N": "1"}
    assert item(table) == before


@pytest.mark.parametrize(
    "condition", [Attr("amount").between(0, 2) & ~Attr("gone").exists(), "#n0 = :old"],
    ids=["object", "string"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("SET #n0 = :v0", "y"),
        ("REMOVE gone SET #n0 = :v0", "y"),
        ("REMOVE gone", "x"),
        ("set #set = :v0", "x"),
        (None, "x"),
    ],
)
def test_an_own_condition_and_update_are_kept(
    table: Any, items: FencedItems, condition: Any, change: str | None, expected: str
) -> None:
    text = f"{change or ''} {condition if isinstance(condition, str) else ''}"
    names = {"#n0": "name", "#set": "set", "#fencing_token": "other"}
    values = {":v0": "y", ":old": "x", ":fencing_token": 1}
    request = {
        "UpdateExpression": change,
        "ExpressionAttributeNames": {each: names[each] for each in names if each in text},
        "ExpressionAttributeValues": {each: values[each] for each in values if each in text},
    }
    items.update_item(
        token=4,
        Key={"id": "a"},
        ConditionExpression=condition,
        **{each: value for each, value in request.items() if value},
    )
    found = item(table)
    assert found is not None
    assert (found["fencing_token"], found["name"]) == (4, expected)


def test_an_own_condition_with_or_does_not_let_a_stale_writer_in(
    table: Any, items: FencedItems
) -> None:
    with pytest.raises(StaleToken):
        items.put_item(
            token=2,
            Item={"id": "a"},
            ConditionExpression="attribute_exists(id) OR attribute_not_exists(id)",
        )


def test_a_deleted_item_takes_its_token_along_and_a_fence_row_does_not(
    table: Any, items: FencedItems
) -> None:
    items.delete_item(token=5, Key={"id": "a"})
    items.put_item(token=2, Item={"id": "a"})  # the documented gap
    row = FenceRow(table, key={"id": "fence"})
    row.transact([{"Delete": {"TableName": table.name, "Key": {"id": "a"}}}], token=5)
    with pytest.raises(StaleToken, match=r"\{'id': 'fence'\}.* carries fencing token 5"):
        row.transact([{"Put": {"TableName": table.name, "Item": {"id": "a"}}}], token=2)
    assert item(table) is None


def test_a_fence_row_leaves_the_items_without_a_token(table: Any) -> None:
    row = FenceRow(table, key={"id": "fence"})
    own = {"TableName": table.name, "ConditionExpression": Attr("amount").not_exists()}
    row.transact([{"Put": {**own, "Item": {"id": "b", "amount": 1}}}], token=4)
    assert item(table, "b") == {"id": "b", "amount": 1}
    with pytest.raises(table.meta.client.exceptions.TransactionCanceledException):
        row.transact([{"Put": {**own, "Item": {"id": "b"}}}], token=9)
    assert item(table, "fence") == {"id": "fence", "fencing_token": 4}


def test_an_attribute_that_is_no_token_is_corrupt_and_not_overwritten(table: Any) -> None:
    before = {"id": "a", "fencing_token": "7"}
    table.put_item(Item=before)
    with pytest.raises(CorruptObject, match="expected 'fencing_token' to be a whole number from 1"):
        FencedItems(table).put_item(token=9, Item={"id": "a"})
    assert item(table) == before


CONFLICT = {
    "Message": "Transaction cancelled [TransactionConflict]",
    "CancellationReasons": [{"Code": "TransactionConflict"}],
}


@pytest.mark.parametrize(
    "refusal",
    [
        (400, "TransactionCanceledException", CONFLICT),
        (400, "TransactionInProgressException", {}),
        (400, "ThrottlingException", {}),
        (500, "InternalServerError", {}),
    ],
    ids=lambda refusal: refusal[1],
)
def test_what_may_succeed_later_is_sent_again(
    table: Any, items: FencedItems, proxy: FaultyProxy, refusal: Any
) -> None:
    writes = proxy.writes
    status, error, fields = refusal
    for _ in range(2):
        proxy.refuse(status, error, **fields)
    items.update_item(token=4, Key={"id": "a"})
    assert proxy.writes - writes == 3


def test_every_other_refusal_is_raised_as_it_is(items: FencedItems, proxy: FaultyProxy) -> None:
    writes = proxy.writes
    proxy.refuse(400, "ValidationException", Message="Item size has exceeded the maximum")
    with pytest.raises(ClientError, match="Item size"):
        items.update_item(token=4, Key={"id": "a"})
    assert proxy.writes - writes == 1


def test_an_answer_that_cannot_be_read_is_settled_as_a_lost_one_is(
    table: Any, items: FencedItems, proxy: FaultyProxy
) -> None:
    writes = proxy.writes
    proxy.corrupt_answer()
    add = {"UpdateExpression": "ADD amount :n", "ExpressionAttributeValues": {":n": 1}}
    items.update_item(token=4, Key={"id": "a"}, **add)
    found = item(table)
    assert found is not None
    assert (proxy.writes - writes, found["amount"]) == (2, 2)


def test_what_boto3_refuses_to_send_is_raised_at_once(
    items: FencedItems, proxy: FaultyProxy
) -> None:
    writes = proxy.writes
    with pytest.raises(TypeError, match="Float types are not supported"):
        items.put_item(token=4, Item={"id": "a", "amount": 1.5})
    with pytest.raises(ParamValidationError, match="Unknown parameter"):
        items.put_item(token=4, Item={"id": "a"}, Condition="x")
    assert proxy.writes == writes


def with_settings(table: Any, **settings: Any) -> FencedItems:
    clock = FakeClock()
    driver = partial(Driver, clock_ms=clock.read_ms, sleep=clock.sleep)
    made = FencedItems(table)
    made._settings = TransactionSettings(driver=driver, **settings)
    return made


def test_a_write_that_is_never_answered_is_given_up(table: Any, proxy: FaultyProxy) -> None:
    writes = proxy.writes
    proxy.lose_answers(3)
    with pytest.raises(
        StoreUnavailable, match=r"^DynamoDB did not say.*last answer: Conn.* applied, once, within"
    ):
        with_settings(table, patience_ms=60).put_item(token=3, Item={"id": "a"})
    assert proxy.writes - writes <= 3
    assert item(table) == {"id": "a", "fencing_token": 3}


def test_all_copies_of_a_write_have_the_signature_of_the_first(
    retrying: Any, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a copy could be accepted after DynamoDB has forgotten the first one's token."""
    seconds = itertools.count()
    start = datetime(2026, 11, 1, tzinfo=UTC)
    now = "botocore.auth.get_current_datetime"
    monkeypatch.setattr(now, lambda: start + timedelta(seconds=next(seconds)))
    sent = len(proxy.signatures)
    proxy.lose_answers(6)
    with_settings(retrying).put_item(token=3, Item={"id": "a", "set": {"x", "y", "z"}})
    with_settings(retrying).put_item(token=3, Item={"id": "b"})
    assert [len([*same]) for _, same in itertools.groupby(proxy.signatures[sent:])] == [7, 1]


def test_a_put_that_botocore_repeats_is_taken_for_another_s_unless_it_is_a_transaction(
    retrying: Any, proxy: FaultyProxy
) -> None:
    """The second copy of a plain put meets the item that the first has put."""
    new = {"ConditionExpression": Attr("id").not_exists()}
    proxy.lose_answers(1)
    with pytest.raises(ClientError, match=REFUSED):
        retrying.put_item(**fenced_request("Put", {"Item": {"id": "a"}, **new}, token=3))
    proxy.lose_answers(1)
    FencedItems(retrying).put_item(token=3, Item={"id": "b"}, **new)
    assert item(retrying, "b") == {"id": "b", "fencing_token": 3}


def test_an_update_that_botocore_repeats_is_applied_twice_unless_it_is_a_transaction(
    retrying: Any, proxy: FaultyProxy
) -> None:
    add = {"UpdateExpression": "ADD amount :n", "ExpressionAttributeValues": {":n": 1}}
    proxy.lose_answers(1)
    retrying.update_item(**fenced_request("Update", {"Key": {"id": "a"}, **add}, token=3))
    proxy.lose_answers(1)
    FencedItems(retrying).update_item(token=3, Key={"id": "b"}, **add)
    totals = [found["amount"] for key in "ab" if (found := item(retrying, key))]
    assert totals == [2, 1]


def test_a_request_of_one_s_own_is_refused_with_both_tokens(table: Any, items: FencedItems) -> None:
    request = fenced_request("Delete", {"Key": {"id": "a"}}, token=2)
    with pytest.raises(ClientError) as error:
        table.delete_item(**request)
    with pytest.raises(StaleToken) as stale:
        raise_if_stale(error.value, request, token=2)
    assert (stale.value.token, stale.value.written_token) == (2, 3)


def test_another_error_of_a_request_of_one_s_own_is_not_taken_for_a_stale_token(
    table: Any, items: FencedItems
) -> None:
    request = fenced_request(
        "Update", {"Key": {"id": "a"}, "ConditionExpression": Attr("amount").eq(9)}, token=4
    )
    with pytest.raises(ClientError) as error:
        table.update_item(**request)
    raise_if_stale(error.value, request, token=4)


def test_a_transaction_of_tables_of_a_client_is_applied_whole_or_not_at_all(
    table: Any, items: FencedItems, clients: Callable[[str], Clients]
) -> None:
    client = clients("ministack").make("client", "dynamodb")
    both = [
        {"Put": {"TableName": table.name, "Item": {"id": {"S": "b"}}}},
        {"Update": {"TableName": table.name, "Key": {"id": {"S": "a"}}}},
    ]
    with pytest.raises(StaleToken):
        FencedItems(client).transact(both, token=2)
    assert item(table, "b") is None
    FencedItems(client).transact(both, token=4)
    assert item(table, "b") == {"id": "b", "fencing_token": 4}


@FORKS
def test_a_fork_of_the_process_writes_nothing(items: FencedItems) -> None:
    refusal = in_child(lambda: items.put_item(token=9, Item={"id": "a"}))
    assert refusal.startswith("InvalidArgument: the client was passed in by process")


@FORKS
def test_a_fork_of_the_process_reads_no_token(table: Any) -> None:
    """It could read the answer to another worker of a server, and let a stale request pass."""
    row = FenceRow(table, key={"id": "fence"})
    row.claim(token=3)
    refusal = in_child(row.read_token)
    assert refusal.startswith("InvalidArgument: the client was passed in by process")
