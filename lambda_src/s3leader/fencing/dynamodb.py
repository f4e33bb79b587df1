"""Writes to DynamoDB that a stale leader cannot make.

What is **not** guaranteed, first. An item refuses a stale leader only once a later term has written
that item: what the successor has not touched yet, and an item that does not exist, it may still
write. A deletion takes the token along, so a stale leader may put the item again; TTL and
everything else that goes past this module (BatchWriteItem, PartiQL, other programs) does the same.
Where that matters, use a `FenceRow`, which a new leader claims first. Writers with equal tokens,
such as a clone of the leader's process, are not distinguished: both may write. Conditions hold in
one Region: a global table with eventual consistency merges the writes of others without them, and
one with strong consistency takes no transactions. A write that ends in an error may have been
applied, or may be applied within ten minutes, once, unless the error is one of these: `StaleToken`,
for as long as the item is not deleted, and boto3's `ConditionalCheckFailedException` and
`TransactionCanceledException`, unless a proxy on the way sends requests twice.

Each write is a transaction (`TransactWriteItems`), also that of one item, which costs twice the
write units. Only a transaction can be sent again without being applied twice (`SET n = n + 1`) and
without undoing a later write of the same leader: DynamoDB remembers its ClientRequestToken. How
that is kept up is described in `_io.dynamodb`. `fenced_request` adds the condition to a request
that you send yourself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from s3leader._core.fenced_item import (
    TOKEN_ATTRIBUTE,
    Kind,
    check_not_stale,
    describe_item,
    fence,
    written_token,
)
from s3leader._core.tokens import check_token
from s3leader._io.dynamodb import (
    Transaction,
    TransactionSettings,
    plain_condition,
    read_item,
)
from s3leader.errors import InvalidArgument

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.service_resource import Table

__all__ = ["FenceRow", "FencedItems", "fenced_request", "raise_if_stale"]

_MOST: Final = 100  # items of a transaction
_KINDS: Final[tuple[Kind, ...]] = ("Put", "Update", "Delete", "ConditionCheck")


class FencedItems:
    """Items that carry the highest token that ever wrote them, in the attribute `attribute`.

    `dynamodb` is boto3's resource `Table`, or a client: requests are as that takes them, with
    Python's values and without a TableName, or with typed values and one. A condition of the
    request's own is kept: a string, or one of `boto3.dynamodb.conditions`.

    All calls block: for up to about 30 seconds while DynamoDB does not answer or other transactions
    are in the way, and for up to five minutes if the client's own time-outs and retries, which are
    boto3's by default, take so long.
    """

    def __init__(
        self, dynamodb: Table | DynamoDBClient, *, attribute: str = TOKEN_ATTRIBUTE
    ) -> None:
        self._client, self._table = _client_and_table(dynamodb)
        self._attribute = attribute
        self._settings = TransactionSettings()

    def put_item(self, *, token: int, **request: Any) -> None:  # noqa: ANN401 - as boto3 takes it
        """Put an item, as `put_item` of boto3 does; the item gets the token.

        Raises:
            StaleToken: a later term has written the item; stop, another candidate leads.
            ConditionalCheckFailedException: of boto3, if the request's own condition failed.
            CorruptObject: what the item carries is no token.
            StoreUnavailable: DynamoDB did not say whether the write was applied. Also if the own
                condition failed, but an earlier copy of the write was not answered.
            TableUnusable: there is no such table, its key is another, or a right is missing.
        """
        self._write("Put", "PutItem", token, request)

    def update_item(self, *, token: int, **request: Any) -> None:  # noqa: ANN401
        """Update an item, or create it, as `update_item` of boto3 does; it gets the token.

        Without an UpdateExpression the item gets nothing else: so a new leader claims it. Raises as
        `put_item` does.
        """
        self._write("Update", "UpdateItem", token, request)

    def delete_item(self, *, token: int, **request: Any) -> None:  # noqa: ANN401
        """Delete an item, as `delete_item` of boto3 does. Its token is deleted with it.

        So a stale leader may put the item again. To prevent that, keep the item and mark it as
        deleted, or use a `FenceRow`. Raises as `put_item` does.
        """
        self._write("Delete", "DeleteItem", token, request)

    def transact(self, items: Sequence[Mapping[str, Any]], *, token: int) -> None:
        """Apply all of boto3's TransactItems or none, each with the condition.

        Raises:
            StaleToken: a later term has written one of the items.
            TransactionCanceledException: of boto3, for every other reason.
            StoreUnavailable, TableUnusable: as `put_item` does.
        """
        _check_number(items, _MOST)
        self._commit([self._fenced(item, token, at) for at, item in enumerate(items)], token)

    def _write(self, kind: Kind, operation: str, token: int, request: dict[str, Any]) -> None:
        if request.pop("ReturnValues", "NONE") != "NONE":
            raise InvalidArgument(
                f"{operation}: a transaction returns no values; leave ReturnValues out and read the"
                f" item, or send a `fenced_request` yourself"
            )
        self._commit([self._fenced({kind: request}, token)], token, operation)

    def _fenced(
        self, item: Mapping[str, Any], token: int, at: int | None = None
    ) -> dict[Kind, dict[str, Any]]:
        kind, request = _kind_and_request(item, self._table, at)
        return {kind: fenced_request(kind, request, token=token, attribute=self._attribute)}

    def _commit(
        self,
        items: Sequence[Mapping[Kind, Mapping[str, Any]]],
        token: int,
        operation: str | None = None,
    ) -> None:
        Transaction(
            client=self._client,
            items=items,
            token=token,
            attribute=self._attribute,
            settings=self._settings,
            operation=operation,
        ).commit()


class FenceRow:
    """An item that holds the token of one election, for items that should not carry one.

    `dynamodb` is boto3's resource `Table` or a client, which needs `table`; `key` is the item's
    key, for example `{"id": "nightly-compaction"}`. A transaction raises the row to its token, and
    fails if the row is higher. So a new leader that claims the row shuts every earlier one out of
    all transactions with this row, also on items that it has not written.

    Transactions with one row run one after the other; those that meet are repeated.
    """

    def __init__(
        self,
        dynamodb: Table | DynamoDBClient,
        *,
        key: Mapping[str, Any],
        table: str | None = None,
        attribute: str = TOKEN_ATTRIBUTE,
    ) -> None:
        self._client, own = _client_and_table(dynamodb)
        if not isinstance(key, Mapping):
            raise InvalidArgument(
                f"key: expected a dictionary, as boto3 takes the key of an item, got {key!r}; such"
                f" as {{'id': 'nightly'}}, or {{'id': {{'S': 'nightly'}}}} with a client"
            )
        if (name := table or own) is None:
            raise InvalidArgument("a client does not know the table of the row: pass table=…")
        self._row: dict[str, Any] = {"TableName": name, "Key": dict(key)}
        self._attribute = attribute
        self._settings = TransactionSettings()
        fence("Update", self._row, token=1, attribute=attribute)  # checks the key

    def claim(self, *, token: int) -> None:
        """Raise the row to `token`, so that all lower tokens are refused from now on.

        Raises as `transact` does.
        """
        self.transact([], token=token)

    def read_token(self) -> int | None:
        """Return the row's token by a consistent read, None if there is no row.

        A later term may come as soon as this has returned: it tells only who is stale. It needs
        dynamodb:GetItem. Raises `CorruptObject`, `TableUnusable` and boto3's errors.
        """
        self._settings.check_process()
        item = read_item(self._client, self._row)
        return written_token(item, attribute=self._attribute, label=describe_item(self._row))

    def transact(self, items: Sequence[Mapping[str, Any]], *, token: int) -> None:
        """Apply all of boto3's TransactItems or none, at most 99, and only if no term is later.

        Each item names its table: `{"Put": {"TableName": …, "Item": …}}`.

        Raises:
            StaleToken: the row carries a higher token; stop, another candidate leads.
            TransactionCanceledException: of boto3, for a condition of an item's own.
            CorruptObject: what the row carries is no token.
            StoreUnavailable, TableUnusable: as `FencedItems` does.
        """
        _check_number(items, _MOST - 1)
        check_token(token)
        row = fence("Update", self._row, token=token, attribute=self._attribute)
        own = [_own_item(at, item) for at, item in enumerate(items)]
        Transaction(
            client=self._client,
            items=[*own, {"Update": row}],
            token=token,
            attribute=self._attribute,
            settings=self._settings,
            fenced_from=len(own),
        ).commit()


def fenced_request(
    kind: Kind, request: Mapping[str, Any], *, token: int, attribute: str = TOKEN_ATTRIBUTE
) -> dict[str, Any]:
    """Return the parameters of a PutItem, UpdateItem or DeleteItem with the condition joined on.

    Also of an item of a transaction. `kind` is "Put", "Update", "Delete" or "ConditionCheck". Pass
    what the request raises to `raise_if_stale`.

    For requests whose repetition does no harm, such as the put of a new item: boto3 sends a request
    again if its answer is lost. An update like `ADD total :n` is then applied twice, and a copy
    that was delayed undoes a later write of the same leader. `FencedItems` prevents both.
    """
    if kind not in _KINDS:
        raise InvalidArgument(f"expected one of {_KINDS}, got {kind!r}")
    return fence(kind, plain_condition(request), token=token, attribute=attribute)


def raise_if_stale(
    error: ClientError,
    request: Mapping[str, Any],
    *,
    token: int,
    attribute: str = TOKEN_ATTRIBUTE,
) -> None:
    """Raise `StaleToken` if `error` is the refusal of the fenced `request` for its token."""
    item: Any = error.response.get("Item")
    check_not_stale(item, token=token, attribute=attribute, label=describe_item(request))


def _client_and_table(dynamodb: Any) -> tuple[DynamoDBClient, str | None]:  # noqa: ANN401
    table = getattr(dynamodb, "table_name", None)
    client = dynamodb if table is None else dynamodb.meta.client
    if not hasattr(client, "transact_write_items"):
        raise InvalidArgument(
            f"expected a Table of boto3.resource('dynamodb') or a boto3.client('dynamodb'), got"
            f" {type(dynamodb).__name__}"
        )
    return client, table


def _own_item(at: int, item: Mapping[str, Any]) -> dict[Kind, dict[str, Any]]:
    kind, request = _kind_and_request(item, None, at)
    return {kind: plain_condition(request)}


def _kind_and_request(
    item: Any,  # noqa: ANN401 - a dictionary, as is checked here
    table: str | None,
    at: int | None,
) -> tuple[Kind, dict[str, Any]]:
    """Return what an entry, the one at `at`, asks for: in `table` unless it names its own."""
    found = [kind for kind in _KINDS if kind in item] if isinstance(item, Mapping) else []
    if len(found) != 1 or len(item) != 1 or not isinstance(item[found[0]], Mapping):
        raise InvalidArgument(
            f"items[{at}]: expected an item of a transaction, a dictionary with one of {_KINDS} as"
            f" its only key and the request's parameters as its value, got {item!r}"
        )
    kind, own = found[0], {} if table is None else {"TableName": table}
    request = {**own, **item[found[0]]}
    if "TableName" not in request:
        where = kind if at is None else f"items[{at}] ({kind})"
        raise InvalidArgument(
            f"{where}: expected a TableName, got only {[*request]}; name the table that the item is"
            f" in"
        )
    return kind, request


def _check_number(items: Sequence[Mapping[str, Any]], most: int) -> None:
    if len(items) > most:
        raise InvalidArgument(
            f"a transaction of DynamoDB has at most {_MOST} items, of which {most} are yours, got"
            f" {len(items)}; send several transactions, each complete in itself"
        )
