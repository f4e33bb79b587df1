"""One decorator that turns a Lambda handler into a singleton job.

    @singleton
    def handler(event, context, term):
        ...

Each invocation campaigns; only the one that is elected calls the handler. Not guaranteed: that the
handler of a failed or crashed term left nothing behind. Its tick may be attempted again, so write
with `term.fencing_token`, and checkpoint with `term.save`.

By default the lease is the invocation's remaining time plus two seconds: Lambda ends the function
first, so that it needs no renewing. `S3LEADER_LEASE_SECONDS` asks for a shorter one, for a faster
takeover after a crash; a thread then renews it for as long as the handler runs, and no longer.
"""

from __future__ import annotations

import functools
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TypeAlias, cast, overload

from ._core.config import check_max_attempts, check_name, check_prefix, check_tick, check_wait
from ._core.lock import MAX_BODY
from ._core.requests import Store
from ._io.s3_options import check_bucket
from ._io.s3_store import S3Store
from ._lambda.handler_contract import MARK, check_handler, refuse_deferred_result
from ._lambda.report import Report
from ._lambda.settings import Settings
from .election import Election, Memory, NotElected, try_timeout
from .errors import InvalidArgument
from .term import Term

GRACE = timedelta(seconds=2)  # a function outlives its time-out a little
_CONTENDERS = 100  # that metrics tell apart; schedules make ten at most


class LambdaContext(Protocol):
    """What is used of the context that Lambda passes to a handler."""

    function_name: str
    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation; zero is a number too."""
        ...


Handler: TypeAlias = Callable[[Any, Any, Term], Any]


class LambdaHandler(Protocol):
    """What `@singleton` returns: what Lambda calls. `__wrapped__` is the function as written."""

    __wrapped__: Handler

    def __call__(self, event: Any, context: Any, /) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Campaign, and work if elected."""
        ...


