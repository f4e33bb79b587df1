"""Makes the events of `s3leader.observer` from what happened, and delivers them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from s3leader import observer as events
from s3leader._core.holding import Holding, Resigned
from s3leader._core.lock import Lock
from s3leader._core.protocol import Lost
from s3leader._core.requests import (
    Applied,
    Conflict,
    Create,
    Found,
    List,
    Listed,
    Missing,
    Read,
    Replace,
    StoreAnswer,
    StoreRequest,
    Tag,
    Unknown,
)
from s3leader._io.arguments import is_code
from s3leader.errors import CorruptLock, InvalidArgument, S3LeaderError, describe_error

_log = logging.getLogger("s3leader")

_REQUESTS: Final = {List: "list", Read: "read", Create: "create", Replace: "replace", Tag: "tag"}
_ANSWERS: Final = {
    Listed: "listed",
    Found: "found",
    Missing: "missing",
    Applied: "applied",
    Conflict: "conflict",
    Unknown: "unknown",
}
_METHODS: Final = tuple(name for name in vars(events.Observer) if not name.startswith("_"))


def check_observer(observer: object) -> None:
    """Raise `InvalidArgument` unless it is an `Observer`, whose methods can be called."""
    if not isinstance(observer, events.Observer):
        if isinstance(observer, type) and issubclass(observer, events.Observer):
            remedy = f"pass an instance, {observer.__name__}(…)"
        else:
            remedy = "make a subclass, and pass an instance of it"
        raise InvalidArgument(
            f"expected observer to be an s3leader.observer.Observer, got {observer!r}: {remedy}"
        )
    for name in _METHODS:
        if _is_async(observer, name):
            raise InvalidArgument(
                f"expected {type(observer).__name__}.{name} to be a plain function, got an async"
                f" one, which nobody would await: put the event into an asyncio.Queue"
            )


def _is_async(observer: events.Observer, name: str) -> bool:
    try:
        method = getattr(observer, name)  # not that of its class, which a mock's has not
    except Exception:  # noqa: BLE001 - a property's own, which is logged with each event
        return False
    called = getattr(method, "__call__", None)  # noqa: B004 - an object's own
    return any(inspect.iscoroutinefunction(each) and is_code(each) for each in (method, called))


class Notifier:
    """Notifies observers of one election, each of them whatever happens in another.

    `clock_ms` is the monotonic clock of the candidate.
    """

    def __init__(
        self,
        observers: tuple[events.Observer, ...],
        *,
        election: str,
        address: str,
        clock_ms: Callable[[], int],
    ) -> None:
        for observer in observers:
            check_observer(observer)
        self._observers, self._clock_ms = observers, clock_ms
        self._of = {"election": election, "address": address}

    def lost(self, lost: Lost, tick: datetime | None, requests: int, began_ms: int) -> None:
        """Notify that a campaign was lost."""
        lock = lost.head.lock
        self._notify(
            "campaign_lost",
            events.CampaignLost,
            reason=lost.why,
            tick=tick,
            term=None if lock is None else lock.term,
            holder=None if lock is None else lock.holder,
            term_tick=None if lock is None else lock.tick,
            done=None if lock is None else lock.done,
            requests=requests,
            duration=self._since(began_ms),
        )

    def failed(
        self, error: BaseException, tick: datetime | None, requests: int, began_ms: int
    ) -> None:
        """Notify that a campaign raised `error`, or was closed before it had a result."""
        closed = isinstance(error, GeneratorExit)
        corrupt = error if isinstance(error, CorruptLock) else None
        self._notify(
            "campaign_failed",
            events.CampaignFailed,
            tick=tick,
            kind="cancelled" if closed else type(error).__name__,
            error="cancelled" if closed else describe_error(error),
            key=None if corrupt is None else corrupt.key,
            problem=None if corrupt is None else corrupt.problem,
            requests=requests,
            duration=self._since(began_ms),
        )

    def won(self, lock: Lock, requests: int, began_ms: int, *, took_over: bool) -> None:
        """Notify that a campaign was won."""
        self._notify(
            "won",
            events.Won,
            term=lock.term,
            holder=lock.holder,
            tick=lock.tick,
            attempt=lock.attempt,
            leg=lock.leg,
            repeat=lock.repeat,
            repeat_reason=lock.repeat_reason,
            done=lock.done,
            took_over=took_over,
            requests=requests,
            duration=self._since(began_ms),
        )

    def renewed(self, before: Holding, after: Holding | None, lease_ms: int) -> None:
        """Notify that a renewal has ended: late if unconfirmed, or if it left less than a third.

        `after` is None if it was refused.
        """
        answered = after is not None and not after.unconfirmed_nonces
        now_ms = after.received_ms if after is not None and answered else self._clock_ms()
        left_ms = max(0, before.deadline_ms - now_ms)
        confirmed = answered and left_ms > 0
        late = not confirmed or left_ms * 3 < lease_ms
        self._notify(
            "renewed_late" if late else "renewed",
            events.Renewed,
            term=before.lock.term,
            left=timedelta(milliseconds=left_ms),
            confirmed=confirmed,
        )

    def ended(self, term: int, cause: Literal["ran_out", "changed", "unsealed"], why: str) -> None:
        """Notify that leadership has ended without a resignation."""
        self._notify("leadership_ended", events.LeadershipEnded, term=term, cause=cause, why=why)

    def resigned(self, resigned: Resigned, before: Lock, requests: int, won_ms: int) -> None:
        """Notify that a term has ended, and of the old locks that were tagged at its end."""
        sealed, error = resigned.head.lock, resigned.sweep_error
        if sealed is None:
            raise TypeError("a term was resigned, and there is no lock")
        if sealed.swept != before.swept or error is not None:
            self._notify(
                "swept",
                events.Swept,
                term=sealed.term,
                locks=sealed.swept - before.swept,
                error=None if error is None else str(error),
            )
        self._notify(
            "resigned",
            events.Resigned,
            term=sealed.term,
            tick=sealed.tick,
            outcome=sealed.outcome,
            reason=sealed.reason,
            requests=requests,
            duration=self._since(won_ms),
        )

    def answered(
        self, request: StoreRequest, answer: StoreAnswer | S3LeaderError, duration_ms: int
    ) -> None:
        """Notify that a request has ended."""
        refused = isinstance(answer, S3LeaderError)
        self._notify(
            "store_answered",
            events.StoreAnswered,
            request=_REQUESTS[type(request)],
            key=request.prefix if isinstance(request, List) else request.key,
            answer="refused" if refused else _ANSWERS.get(type(answer), "unknown"),
            cause=str(answer) if refused else getattr(answer, "cause", None),
            duration=timedelta(milliseconds=duration_ms),
        )

    def _since(self, began_ms: int) -> timedelta:
        return timedelta(milliseconds=self._clock_ms() - began_ms)

    def _notify(
        self,
        method: str,
        event: Callable[..., Any],
        **facts: Any,  # noqa: ANN401 - of any event
    ) -> None:
        made = event(**self._of, **facts)
        for observer in self._observers:
            try:
                getattr(observer, method)(made)
            except Exception as error:  # noqa: BLE001 - it must not change what it observes
                _log.warning("the observer raised %s", describe_error(error), exc_info=True)
