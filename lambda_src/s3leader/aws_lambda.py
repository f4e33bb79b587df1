"""`@singleton`: makes a Lambda handler run in one invocation per tick.

    @singleton
    def handler(event, context, term):
        ...

Each invocation campaigns; only the elected one calls the handler. Not guaranteed: that the handler
of a failed or crashed term had no effects. Its tick may be attempted again, so write with
`term.fencing_token`, and checkpoint with `term.save`.

By default the lease is the invocation's remaining time plus two seconds. Lambda ends the function
before that, so the lease needs no renewal. `S3LEADER_LEASE_SECONDS` asks for a shorter lease, for a
faster takeover after a crash; a thread then renews it while the handler runs.
"""

from __future__ import annotations

import functools
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias, cast, overload

from ._core.config import check_tick, work_for
from ._core.next_lock import Work
from ._core.requests import Store
from ._io.invocation import Invocation
from ._io.lock_store import lock_store
from ._io.seams import Seams
from ._lambda.continuation import LambdaContext, LambdaInvocation, LocalInvocation, time_left
from ._lambda.handler_contract import MARK, check_handler, refuse_deferred_result
from ._lambda.report import Report
from ._lambda.settings import Arguments, Settings
from .election import Election, Memory, NotElected
from .errors import InvalidArgument
from .term import Term

GRACE = timedelta(seconds=2)  # a function outlives its time-out a little
_MOST_CONTENDERS = 100  # that metrics tell apart; schedules make ten at most


Handler: TypeAlias = Callable[[Any, Any, Term], Any]