@dataclass(slots=True)
class _Warm:
    """What the invocations of one environment share (R9): requests saved, no leadership."""

    store: Store | None
    memory: Memory = field(default_factory=Memory)


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
    store: Store | None = None,
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
    store: Store | None = None,
) -> LambdaHandler | Callable[[Handler], LambdaHandler]:
    """Let only the elected invocation call `handler(event, context, term)`.

    The tick is `event["tick"]`, or `event["time"]` of an EventBridge scheduled rule; without one
    the election only keeps runs from overlapping. Returns `{"elected": false, "reason": …}` where
    another leads, and `{"elected": true, "term": …, "outcome": …, "result": …}` where the handler
    ran. What the handler raises goes on to Lambda, after its term has been sealed as failed.

    In every answer `tick`, `contender` and `request_id` are this invocation's own. `term` and
    `holder` are of the term that it led, or of the one that was in its way, whose tick is
    `term_tick`.

    All of these replace the environment's: `election`, `bucket` and `prefix`; `wait`, how long to
    go on trying while another leads, at most the invocation's remaining time; `max_attempts`, which
    bounds the terms that one tick may take. `store` replaces the bucket. To test a handler that is
    decorated already, use `s3leader.testing.invoke`.

    Raises `InvalidArgument` for an argument that cannot be used (`BucketUnusable` for a bucket of
    a type that cannot hold an election), and for a handler that cannot be called with a term, or
    that would return before it has worked: an async function, a generator. The term of a handler
    that returns a coroutine, a generator, a future or the like is sealed as failed. A finished
    result that JSON cannot hold fails the invocation in Lambda, after its term was completed:
    nothing is repeated.
    """
    options = _Options(election, bucket, prefix, wait, max_attempts, store)

    def decorate(function: Handler) -> LambdaHandler:
        check_handler(function)
        warm = _Warm(store)

        @functools.wraps(function)
        def invoke(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401 - JSON
            return _invoke(function, options, warm, event, context)

        setattr(invoke, MARK, True)
        return cast("LambdaHandler", invoke)

    return decorate if handler is None else decorate(handler)


@dataclass(frozen=True, slots=True)
class _Options:
    """What the decorator was given; None where the environment decides."""

    election: str | None
    bucket: str | None
    prefix: str | None
    wait: timedelta | None
    max_attempts: int | None
    store: Store | None

    def __post_init__(self) -> None:
        """Refuse when the module is loaded what would fail every invocation."""
        if self.election is not None:
            check_name(self.election)
        if self.bucket is not None:
            check_bucket(self.bucket)
        if self.prefix is not None:
            check_prefix(self.prefix)
        if self.wait is not None:
            check_wait(self.wait)
        check_max_attempts(self.max_attempts)

    def settings(self, environment: Mapping[str, str], store: Store | None) -> Settings:
        """Return these options, over what the environment says."""
        bucket = self.bucket if store is None else ""
        return Settings.read(environment, election=self.election, bucket=bucket, prefix=self.prefix)


@dataclass(frozen=True, kw_only=True)
class LocalContext:
    """A context for tests: the decorator takes store and settings from it, not from Lambda.

    It also has what handlers and their middleware read of Lambda's.
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
        """Return the time that was given; it does not pass."""
        return self.remaining // timedelta(milliseconds=1)


def _invoke(
    function: Handler,
    options: _Options,
    warm: _Warm,
    event: Any,  # noqa: ANN401 - JSON
    context: LambdaContext,
) -> dict[str, Any]:
    store, environment = options.store, cast("Mapping[str, str]", os.environ)
    if isinstance(context, LocalContext):
        warm, store, environment = _Warm(context.store), context.store, context.environment
    settings = options.settings(environment, store)
    lease, renewing = _lease_for(context, settings.lease)
    contest = _election(settings, warm, context, lease, options.max_attempts)
    with _report(settings, context, event) as report:
        tick = report.tick = check_tick(tick_of(event))
        result = contest.campaign(tick, wait=_wait_for(context, settings.wait, options.wait))
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
        f"event['tick'] is {tick!r}: give the scheduled time as ISO 8601 with a zone, such as"
        f" '2026-11-23T06:00:00Z'"
    )


def contender_of(event: object) -> int | None:
    """Return which contender an event is for, as the constructs' schedules number them.

    None for anything that is no small number: each value becomes two metrics, which cost money.
    """
    contender = event.get("contender") if isinstance(event, Mapping) else None
    if isinstance(contender, bool) or not isinstance(contender, int):
        return None
    return contender if 0 <= contender < _CONTENDERS else None


def _report(settings: Settings, context: LambdaContext, event: object) -> Report:
    return Report(
        settings.election,
        settings.bucket,
        context.function_name,
        contender=contender_of(event),
        request_id=context.aws_request_id,
    )


def _election(
    settings: Settings,
    warm: _Warm,
    context: LambdaContext,
    lease: timedelta,
    max_attempts: int | None,
) -> Election:
    """Return this invocation's candidate, which shares store and memory with those before it."""
    if warm.store is None:
        warm.store = S3Store(
            settings.bucket,
            options=settings.bucket_options,
            timeout=try_timeout(lease),
            body_limit=MAX_BODY + 1,
        )
    return Election(
        settings.election,
        prefix=settings.prefix,
        lease=lease,
        max_attempts=settings.max_attempts if max_attempts is None else max_attempts,
        store=warm.store,
        memory=warm.memory,
        # An asynchronous retry keeps its request id, hence the random part.
        candidate=f"{context.function_name}/{context.aws_request_id}/{secrets.token_hex(4)}",
    )


def _lease_for(context: LambdaContext, asked: timedelta | None) -> tuple[timedelta, bool]:
    """Return the lease to campaign with, and whether it is short enough to need renewing."""
    whole = timedelta(milliseconds=context.get_remaining_time_in_millis()) + GRACE
    if asked is None or asked >= whole:
        return whole, False
    return asked, True


def _wait_for(context: LambdaContext, settled: timedelta, asked: timedelta | None) -> timedelta:
    """Return how long to campaign: who waits to the end of its time is ended by Lambda instead."""
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    return min(settled if asked is None else asked, left)
