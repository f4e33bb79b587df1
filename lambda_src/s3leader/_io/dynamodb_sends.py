"""The sends of one transaction: all are the same bytes with the same signature.

DynamoDB applies a transaction once for each ClientRequestToken, and remembers the token for ten
minutes after the first request with it was completed. It accepts a signature from five minutes
before the time in it to five minutes after it, by its own clock. So copies with one signature are
accepted at most ten minutes apart, and the second finds the token remembered, whatever the clock of
this host says. botocore signs each try anew, with the time of this host: were that ahead, a late
copy of a later try could be accepted when the token is forgotten, and be applied a second time.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BEFORE_SEND: Final = "before-send.dynamodb.TransactWriteItems"
_RECEIVED: Final = "response-received.dynamodb.TransactWriteItems"


@dataclass(slots=True)
class Sends:
    """What was sent of one transaction, by botocore's repetitions too.

    `unanswered` counts the copies of which DynamoDB has not said that they were refused: each may
    have been applied, or may be applied as long as its signature is good.
    """

    copies: int = 0
    unanswered: int = 0
    _signed: tuple[str, Any, Any] | None = None

    def record_send(self, request: Any) -> None:  # noqa: ANN401 - botocore's AWSPreparedRequest
        """Make `request`, which is about to be sent, the same as the first."""
        if self._signed is None:
            self._signed = (request.url, request.headers, request.body)
        request.url, request.headers, request.body = self._signed
        self.copies += 1
        self.unanswered += 1

    def record_answer(self, status: int) -> None:
        """Count the answer to the last send. A 5xx leaves open whether it was applied."""
        if 400 <= status < 500:
            self.unanswered -= 1


current_sends: ContextVar[Sends | None] = ContextVar("current_sends", default=None)


def watch(client: DynamoDBClient) -> None:
    """Let `client` report what it sends while `current_sends` is set."""
    # An event that is registered twice under one id is called once.
    events = client.meta.events
    events.register(_BEFORE_SEND, _before_send, unique_id="s3leader-before-send")
    events.register(_RECEIVED, _received, unique_id="s3leader-received")


def _before_send(request: Any, **_: object) -> None:  # noqa: ANN401
    if (sends := current_sends.get()) is not None:  # else the caller's own transaction
        sends.record_send(request)


def _received(response_dict: Any, exception: Exception | None, **_: object) -> None:  # noqa: ANN401
    sends = current_sends.get()
    if sends is not None and exception is None and response_dict is not None:
        sends.record_answer(response_dict["status_code"])
