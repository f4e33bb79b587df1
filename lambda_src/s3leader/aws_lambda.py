"""`@singleton`: makes a Lambda handler run in one invocation per tick.

    @singleton
    def handler(event, context, term):
        ...

Each invocation campaigns; only the elected one calls the handler. A job that takes long to import
is named instead, and imported by the elected invocation alone:

    handler = singleton("billing.main:work")

Not guaranteed: that the handler of a failed or crashed term had no effects. Its tick may be
attempted again, so write with `term.fencing_token`, and checkpoint with `term.save`.

By default the lease is the invocation's remaining time plus two seconds. Lambda ends the function
before that, so the lease needs no renewal. `S3LEADER_LEASE_SECONDS` asks for a shorter lease, for a
faster takeover after a crash; a thread then renews it while the handler runs.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast, overload

from ._core.config import check_tick
from ._core.requests import Store
from ._io.invocation import Invocation
from ._io.seams import Seams, random_hex
from ._lambda.continuation import (
    LambdaContext,
    LambdaInvocation,
    LocalInvocation,
    check_context,
    lease_for,
    time_left,
)
from ._lambda.event import contender_of, target_of, tick_of, work_of
from ._lambda.handler_contract import MARK, check_handler, refuse_deferred_result
from ._lambda.import_path import ImportedHandler
from ._lambda.init_phase import prepared_client
from ._lambda.local import LocalContext
from ._lambda.result import elected, not_elected
from ._lambda.settings import Arguments, Settings
from .election import Election, Memory, NotElected
from .term import Term

if TYPE_CHECKING:
    from .observer import Observer
if TYPE_CHECKING or find_spec("aws_lambda_powertools") is None:
    from ._lambda.report import Report  # whose error says how to install Powertools

__all__ = ["Handler", "LambdaContext", "LambdaHandler", "singleton"]

Handler: TypeAlias = Callable[[Any, Any, Term], Any]


class LambdaHandler(Protocol):
    """What `@singleton` returns and Lambda calls.

    `undecorated` is the function below it; for `singleton("billing.main:work")`, a function that
    imports `work` and calls it.
    """

    undecorated: Handler
    __wrapped__: Handler

    def __call__(self, event: Any, context: Any, /) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Campaign, and call the handler if elected."""
        ...


@overload
def singleton(handler: Handler, /) -> LambdaHandler: ...
@overload
def singleton(
    path: str,
    /,
    *,
    election: str | None = None,
    bucket: str | None = None,
    prefix: str | None = None,
    wait: timedelta | None = None,
    max_attempts: int | None = None,
    max_continuations: int | None = None,
    observer: Observer | None = None,
) -> LambdaHandler: ...
@overload
def singleton(
    *,
    election: str | None = None,
    bucket: str | None = None,
    prefix: str | None = None,
    wait: timedelta | None = None,
    max_attempts: int | None = None,
    max_continuations: int | None = None,
    observer: Observer | None = None,
) -> Callable[[Handler], LambdaHandler]: ...
def singleton(
    handler: Handler | str | None = None,
    /,
    *,
    election: str | None = None,
    bucket: str | None = None,
    prefix: str | None = None,
    wait: timedelta | None = None,
    max_attempts: int | None = None,
    max_continuations: int | None = None,
    observer: Observer | None = None,
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

    `singleton("billing.main:work")` names the handler by its import path. Then only an elected
    invocation imports the job's module, within its term, and what is wrong with the module or the
    function fails that term.

    Each argument takes precedence over the environment. `wait` is how long to campaign while
    another candidate leads, at most the invocation's remaining time. `max_attempts` limits the
    attempts at one tick, and `max_continuations` (default 0) how often the handler may call
    `term.continue_later`, whose result has `"outcome": "continued"`. An event with `"repeat"`, true
    or a text that says who asks for it and why, runs a completed tick again. `observer` receives
    what happens in the election (`s3leader.observer`).
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
        observer=observer,
    )
    decorate = _decorator(arguments)
    if handler is None:
        return decorate
    return decorate(ImportedHandler.parse(handler) if isinstance(handler, str) else handler)


@dataclass(slots=True)
class _Warm:
    """What the invocations of one execution environment share (R9). It holds no leadership."""

    store: Store | None
    client: object = None  # made in Lambda's init phase: while it is here, the store shares it
    memory: Memory = field(default_factory=Memory)
    observer: Observer | None = None


