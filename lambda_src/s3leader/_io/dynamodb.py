"""Transactions on DynamoDB that are applied once, however often their answer is lost.

DynamoDB applies a transaction once for each ClientRequestToken. So the same request is sent again
until an answer comes. It is also botocore that sends again, after errors and time-outs, and with
the same token. `dynamodb_sends` keeps all copies within the time for which it is remembered.

An answer is about one copy. If it is a refusal, and an earlier copy was not answered, that one may
still come, and find that the condition holds: then the outcome is unknown. Only a higher token in
the item refuses all copies, since it stays there as long as the item is not deleted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from botocore.exceptions import ClientError

from s3leader._core.conditional_write import WriteUnknown, write_until_known
from s3leader._core.fenced_item import Kind, check_not_stale, describe_item, unused
from s3leader._core.requests import Applied, Create, StoreAnswer, StoreRequest, Unknown
from s3leader.errors import InvalidArgument, S3LeaderError, StoreUnavailable, describe_error

from .driver import Driver
from .dynamodb_refusals import explained, reasons_of
from .dynamodb_sends import Sends, current_sends, watch
from .seams import new_nonce

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PATIENCE_MS: Final = 30_000
_PLACEHOLDER: Final = re.compile(r"[#:]\w+")
_IN_PROGRESS: Final = "TransactionInProgressException"
# Reasons of a cancellation, and errors, after which the same request may succeed.
_RETRIED_REASONS: Final = frozenset(
    {"None", "ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)
_RETRIED_ERRORS: Final = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        _IN_PROGRESS,
    }
)
_REFUSED: Final = "ConditionalCheckFailed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionSettings:
    """What tests replace: how often and for how long a transaction is sent, and its tokens."""

    driver: Callable[..., Driver] = Driver
    nonce: Callable[[], str] = new_nonce
    patience_ms: int = _PATIENCE_MS
    pid: int = field(default_factory=os.getpid)

    def check_process(self) -> None:
        """Raise `InvalidArgument` in a fork of the process that made this."""
        if os.getpid() != self.pid:
            raise InvalidArgument(
                f"the client was passed in by process {self.pid}, and process {os.getpid()} is a"
                f" fork of it: they would share connections, and read each other's answers. Make a"
                f" client in this process"
            )


@dataclass(kw_only=True)
class Transaction:
    """A transaction of fenced items; `items` are boto3's TransactItems.

    Those from `fenced_from` on carry the condition; `attribute` is the name of their token. If the
    transaction stands for one request, `operation` is its name. It is a store (`requests.Store`) of
    one object, itself, so that the driver repeats it.
    """

    client: DynamoDBClient
    items: Sequence[Mapping[Kind, Mapping[str, Any]]]
    token: int
    attribute: str
    settings: TransactionSettings
    fenced_from: int = 0
    operation: str | None = None
    _key: str = field(init=False)
    _sends: Sends = field(default_factory=Sends, init=False)
    _cause: str = field(default="none", init=False)

    def __post_init__(self) -> None:
        self._key = self.settings.nonce()

    def commit(self) -> None:
        """Send it until it is known whether it was applied.

        Raises `StaleToken` if an item carries a higher token, `StoreUnavailable` if no answer came,
        `TableUnusable` if DynamoDB will not answer otherwise until somebody changes something, and
        botocore's `ClientError` for every other refusal.
        """
        self.settings.check_process()
        watch(self.client)
        driver = self.settings.driver(store=self)
        write = Create(f"DynamoDB transaction {self._key}", b"")
        try:
            driver.run(write_until_known(write, self._key, patience_ms=self.settings.patience_ms))
        except _Refused as refused:
            found = self._own_error(refused.error)
            raise found from found.__cause__
        except WriteUnknown as error:
            raise self._given_up() from error

    def perform(self, request: StoreRequest) -> StoreAnswer:  # noqa: ARG002 - as a store has it
        """Send it once. `request` is always the `Create` of `commit`."""
        answer = self._send()
        self._cause = getattr(answer, "cause", self._cause)
        return answer

    def _send(self) -> StoreAnswer:
        before = current_sends.set(self._sends)
        sent = self._sends.copies
        try:
            self.client.transact_write_items(
                TransactItems=self.items,  # type: ignore[arg-type]  # typed values or Python's
                ClientRequestToken=self._key,
            )
        except ClientError as error:
            return self._answer(error)
        except Exception as error:
            if self._sends.copies > sent:
                return Unknown(describe_error(error))
            raise _Refused(error) from error
        finally:
            current_sends.reset(before)
        return Applied("", 0)

    def _answer(self, error: ClientError) -> StoreAnswer:
        """Return what `error` leaves open, or raise."""
        code = error.response["Error"]["Code"]
        reasons = reasons_of(error)
        for number, (entry, reason) in enumerate(zip(self.items, reasons, strict=False)):
            if number >= self.fenced_from and reason.get("Code") == _REFUSED:
                (request,) = entry.values()
                check_not_stale(
                    reason.get("Item"),
                    token=self.token,
                    attribute=self.attribute,
                    label=describe_item(request),
                )
        if reasons and {str(reason.get("Code")) for reason in reasons} <= _RETRIED_REASONS:
            return Unknown(error.response["Error"].get("Message", code))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == _IN_PROGRESS:  # so a copy is being applied that a proxy has made
            self._sends.unanswered = max(1, self._sends.unanswered)
        if code in _RETRIED_ERRORS or status >= 500:
            return Unknown(f"{code}, status {status}")
        raise _Refused(error) from error

    def _given_up(self) -> StoreUnavailable:
        if not self._sends.unanswered:
            return StoreUnavailable(
                f"DynamoDB has refused each copy of the write with token {self.token} until time"
                f" ran out (the last answer: {self._cause}). Nothing was written. Try again later."
            )
        return StoreUnavailable(
            f"DynamoDB did not say whether the write with token {self.token} was applied (the last"
            f" answer: {self._cause}). It may still be applied, once, within ten minutes. Try again"
            f" later."
        )

    def _own_error(self, error: Exception) -> Exception:
        """Return what the one request alone would have raised, if the transaction stands for it.

        But if a copy was not answered, the refusal of another one does not tell the outcome.
        """
        if not isinstance(error, ClientError):
            return error
        if self._sends.unanswered:
            unknown = StoreUnavailable(
                f"DynamoDB refused the write with token {self.token} ({describe_error(error)}), but"
                f" did not answer an earlier copy of it. That may have been applied, or may still"
                f" be, once, within ten minutes. Read the item before you decide; a condition that"
                f" cannot hold again, such as one on a version that only rises, keeps it out."
            )
            unknown.__cause__ = error
            return unknown
        reasons = reasons_of(error)
        if self.operation is None or [each.get("Code") for each in reasons] != [_REFUSED]:
            return explained(error, self.client, [*tables_of(self.items)])
        message = {
            "Code": "ConditionalCheckFailedException",
            "Message": "The conditional request failed",
        }
        response: Any = {**error.response, "Error": message, "Item": reasons[0].get("Item", {})}
        del response["CancellationReasons"]
        return self.client.exceptions.ConditionalCheckFailedException(response, self.operation)


def tables_of(items: Sequence[Mapping[Kind, Mapping[str, Any]]]) -> dict[str, None]:
    """Return the names of the tables of a transaction, in order and each once."""
    requests = (request for item in items for request in item.values())
    return {str(request["TableName"]): None for request in requests if "TableName" in request}


def read_item(client: DynamoDBClient, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the item with this `TableName` and `Key` by a consistent read, None without one.

    Raises `TableUnusable`, and botocore's errors.
    """
    try:
        item: Mapping[str, Any] | None = client.get_item(**key, ConsistentRead=True).get("Item")
    except ClientError as error:
        found = explained(error, client, [str(key["TableName"])])
        raise found from found.__cause__
    return item


def plain_condition(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return `request` with a condition of `boto3.dynamodb.conditions` as a string.

    boto3's own placeholders (#n0, :v0) may be the caller's too, so they are renamed.
    """
    condition = request.get("ConditionExpression")
    if not isinstance(condition, ConditionBase):
        return dict(request)
    built = ConditionExpressionBuilder().build_expression(condition)
    names = dict(request.get("ExpressionAttributeNames") or {})
    values = dict(request.get("ExpressionAttributeValues") or {})
    renamed: dict[str, str] = {}
    for each, name in built.attribute_name_placeholders.items():
        renamed[each] = unused(f"#own_{each[1:]}", names)
        names[renamed[each]] = name
    for each, value in built.attribute_value_placeholders.items():
        renamed[each] = unused(f":own_{each[1:]}", values)
        values[renamed[each]] = value
    text = _PLACEHOLDER.sub(lambda found: renamed[found[0]], built.condition_expression)
    return {
        **request,
        "ConditionExpression": text,
        **({"ExpressionAttributeNames": names} if names else {}),
        **({"ExpressionAttributeValues": values} if values else {}),
    }


class _Refused(S3LeaderError):  # noqa: N818 - never leaves this module
    """Carries an error past the driver, which takes other exceptions for lost answers."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error
