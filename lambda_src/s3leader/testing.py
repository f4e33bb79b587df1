"""For unit tests of decorated handlers: no environment, no AWS.

from s3leader.testing import MemoryStore, invoke

store = MemoryStore()
assert invoke(handler, tick="2025-11-23T06:00:00Z", store=store)["outcome"] == "completed"
assert invoke(handler, tick="2025-11-23T06:00:00Z", store=store)["reason"] == "done"

A `MemoryStore` can be given faults (`store.script(Fault.ANSWER_LOST)`) and a clock of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ._core.requests import Store
from ._io.memory_store import Fault, MemoryStore
from ._lambda.handler_contract import is_singleton
from .aws_lambda import LocalContext
from .errors import InvalidArgument

__all__ = ["Fault", "MemoryStore", "invoke"]


def invoke(
    handler: Callable[[Any, Any], Any],
    *,
    tick: str | None = None,
    event: Mapping[str, Any] | None = None,
    store: Store | None = None,
    remaining: timedelta = timedelta(minutes=1),
) -> Any:  # noqa: ANN401 - JSON
    """Return what Lambda would return for an invocation of a handler decorated with `@singleton`.

    `tick` is added to `event`. Invocations that share a `store` share the election; by default each
    has a store of its own. `remaining` is the invocation's remaining time, by its context. The
    undecorated function is `handler.__wrapped__`.

    Raises what the handler raises, and `InvalidArgument` for a handler that is not decorated, or
    whose result cannot be written as JSON.
    """
    if not is_singleton(handler):
        raise InvalidArgument(f"{handler!r} is not decorated with @singleton")
    context = LocalContext(
        store=MemoryStore() if store is None else store,
        environment={"S3LEADER_BUCKET": "local", "S3LEADER_ELECTION": "local"},
        remaining=remaining,
    )
    merged = {**(event or {}), **({} if tick is None else {"tick": tick})}
    answer = handler(merged, context)
    try:
        return json.loads(json.dumps(answer, default=_plain))
    except (TypeError, ValueError) as error:
        raise InvalidArgument(
            f"the handler's result cannot be written as JSON ({error}): Lambda would report"
            f" Runtime.MarshalError, after the term was completed"
        ) from error


def _plain(value: object) -> float:
    """Convert a type that Lambda's runtime serializes beyond JSON's own."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not JSON serializable")