def _decorator(
    arguments: Arguments, store: Store | None = None
) -> Callable[[Handler], LambdaHandler]:
    """Return the decorator. In a test, `store` replaces the bucket."""

    def decorate(function: Handler) -> LambdaHandler:
        check_handler(function)
        client = prepared_client(arguments) if store is None else None
        warm = _Warm(store, client=client, observer=arguments.observer)

        @functools.wraps(function)
        def invoke(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401 - JSON
            if isinstance(context, LocalContext):
                settings = Settings.merge(arguments, context.environment)
                own = _Warm(context.store, observer=arguments.observer)
                return _invoke(function, settings, own, event, context)
            settings = Settings.merge(arguments, os.environ)
            check_context(context)
            return _invoke(function, settings, warm, event, context)

        setattr(invoke, MARK, True)
        setattr(invoke, "undecorated", function)  # noqa: B010 - mypy knows no such attribute
        return cast("LambdaHandler", invoke)

    return decorate


def _invoke(
    function: Handler,
    settings: Settings,
    warm: _Warm,
    event: Any,  # noqa: ANN401 - JSON
    context: LambdaContext,
) -> dict[str, Any]:
    contest = _Contest(function, settings, warm, context)
    if settings.catch_up is None:
        return contest.run(event)
    with contest.report(event):
        target = target_of(event)
    return contest.run(event) if target is None else settings.catch_up.run(contest, event, target)


@dataclass(frozen=True, slots=True)
class _Contest:
    """One invocation, which campaigns once, or for each tick that it catches up with."""

    function: Handler
    settings: Settings
    warm: _Warm
    context: LambdaContext

    def run(self, event: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Campaign for the event's tick, and call the handler if elected."""
        function, context = self.function, self.context
        lease, renewing = lease_for(context, self.settings.lease)
        report = self.report(event)
        election = self._election(lease, event, report)
        with report:
            report.tick = check_tick(tick_of(event))
            work = work_of(report.tick, event)
            wait = min(self.settings.wait, self.time_left())
            result = election._campaign(work, wait)  # noqa: SLF001 - an event may name a later leg
            if isinstance(result, NotElected):
                return not_elected(result, report.own_facts())
            with result:
                with result.keep_renewing() if renewing else nullcontext():
                    value = function(event, context, result)
                result.finish_continuing()
                refuse_deferred_result(getattr(function, "__name__", repr(function)), value)
            return elected(result, value, report.own_facts())

    def last_completed(self) -> datetime | None:
        """Return the latest completed tick. Asks S3 only if this process has seen none."""
        if self._seen_completed() is None:
            lease, _ = lease_for(self.context, self.settings.lease)
            election = self._election(lease, {}, report := self.report({}))
            with report:
                election.observe()
        return self._seen_completed()

    def _seen_completed(self) -> datetime | None:
        seen = self.warm.memory.seen
        return None if seen is None or seen.lock is None else seen.lock.done

    def time_left(self) -> timedelta:
        """Return the invocation's remaining time."""
        return time_left(self.context)

    def report(self, event: object) -> Report:
        """Return a report of what `event` leads to."""
        from ._lambda.report import Report  # noqa: PLC0415 - in Lambda, imported at init

        return Report(
            self.settings.election,
            self.settings.bucket,
            self.context.function_name,
            contender=contender_of(event),
            request_id=self.context.aws_request_id,
            counts_legs=self.settings.max_continuations > 0,
            schedules=self.settings.schedules,
        )

    def _election(self, lease: timedelta, event: object, report: Report) -> Election:
        """Return this invocation's candidate, which shares store and memory with earlier ones."""
        settings, warm, context = self.settings, self.warm, self.context
        if warm.store is None:
            from ._io.lock_store import lock_store  # noqa: PLC0415 - in Lambda, imported at init

            warm.store = lock_store(settings.bucket, lease, options=settings.bucket_options)
        # An asynchronous retry keeps its request id, hence the random part.
        candidate = f"{context.function_name}/{context.aws_request_id}/{random_hex(4)}"
        return Election._with_seams(  # noqa: SLF001 - store and memory outlive the invocation
            settings.election,
            Seams(store=warm.store),
            memory=warm.memory,
            observer=warm.observer,
            report=report,
            invocation=_invocation(context, event),
            **settings.election_options(lease=lease, candidate=candidate),
        )


def _invocation(context: LambdaContext, event: object) -> Invocation:
    if isinstance(context, LocalContext):
        return LocalInvocation(context)
    return LambdaInvocation(event, context)
