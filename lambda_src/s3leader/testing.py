"""For unit tests of code that uses s3leader: no environment, no AWS.

A handler that is decorated with `@singleton` is tested with `invoke`:

    from s3leader.testing import MemoryStore, invoke

    store = MemoryStore()
    assert invoke(handler, tick="2025-11-23T06:00:00Z", store=store)["outcome"] == "completed"
    assert invoke(handler, tick="2025-11-23T06:00:00Z", store=store)["reason"] == "done"

Code that takes an `Election` is tested with `election`, on a `FakeClock` if time has to pass:

    clock = FakeClock()
    store = MemoryStore(clock_ms=clock.read_ms)
    term = election(store=store, clock=clock).campaign()
    clock.advance(timedelta(minutes=1))
    assert not term.held

A `MemoryStore` can be given faults: `store.script(Fault.ANSWER_LOST)`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Unpack

from ._core.requests import Store
from ._core.times import to_ms
from ._io.memory_store import Fault, MemoryStore
from ._io.seams import Seams
from ._lambda.handler_contract import is_singleton
from ._lambda.local import LocalContext
from .election import Election, ElectionOptions
from .errors import InvalidArgument
from .fencing import FencedObject
from .observer import Observer

if TYPE_CHECKING:
    from .aio import AsyncElection

__all__ = [
    "FakeClock",
    "Fault",
    "MemoryStore",
    "async_election",
    "election",
    "fenced_object",
    "invoke",
]


def invoke(
    handler: Callable[[Any, Any], Any],
    *,
    tick: str | None = None,
    event: Mapping[str, Any] | None = None,
    store: Store | None = None,
    remaining: timedelta = timedelta(minutes=1),
    max_continuations: int = 100,
) -> Any:  # noqa: ANN401 - JSON
    """Return what Lambda would return for an invocation of a handler decorated with `@singleton`.

    `tick` is added to `event`. Invocations that share a `store` share the election; by default each
    has a store of its own. `remaining` is the invocation's remaining time, by its context. If the
    result is `continued`, invoke the handler again, with the same tick: nothing else does. The
    undecorated function is `handler.undecorated`.

    Raises what the handler raises, and `InvalidArgument` for a handler that is not decorated, or
    whose result cannot be written as JSON.
    """
    if not is_singleton(handler):
        raise InvalidArgument(
            f"{handler!r} is not decorated with @singleton: pass the decorated function, which"
            f" Lambda calls"
        )
    context = LocalContext(
        store=_store_or_new(store),
        environment={
            "S3LEADER_BUCKET": "local",
            "S3LEADER_ELECTION": "local",
            "S3LEADER_MAX_CONTINUATIONS": str(max_continuations),
        },
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


def election(
    name: str = "test",
    *,
    store: Store | None = None,
    clock: FakeClock | None = None,
    observer: Observer | None = None,
    **options: Unpack[ElectionOptions],
) -> Election:
    """Return a candidate's `Election` in `store`, by default in a store of its own.

    Candidates with one `store` and one `name` contend. With a `clock`, time passes only there. The
    `options` are those of `Election`.
    """
    seams = _seams(store, clock)
    return Election._with_seams(name, seams, observer=observer, **options)  # noqa: SLF001 - as below


def async_election(
    name: str = "test",
    *,
    store: Store | None = None,
    clock: FakeClock | None = None,
    observer: Observer | None = None,
    **options: Unpack[ElectionOptions],
) -> AsyncElection:
    """Return a candidate's `AsyncElection`, as `election` does."""
    from .aio import AsyncElection  # noqa: PLC0415 - only users of asyncio pay for it

    seams = _seams(store, clock)
    return AsyncElection._with_seams(name, seams, observer=observer, **options)  # noqa: SLF001


def fenced_object(
    key: str, *, store: Store | None = None, clock: FakeClock | None = None
) -> FencedObject:
    """Return a `FencedObject` in `store`, by default in a store of its own."""
    return FencedObject._with_seams(key, _seams(store, clock))  # noqa: SLF001 - made for this


class FakeClock:
    """Time that passes only when a test calls `advance`, or a candidate sleeps.

    One clock may serve as S3's clock, `MemoryStore(clock_ms=clock.read_ms)`, and as that of any
    number of candidates.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self.ms = to_ms(start)

    def read_ms(self) -> int:
        """Return the milliseconds since 1970."""
        return self.ms

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self.ms += round(seconds * 1000)

    def advance(self, by: timedelta) -> None:
        """Let a time pass."""
        self.ms += by // timedelta(milliseconds=1)


def _seams(store: Store | None, clock: FakeClock | None) -> Seams:
    store = _store_or_new(store)
    if clock is None:
        return Seams(store=store)
    return Seams(store=store, clock_ms=clock.read_ms, sleep=clock.sleep)


def _store_or_new(store: Store | None) -> Store:
    if isinstance(store, type):  # its calls would fail as those of a store that is unavailable
        raise InvalidArgument(
            f"expected store to be a store, got {store!r}: pass an instance, {store.__name__}()"
        )
    if store is not None and not callable(getattr(store, "perform", None)):
        raise InvalidArgument(f"expected store to be a store, such as MemoryStore(), got {store!r}")
    return MemoryStore() if store is None else store


def _plain(value: object) -> float:
    """Convert a type that Lambda's runtime serializes beyond JSON's own."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not JSON serializable")
