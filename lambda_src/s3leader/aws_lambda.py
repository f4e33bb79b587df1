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
import inspect
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TypeAlias, overload

from .config import check_tick, check_wait
from .election import Election, Memory, NotElected, try_timeout
from .errors import InvalidArgument
from .lambda_report import Report
from .lock import MAX_BODY
from .s3_store import S3Store
from .store import Store
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
LambdaHandler: TypeAlias = Callable[[Any, Any], dict[str, Any]]


@dataclass(slots=True)
class _Warm:
    """What the invocations of one environment share (R9): requests saved, no leadership."""

    store: Store | None
    memory: Memory = field(default_factory=Memory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the construct sets in the environment, unless the decorator says otherwise."""

    bucket: str
    election: str
    prefix: str
    region: str | None
    lease: timedelta | None
    wait: timedelta
    max_attempts: int | None

    @classmethod
    def read(cls, environment: Mapping[str, str], **given: str | None) -> Settings:
        """Return the settings, or raise `InvalidArgument` that names the variable to set."""

        def value(key: str, default: str | None = None) -> str:
            variable = f"S3LEADER_{key.upper()}"
            found = given.get(key)
            found = environment.get(variable, default) if found is None else found
            if found is None:
                raise InvalidArgument(
                    f"{variable} is not set: let the CDK construct set it"
                    f" (`locks.grant_candidate(fn, election=…)`), or write @singleton({key}='…')"
                )
            return found

        return cls(
            bucket=value("bucket"),
            election=value("election"),
            prefix=value("prefix", "elections/"),
            region=environment.get("S3LEADER_REGION") or None,
            lease=_seconds(
                environment, "S3LEADER_LEASE_SECONDS", "the invocation's remaining time"
            ),
            wait=_seconds(environment, "S3LEADER_WAIT_SECONDS", "no waiting") or timedelta(0),
            max_attempts=_max_attempts(environment.get("S3LEADER_MAX_ATTEMPTS")),
        )


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

    All of these replace the environment's: `election`, `bucket` and `prefix`; `wait`, how long to
    go on trying while another leads, at most the invocation's remaining time; `max_attempts`, which
    bounds the terms that one tick may take. `store` replaces the bucket in tests.
    """
    if wait is not None:
        check_wait(wait)

    def decorate(function: Handler) -> LambdaHandler:
        _check_takes_a_term(function)
        warm = _Warm(store)

        @functools.wraps(function)
        def invoke(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401 - JSON
            settings = Settings.read(
                os.environ,
                election=election,
                bucket="" if store is not None else bucket,
                prefix=prefix,
            )
            lease, renewing = _lease_for(context, settings.lease)
            contest = _election(settings, warm, context, lease, max_attempts)
            with _report(settings, context, event) as report:
                tick = check_tick(tick_of(event))
                result = contest.campaign(tick, wait=_wait_for(context, settings.wait, wait))
                if isinstance(result, NotElected):
                    return report.lost(result, tick)
                with result:
                    report.won(result)
                    with result.keep_renewing() if renewing else nullcontext():
                        value = function(event, context, result)
                return report.completed(result, value)

        return invoke

    return decorate if handler is None else decorate(handler)


def _check_takes_a_term(function: Handler) -> None:
    """Raise `InvalidArgument` for a handler as it was before it was decorated."""
    try:
        inspect.signature(function).bind(None, None, None)
    except TypeError as error:
        raise InvalidArgument(
            f"{getattr(function, '__name__', function)} cannot be called with (event, context,"
            f" term): {error}. Give the handler a third parameter, its term"
        ) from None


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
    return Report(settings.election, settings.bucket, context.function_name, contender_of(event))


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
            region=settings.region,
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


def _seconds(environment: Mapping[str, str], variable: str, otherwise: str) -> timedelta | None:
    text = environment.get(variable)
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 24 * 60 * 60:
        raise InvalidArgument(
            f"{variable} is {text!r}; give a number of seconds from 1 to 86400, or leave it unset"
            f" for {otherwise}"
        )
    return timedelta(seconds=seconds)


def _max_attempts(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise InvalidArgument(
            f"S3LEADER_MAX_ATTEMPTS is {text!r}; give a whole number from 1, or leave it unset for"
            f" no limit"
        )
    return int(text)


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
