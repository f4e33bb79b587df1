"""A table of one item behind a client of boto3, with a clock of its own, that delays copies."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from s3leader._io.driver import Driver
from s3leader._io.dynamodb import TransactionSettings
from s3leader.fencing.dynamodb import FencedItems
from s3leader.testing import FakeClock

_EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
_EVENT = "before-send.dynamodb.TransactWriteItems"
SIGNED_S, REMEMBERED_S = 300, 600


@dataclass(frozen=True)
class Copy:
    """One copy of a request: its ClientRequestToken, and the time of its signature in seconds."""

    token: str
    signed_s: float


@dataclass
class SimulatedDynamoDB:
    """`applied` counts what was applied; `open` is whether the condition of the request holds.

    `fates` of the sends to come: "late" keeps the copy back, "lost" performs it and loses the
    answer, "answered" (also when none is left) performs and answers it. Each takes `send_s`.
    """

    skew_s: float = 0  # how far the client's clock is ahead
    send_s: float = 1
    fates: list[str] = field(default_factory=list)
    open: bool = True
    now_s: float = 0
    applied: int = 0
    late: list[Copy] = field(default_factory=list)
    completed_s: dict[str, float] = field(default_factory=dict)

    def client_time(self) -> datetime:
        return _EPOCH + timedelta(seconds=self.now_s + self.skew_s)

    def perform(self, copy: Copy) -> tuple[int, dict[str, Any]]:
        """Return the status and the answer to a copy that arrives now."""
        if abs(self.now_s - copy.signed_s) > SIGNED_S:
            return 400, {"__type": "x#InvalidSignatureException", "message": "Signature expired"}
        if self.now_s - self.completed_s.get(copy.token, float("-inf")) < REMEMBERED_S:
            return 200, {}
        if not self.open:
            reasons = [{"Code": "ConditionalCheckFailed", "Message": "The condition failed"}]
            return 400, {
                "__type": "x#TransactionCanceledException",
                "Message": "cancelled",
                "CancellationReasons": reasons,
            }
        self.applied += 1
        self.completed_s[copy.token] = self.now_s
        return 200, {}

    def answer(self, request: Any, **_: object) -> Any:
        signed = request.headers["X-Amz-Date"]
        text = signed.decode() if isinstance(signed, bytes) else signed
        at = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        copy = Copy(json.loads(request.body)["ClientRequestToken"], (at - _EPOCH).total_seconds())
        fate = self.fates.pop(0) if self.fates else "answered"
        status, body = (0, {}) if fate == "late" else self.perform(copy)
        self.now_s += self.send_s
        if fate == "late":
            self.late.append(copy)
        if fate != "answered":
            raise ConnectionClosedError(endpoint_url=request.url)
        raw: Any = io.BytesIO(json.dumps(body).encode())
        raw.stream = lambda **_: iter([raw.getvalue()])
        headers: Any = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, status, headers, raw)


@contextmanager
def fenced_items(
    server: SimulatedDynamoDB, patch: pytest.MonkeyPatch, *, attempts: int
) -> Iterator[FencedItems]:
    """Yield items of `server`; its client sends each request up to `attempts` times."""
    patch.setattr("botocore.auth.get_current_datetime", server.client_time)
    patch.setattr("time.sleep", lambda _: None)  # botocore's between attempts
    client = boto3.client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
        endpoint_url="http://127.0.0.1:9",
        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
    )  # fmt: skip
    items = FencedItems(client)
    clock = FakeClock()
    driver = partial(Driver, clock_ms=clock.read_ms, sleep=clock.sleep)
    items._settings = TransactionSettings(driver=driver, patience_ms=1000)
    client.meta.events.register_last(_EVENT, server.answer)
    yield items
