"""How a term that is continued starts the next invocation (R10).

The lock is sealed as `continued` first, and the next invocation is started then. If that fails, the
handler fails: Lambda retries its event, and the retry, which finds the continued lock, is the next
leg. So a crash or a lost answer between the two costs a delay, never the tick.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from s3leader._core.lock import Lock
from s3leader._core.times import format_time
from s3leader._io.lambda_client import start_invocation


class LambdaContext(Protocol):
    """The part of Lambda's context that the decorator uses."""

    function_name: str
    invoked_function_arn: str
    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation; may be 0."""
        ...


def time_left(context: LambdaContext) -> timedelta:
    """Return the invocation's remaining time."""
    return timedelta(milliseconds=context.get_remaining_time_in_millis())


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaInvocation:
    """This invocation, and the event that started it."""

    event: Mapping[str, Any]
    context: LambdaContext

    def time_left(self) -> timedelta:
        """Return the time until Lambda ends the invocation."""
        return time_left(self.context)

    def start_next(self, lock: Lock) -> None:
        """Start an invocation for the next leg of `lock`; raises `ContinuationNotStarted`."""
        payload = json.dumps(next_event(self.event, lock)).encode()
        start_invocation(self.context.invoked_function_arn, payload, term=lock.term)


@dataclass(frozen=True, slots=True)
class LocalInvocation:
    """An invocation in a unit test, which calls the handler again by itself."""

    context: LambdaContext

    def time_left(self) -> timedelta:
        """Return the time that the test gave the invocation."""
        return time_left(self.context)

    def start_next(self, lock: Lock) -> None:
        """Start nothing."""


def next_event(event: Mapping[str, Any], lock: Lock) -> dict[str, Any]:
    """Return the event of the next leg: that of this one, with the tick and the number of the leg.

    The rest of the event is kept, so a job's own keys reach each leg.
    """
    if lock.tick is None:
        raise TypeError("a term without a tick is not continued")
    repeat: bool | str = lock.repeat_reason or True
    return {
        **event,
        "tick": format_time(lock.tick),
        "leg": lock.leg + 1,
        **({"repeat": repeat} if lock.repeat else {}),
    }