class LambdaHandler(Protocol):
    """What `@singleton` returns and Lambda calls. `__wrapped__` is the undecorated function."""

    __wrapped__: Handler

    def __call__(self, event: Any, context: Any, /) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Campaign, and call the handler if elected."""
        ...


@overload
def singleton(handler: Handler, /) -> LambdaHandler: ...
@overload
def singleton(
    *,
    election: str | None = None,
    bucket: str | None = None,
    prefix: str | None = None,
    wait: timedelta | None = None,
    max_attempts: int | None = None,
    max_continuations: int | None = None,
) -> Callable[[Handler], LambdaHandler]: ...
def singleton(
    handler: Handler | None = None,
    /,
    *,
    election: str | None = None,
    bucket: str | None = None,
    prefix: str | None = None,
    wait: timedelta | None = None,
    max_attempts: int | None = None,
    max_continuations: int | None = None,
) -> LambdaHandler | Callable[[Handler], LambdaHandler]:
    """Call `handler(event, context, term)` only in the elected invocation.

    The tick is `event["tick"]`, or `event["time"]` of an EventBridge scheduled rule. Without a
    tick the election only keeps runs from overlapping. The result is `{"elected": false,
    "reason": …}` where another candidate leads, and `{"elected": true, "term": …, "outcome": …,
    "result": …}` where the handler ran. An exception of the handler is raised again, after its
    term has been sealed as failed.

    In every result `tick`, `contender` and `request_id` describe this invocation. `term` and
    `holder` describe the term that it led, or the term that kept it from leading, whose tick is
    `term_tick`.

    Each argument takes precedence over the environment. `wait` is how long to campaign while
    another candidate leads, at most the invocation's remaining time. `max_attempts` limits the
    attempts at one tick, and `max_continuations` (default 0) how often the handler may call
    `term.continue_later`, whose result has `"outcome": "continued"`. An event with `"repeat"`, true
    or a text that says who asks for it and why, runs a completed tick again.
    Test a decorated handler with `s3leader.testing.invoke`.

    Raises `InvalidArgument` for an argument that cannot be used (`BucketUnusable` for a bucket of
    a type that cannot hold an election), and for a handler that cannot be called with a term or
    that would return before its work is done: an async function, a generator. If a handler returns
    a coroutine, a generator, a future or the like, its term is sealed as failed. A result that JSON
    cannot represent fails the invocation in Lambda after its term was completed, so the work is
    not repeated.
    """
    arguments = Arguments(
        election=election,
        bucket=bucket,
        prefix=prefix,
        wait=wait,
        max_attempts=max_attempts,
        max_continuations=max_continuations,
    )
    decorate = _decorator(arguments)
    return decorate if handler is None else decorate(handler)


@dataclass(slots=True)
class _Warm:
    """What the invocations of one execution environment share (R9). It holds no leadership."""

    store: Store | None
    memory: Memory = field(default_factory=Memory)


def _decorator(
    arguments: Arguments, store: Store | None = None
) -> Callable[[Handler], LambdaHandler]:
    """Return the decorator. In a test, `store` replaces the bucket."""

    def decorate(function: Handler) -> LambdaHandler:
        check_handler(function)
        warm = _Warm(store)

        @functools.wraps(function)
        def invoke(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401 - JSON
            if isinstance(context, LocalContext):
                settings = Settings.merge(arguments, context.environment)
                return _invoke(function, settings, _Warm(context.store), event, context)
            settings = Settings.merge(arguments, os.environ)
            return _invoke(function, settings, warm, event, context)

        setattr(invoke, MARK, True)
        return cast("LambdaHandler", invoke)

    return decorate


@dataclass(frozen=True, kw_only=True)
class LocalContext:
    """A context for tests: it carries the store and the environment to use instead of Lambda's.

    It also has the attributes of Lambda's context that handlers and their middleware read.
    """

    store: Store
    environment: Mapping[str, str]
    remaining: timedelta
    function_name: str = "local"
    function_version: str = "$LATEST"
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:local"
    memory_limit_in_mb: int = 128
    aws_request_id: str = "local"
    log_group_name: str = "/aws/lambda/local"
    log_stream_name: str = "local"

    def get_remaining_time_in_millis(self) -> int:
        """Return the given time; it does not pass."""
        return self.remaining // timedelta(milliseconds=1)


def _invoke(
    function: Handler,
    settings: Settings,
    warm: _Warm,
    event: Any,  # noqa: ANN401 - JSON
    context: LambdaContext,
) -> dict[str, Any]:
    lease, renewing = _lease_for(context, settings.lease)
    election = _election(settings, warm, context, lease, event)
    with _report(settings, context, event) as report:
        report.tick = check_tick(tick_of(event))
        work = _work(report.tick, event)
        wait = min(settings.wait, time_left(context))
        result = election._campaign(work, wait)  # noqa: SLF001 - an event may name a later leg
        if isinstance(result, NotElected):
            return report.lost(result)
        with result:
            report.won(result)
            with result.keep_renewing() if renewing else nullcontext():
                value = function(event, context, result)
            refuse_deferred_result(getattr(function, "__name__", repr(function)), value)
        return report.completed(result, value)


def tick_of(event: object) -> str | None:
    """Return the scheduled time that an event carries, None for an event without one."""
    if not isinstance(event, Mapping):
        return None
    tick = event.get("tick")
    if tick is None and event.get("detail-type") == "Scheduled Event":
        tick = event.get("time")
    if tick is None or isinstance(tick, str):
        return tick
    raise InvalidArgument(
        f"expected event['tick'] to be a string, got {tick!r}; give the scheduled time as ISO 8601"
        f" with a zone, such as '2026-11-23T06:00:00Z'"
    )


def _work(tick: datetime | None, event: object) -> Work:
    """Return what an invocation is for: its tick, and the leg or repeat that its event names."""
    if not isinstance(event, Mapping):
        return Work(tick=tick)
    return work_for(tick, leg=event.get("leg", 1), repeat=event.get("repeat", False))


def contender_of(event: object) -> int | None:
    """Return which contender an event is for, as the constructs' schedules number them.

    None for anything but a small number: each value becomes two metrics, which cost money.
    """
    contender = event.get("contender") if isinstance(event, Mapping) else None
    if isinstance(contender, bool) or not isinstance(contender, int):
        return None
    return contender if 0 <= contender < _MOST_CONTENDERS else None


def _report(settings: Settings, context: LambdaContext, event: object) -> Report:
    return Report(
        settings.election,
        settings.bucket,
        context.function_name,
        contender=contender_of(event),
        request_id=context.aws_request_id,
        counts_legs=settings.max_continuations > 0,
    )


def _election(
    settings: Settings, warm: _Warm, context: LambdaContext, lease: timedelta, event: object
) -> Election:
    """Return this invocation's candidate, which shares store and memory with earlier ones."""
    if warm.store is None:
        warm.store = lock_store(settings.bucket, lease, options=settings.bucket_options)
    return Election._with_seams(  # noqa: SLF001 - the store and the memory outlive the invocation
        settings.election,
        Seams(store=warm.store),
        memory=warm.memory,
        invocation=_invocation(context, event),
        prefix=settings.prefix,
        lease=lease,
        max_attempts=settings.max_attempts,
        max_continuations=settings.max_continuations,
        # An asynchronous retry keeps its request id, hence the random part.
        candidate=f"{context.function_name}/{context.aws_request_id}/{secrets.token_hex(4)}",
    )


def _invocation(context: LambdaContext, event: object) -> Invocation:
    if isinstance(context, LocalContext):
        return LocalInvocation(context)
    return LambdaInvocation(event=event if isinstance(event, Mapping) else {}, context=context)


def _lease_for(context: LambdaContext, asked: timedelta | None) -> tuple[timedelta, bool]:
    """Return the lease to campaign with, and whether it is short enough to need renewing."""
    whole = time_left(context) + GRACE
    if asked is None or asked >= whole:
        return whole, False
    return asked, True
