"""How a term that is continued starts the next invocation (R10).

The lock is sealed as `continued` first, and the next invocation is started then. If that fails, the
handler fails: Lambda retries its event, and the retry, which finds the continued lock, is the next
leg. So that other ticks keep out until then, a continued lock states a lease of four minutes at
least. A crash or a lost answer between the two thus costs a delay, not the tick.
"""

from __future__ import annotations

import copy
import importlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Protocol

from s3leader._core.lock import Lock
from s3leader._core.times import format_time
from s3leader._io.invocation import NoInvocation
from s3leader.errors import InvalidArgument

_MAX_EVENT: Final = 256 * 1024
_GRACE: Final = timedelta(seconds=2)  # a function outlives its time-out a little
# Lambda retries a failed asynchronous invocation after one minute, and again after two.
_RETRIED_WITHIN: Final = timedelta(minutes=4)


class LambdaContext(Protocol):
    """The part of Lambda's context that the decorator uses."""

    function_name: str
    invoked_function_arn: str
    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation; may be 0."""
        ...


def check_context(context: object) -> None:
    """Raise `InvalidArgument` for what is not Lambda's context, as a test may pass."""
    if not hasattr(context, "get_remaining_time_in_millis"):
        raise InvalidArgument(
            f"expected Lambda's context, got {context!r}: in a test, call the handler with"
            f" s3leader.testing.invoke, which makes one"
        )


def time_left(context: LambdaContext) -> timedelta:
    """Return the invocation's remaining time."""
    return timedelta(milliseconds=context.get_remaining_time_in_millis())


class LambdaInvocation:
    """This invocation, and the event that started it, as it was before the handler saw it."""

    retried_within: timedelta = _RETRIED_WITHIN

    def __init__(self, event: object, context: LambdaContext) -> None:
        self._event = copy.deepcopy(event) if isinstance(event, Mapping) else {}
        self._context = context

    def time_left(self) -> timedelta:
        """Return the time until Lambda ends the invocation."""
        return time_left(self._context)

    def prepare_next(self, lock: Lock) -> bytes:
        """Return the event of the leg after `lock`; `InvalidArgument` if Lambda cannot take it."""
        try:
            payload = json.dumps(next_event(self._event, lock)).encode()
        except (TypeError, ValueError) as error:
            raise InvalidArgument(
                f"the event cannot be written as JSON ({error}), so the next leg cannot get it"
            ) from error
        if len(payload) > _MAX_EVENT:
            raise InvalidArgument(
                f"expected an event of at most {_MAX_EVENT} bytes, which is what an asynchronous"
                f" invocation takes, got {len(payload)}: keep large input in S3, and its key in the"
                f" event"
            )
        # Only a continued term needs boto3 for this. The lock is not sealed yet: once it is,
        # nothing but the request keeps the next leg waiting.
        importlib.import_module("s3leader._io.lambda_client")
        return payload

    def start_next(self, prepared: bytes, *, term: int) -> None:
        """Start an invocation for the next leg; raises `ContinuationNotStarted`."""
        from s3leader._io.lambda_client import start_invocation  # noqa: PLC0415 - see above

        start_invocation(self._context.invoked_function_arn, prepared, term=term)


class LocalInvocation(NoInvocation):
    """An invocation in a unit test, which calls the handler again by itself."""

    def __init__(self, context: LambdaContext) -> None:
        self._context = context

    def time_left(self) -> timedelta:
        """Return the time that the test gave the invocation."""
        return time_left(self._context)


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


def lease_for(context: LambdaContext, asked: timedelta | None) -> tuple[timedelta, bool]:
    """Return the lease to campaign with, and whether it is short enough to need renewing."""
    whole = time_left(context) + _GRACE
    if asked is None or asked >= whole:
        return whole, False
    return asked, True
