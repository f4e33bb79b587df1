"""Transactions on DynamoDB that are applied once, however often their answer is lost.

DynamoDB applies a transaction once for each ClientRequestToken, and remembers the token for ten
minutes after the first request that was answered. So the same request is sent again until an
answer comes. It is also botocore that sends again, after errors and time-outs, and with the same
token. A signature is good for five minutes, so a copy that was delayed in the network arrives at
most five minutes after it was signed. Nothing is therefore sent later than four minutes after the
first try: every copy then finds the token remembered, or is refused for its signature.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from botocore.exceptions import ClientError

from s3leader._core.conditional_write import WriteUnknown, write_until_known
from s3leader._core.fenced_item import Kind, check_not_stale, describe_item, unused
from s3leader._core.requests import Applied, Create, StoreAnswer, StoreRequest, Unknown
from s3leader.errors import InvalidArgument, S3LeaderError, StoreUnavailable, describe_error

from .driver import Driver, monotonic_ms
from .seams import new_nonce

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SENDS_END_MS: Final = 240_000  # after the first; see above
_PATIENCE_MS: Final = 30_000
_PLACEHOLDER: Final = re.compile(r"[#:]\w+")
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
        "TransactionInProgressException",
    }
)
_REFUSED: Final = "ConditionalCheckFailed"


@dataclass(slots=True)
class _Call:
    """One call of the client: until when it may send, and whether it has."""

    may_send: Callable[[], bool]
    sent: bool = False


_call: ContextVar[_Call | None] = ContextVar("call", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionSettings:
    """What tests replace: how often and for how long a transaction is sent, and its tokens."""

    driver: Callable[..., Driver] = Driver
    clock_ms: Callable[[], int] = monotonic_ms
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
    _first_ms: int | None = field(default=None, init=False)
    _cause: str = field(default="none", init=False)

    def __post_init__(self) -> None:
        self._key = self.settings.nonce()

    def commit(self) -> None:
        """Send it until it is known whether it was applied.

        Raises `StaleToken` if an item carries a higher token, `StoreUnavailable` if no answer came,
        and botocore's `ClientError` for every other refusal.
        """
        self.settings.check_process()
        _refuse_late_sends_of(self.client)
        driver = self.settings.driver(store=self)
        write = Create(f"DynamoDB transaction {self._key}", b"")
        try:
            driver.run(write_until_known(write, self._key, patience_ms=self.settings.patience_ms))
        except _Refused as refused:
            raise self._own_error(refused.error) from None
        except WriteUnknown as error:
            raise StoreUnavailable(
                f"DynamoDB did not say whether the write with token {self.token} was applied (the"
                f" last answer: {self._cause}). It may still be applied, once. Try again later."
            ) from error

    def perform(self, request: StoreRequest) -> StoreAnswer:  # noqa: ARG002 - as a store has it
        """Send it once. `request` is always the `Create` of `commit`."""
        answer = self._send()
        self._cause = getattr(answer, "cause", self._cause)
        return answer

    def _send(self) -> StoreAnswer:
        if self._first_ms is None:
            self._first_ms = self.settings.clock_ms()
        end_ms = self._first_ms + _SENDS_END_MS
        call = _Call(lambda: self.settings.clock_ms() < end_ms)
        before = _call.set(call)
        try:
            self.client.transact_write_items(
                TransactItems=self.items,  # type: ignore[arg-type]  # typed values or Python's
                ClientRequestToken=self._key,
            )
        except ClientError as error:
            return self._answer(error)
        except Exception as error:
            if call.sent or isinstance(error, _TooLateError):
                return Unknown(describe_error(error))
            raise _Refused(error) from error
        finally:
            _call.reset(before)
        return Applied("", 0)

    def _answer(self, error: ClientError) -> StoreAnswer:
        """Return what `error` leaves open, or raise."""
        code = error.response["Error"]["Code"]
        reasons = _reasons(error)
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
        if code in _RETRIED_ERRORS or status >= 500:
            return Unknown(f"{code}, status {status}")
        raise _Refused(error) from error

    def _own_error(self, error: Exception) -> Exception:
        """Return what the one request alone would have raised, if the transaction stands for it."""
        if self.operation is None or not isinstance(error, ClientError):
            return error
        reasons = _reasons(error)
        if [reason.get("Code") for reason in reasons] != [_REFUSED]:
            return error
        message = {
            "Code": "ConditionalCheckFailedException",
            "Message": "The conditional request failed",
        }
        response: Any = {**error.response, "Error": message, "Item": reasons[0].get("Item", {})}
        del response["CancellationReasons"]
        return self.client.exceptions.ConditionalCheckFailedException(response, self.operation)


def _reasons(error: ClientError) -> Sequence[Mapping[str, Any]]:
    response: Mapping[str, Any] = error.response
    return response.get("CancellationReasons") or []


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


class _TooLateError(Exception):
    """botocore was about to send a request again after DynamoDB may have forgotten its token."""


def _refuse_late_sends_of(client: DynamoDBClient) -> None:
    # An event that is registered twice under one id is called once.
    client.meta.events.register(
        "before-send.dynamodb.TransactWriteItems",
        _refuse_late_send,
        unique_id="s3leader-refuse-late-sends",
    )


def _refuse_late_send(**_: object) -> None:
    call = _call.get()
    if call is None:
        return  # the caller's own transaction
    if not call.may_send():
        raise _TooLateError("sent for four minutes; a later copy might be applied a second time")
    call.sent = True
