"""A fenced request to DynamoDB keeps what it has, and gets the condition and the token."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from s3leader._core.fenced_item import check_not_stale, describe_item, fence, unused
from s3leader.errors import CorruptObject, InvalidArgument, StaleToken

CONDITION = "(attribute_not_exists(#fencing_token) OR #fencing_token <= :fencing_token)"
NAMES = {"#fencing_token": "fencing_token"}


def fenced(
    kind: Any, request: dict[str, Any], token: Any = 7, attribute: str = "fencing_token"
) -> Any:
    return fence(kind, request, token=token, attribute=attribute)


def test_a_put_gets_condition_and_token() -> None:
    request = {"TableName": "t", "Item": {"id": "a"}}
    assert fenced("Put", request) == {
        "TableName": "t",
        "Item": {"id": "a", "fencing_token": 7},
        "ConditionExpression": CONDITION,
        "ExpressionAttributeNames": NAMES,
        "ExpressionAttributeValues": {":fencing_token": 7},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    assert request == {"TableName": "t", "Item": {"id": "a"}}


def test_a_request_of_the_client_gets_typed_values() -> None:
    put = fenced("Put", {"Item": {"id": {"S": "a"}, "m": {"M": {}}}})
    assert put["Item"]["fencing_token"] == {"N": "7"}
    assert put["ExpressionAttributeValues"] == {":fencing_token": {"N": "7"}}


@pytest.mark.parametrize("kind", ["Delete", "ConditionCheck"])
def test_a_request_that_writes_no_attribute_gets_the_condition_alone(kind: str) -> None:
    assert fenced(kind, {"Key": {"id": "a"}}) == {
        "Key": {"id": "a"},
        "ConditionExpression": CONDITION,
        "ExpressionAttributeNames": NAMES,
        "ExpressionAttributeValues": {":fencing_token": 7},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def test_a_map_in_an_item_is_not_taken_for_a_typed_value() -> None:
    assert fenced("Put", {"Item": {"id": "a", "m": {"N": "1"}}})["Item"]["fencing_token"] == 7


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (None, "SET #fencing_token = :fencing_token"),
        (" ", "SET #fencing_token = :fencing_token"),
        ("SET a = :a", "SET #fencing_token = :fencing_token, a = :a"),
        ("set a = :a", "SET #fencing_token = :fencing_token, a = :a"),
        ("ADD n :n SET a = :a", "ADD n :n SET #fencing_token = :fencing_token, a = :a"),
        ("ADD n :n", "SET #fencing_token = :fencing_token ADD n :n"),
        (
            "REMOVE #set, b.set, :set",
            "SET #fencing_token = :fencing_token REMOVE #set, b.set, :set",
        ),
        ("REMOVE offset, sets", "SET #fencing_token = :fencing_token REMOVE offset, sets"),
        ("REMOVE a SET#b = :b", "REMOVE a SET #fencing_token = :fencing_token,#b = :b"),
    ],
)
def test_an_update_sets_the_token_in_its_one_set_clause(own: str | None, expected: str) -> None:
    request = {"Key": {"id": "a"}, **({} if own is None else {"UpdateExpression": own})}
    assert fenced("Update", request)["UpdateExpression"] == expected


@pytest.mark.parametrize("kind", ["Delete", "ConditionCheck"])
def test_a_request_that_writes_no_item_gets_the_condition_alone(kind: str) -> None:
    request = fenced(kind, {"Key": {"id": "a"}})
    assert (request["Key"], request["ConditionExpression"]) == ({"id": "a"}, CONDITION)


@pytest.mark.parametrize(
    ("own", "joined"),
    [
        ("a = :a OR b = :b", "(a = :a OR b = :b)"),
        ("(a = :a OR b = :b)", "(a = :a OR b = :b)"),
        (" (a = :a) ", " (a = :a) "),
        ("(a = :a) OR (b = :b)", "((a = :a) OR (b = :b))"),
        ("size(a) = :a", "(size(a) = :a)"),
        ("attribute_exists(a)", "(attribute_exists(a))"),
    ],
)
def test_an_own_condition_is_joined_within_one_pair_of_parentheses(own: str, joined: str) -> None:
    """DynamoDB refuses redundant parentheses."""
    request = fenced("Delete", {"Key": {"id": "a"}, "ConditionExpression": own})
    assert request["ConditionExpression"] == f"{CONDITION} AND {joined}"


def test_placeholders_never_clash_with_the_request_s_own() -> None:
    own = {
        "ExpressionAttributeNames": {"#fencing_token": "x", "#fencing_token_2": "y"},
        "ExpressionAttributeValues": {":fencing_token": 1},
    }
    request = fenced("Update", {"Key": {"id": "a"}, **own})
    assert request["ExpressionAttributeNames"] == {
        "#fencing_token": "x", "#fencing_token_2": "y", "#fencing_token_3": "fencing_token",
    }  # fmt: skip
    assert request["UpdateExpression"] == "SET #fencing_token_3 = :fencing_token_2"


def test_unused_returns_the_placeholder_itself_where_it_is_free() -> None:
    assert unused("#a", {"#b"}) == "#a"


@pytest.mark.parametrize("token", [0, -1, True, 1.5, "7", None])
def test_a_token_is_a_whole_number_from_one(token: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected a fencing token"):
        fenced("Put", {"Item": {"id": "a"}}, token=token)


@pytest.mark.parametrize(
    ("kind", "request_", "problem"),
    [
        ("Put", {}, "Put: expected a dictionary as Item, got None"),
        ("Update", {"Key": {}}, "expected a dictionary as Key"),
        ("Put", {"Item": {"id": "a", "fencing_token": 1}}, "reserved for the fencing token"),
        ("Delete", {"Key": {"fencing_token": 1}}, "reserved for the fencing token"),
        ("Put", {"Item": {"id": "a"}, "Expected": {}}, r"\['Expected'\] cannot be joined"),
        ("Put", {"Item": {"id": "a"}, "ConditionExpression": 1}, "to be a string or a condition"),
        *[
            ("Put", {"Item": {"id": "a"}, "ConditionExpression": own}, "parentheses .* to match")
            for own in ("a = :a) OR (b = :b", "(a = :a", "a = :a)")
        ],
    ],
)
def test_a_request_that_cannot_be_fenced_is_refused(
    kind: str, request_: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        fenced(kind, request_)


@pytest.mark.parametrize("written", [9, Decimal(9), {"N": "9"}, {"N": "9.0"}])
def test_a_higher_token_is_stale_with_both_numbers(written: Any) -> None:
    with pytest.raises(StaleToken) as stale:
        check_not_stale({"t": written}, token=7, attribute="t", label="it")
    assert (stale.value.token, stale.value.written_token, stale.value.key) == (7, 9, "it")


@pytest.mark.parametrize("item", [None, {}, {"t": 7}, {"t": {"N": "6"}}])
def test_an_item_without_a_higher_token_failed_the_request_s_own_condition(item: Any) -> None:
    check_not_stale(item, token=7, attribute="t", label="it")


@pytest.mark.parametrize("written", ["9", {"S": "9"}, {"N": "9.5"}, Decimal(0), None, {"M": {}}])
def test_what_is_no_token_is_corrupt(written: Any) -> None:
    with pytest.raises(CorruptObject, match="it is not a fenced object: expected 't' to be"):
        check_not_stale({"t": written}, token=7, attribute="t", label="it")


def test_an_item_is_named_as_far_as_it_is_known() -> None:
    assert [
        describe_item({"TableName": "t", "Key": {"id": "a"}}),
        describe_item({"TableName": "t", "Item": {"id": "a"}}),
        describe_item({"Item": {"id": "a"}}),
    ] == ["item {'id': 'a'} of table 't'", "the item to be put of table 't'", "the item to be put"]


OWN_TOKENS = {
    "SET fencing_token=:b": {},
    "set a = f(:x, b), fencing_token = :b": {},
    "SET a = :a REMOVE x, fencing_token": {},
    "REMOVE #t": {"#t": "fencing_token"},
    "ADD fencing_token :one": {},
    "DELETE n :n, fencing_token :b": {},
    "SET fencing_token.deep = :b": {},
    "SET#t=:b": {"#t": "fencing_token"},
}
OTHERS = {
    "SET copy = fencing_token": {},
    "SET a = if_not_exists(fencing_token, :x), b = list_append(f(:x), fencing_token)": {},
    "SET fencing_token_2 = :b, b.fencing_token = :fencing_token_of_mine": {},
    "REMOVE #fencing_token": {"#fencing_token": "other"},
    "SET #set = :set": {"#set": "SET"},
}


@pytest.mark.parametrize("expression", OWN_TOKENS)
def test_an_update_that_changes_the_token_itself_is_refused(expression: str) -> None:
    request = {"Key": {"id": "a"}, "UpdateExpression": expression}
    names = OWN_TOKENS[expression]
    with pytest.raises(InvalidArgument, match=r"reserved for the fencing token.*leave it out"):
        fenced("Update", {**request, "ExpressionAttributeNames": names})


@pytest.mark.parametrize("expression", OTHERS)
def test_an_update_may_read_the_token_and_change_what_is_named_alike(expression: str) -> None:
    request = {"Key": {"id": "a"}, "UpdateExpression": expression}
    assert fenced("Update", {**request, "ExpressionAttributeNames": OTHERS[expression]})
