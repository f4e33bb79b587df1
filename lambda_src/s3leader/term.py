"""The term that a leader holds: its facts, its deadline, and the writes to its lock."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from ._core.candidate import CandidateConfig, LedgerHead
from ._core.checkpoint import checked_state
from ._core.config import milliseconds
from ._core.holding import Holding, renew, resign
from ._core.lock import COMPLETED, CONTINUED, FAILED, RESIGNED
from ._io.driver import Driver
from ._io.invocation import Invocation
from ._io.renewal import renewal, renewal_interval_ms
from ._io.term_facts import TermFacts, TermStatus
from .errors import (
    InvalidArgument,
    LeadershipLost,
    TooManyContinuations,
    describe_error,
)

if TYPE_CHECKING:
    from ._io.notifier import Notifier

_log = logging.getLogger("s3leader")

Outcome: TypeAlias = Literal["completed", "failed", "resigned", "continued"]


class Term(TermFacts):
    """One period of leadership. `Election.campaign` returns it; use it in a `with` statement.

    Leaving the block resigns: as completed, or as failed if the block raised. Not guaranteed: that
    the work stops when leadership ends. Check `held` or call `ensure_held()` before every effect,
    and send `fencing_token` with it, so that the receiver can refuse a stale leader.

    Safe to use from several threads. A term belongs to the process that won it: in a fork, `held`
    is False, every write raises `LeadershipLost`, and leaving the block does nothing.
    """

    def __init__(
        self,
        *,
        config: CandidateConfig,
        driver: Driver,
        holding: Holding,
        took_over: bool,
        remember: Callable[[LedgerHead], None],
        max_continuations: int | None,
        invocation: Invocation,
        notifier: Notifier | None = None,
        began_ms: int = 0,
    ) -> None:
        self._config = replace(config, nonce=self._draw_nonce)
        self._new_nonce = config.nonce
        self._unconfirmed: set[str] = set()  # nonces of writes not known to be applied
        self._driver = driver
        self._holding = holding
        self._remember = remember
        self._status = TermStatus.HELD
        self._reason = ""  # why the status is not HELD
        self._writing = threading.RLock()
        self._outcome: Outcome | None = None
        self._pid = os.getpid()
        self._max_continuations = max_continuations
        self._invocation = invocation
        self._not_started: Exception | None = None
        self._notifier = notifier
        self._won_ms = driver.clock_ms()
        self._end_reported = False
        self.took_over = took_over
        if notifier is not None:
            notifier.won(self.lock, self.requests, began_ms, took_over=took_over)

    def __bool__(self) -> Literal[True]:
        return True

    def __repr__(self) -> str:
        state = self._outcome or ("held" if self.held else "not held")
        return f"Term({self._config.folder.rstrip('/')} number {self.number}, {state})"

    @property
    def outcome(self) -> Outcome | None:
        """The outcome that the term ended with, None until it has resigned."""
        return self._outcome

    @property
    def held(self) -> bool:
        """Whether this process leads: it may write, and its monotonic clock is not past the
        deadline.
        """
        return self._may_write() and self._driver.clock_ms() < self._holding.deadline_ms

    def remaining(self) -> timedelta:
        """Return the time until the deadline; zero if the term is not held."""
        left_ms = self._holding.deadline_ms - self._driver.clock_ms()
        return timedelta(milliseconds=max(0, left_ms if self._may_write() else 0))

    def ensure_held(self) -> None:
        """Raise `LeadershipLost` unless `held`."""
        if not self.held:
            status, reason = self._status_and_reason()
            reason = reason or "its lease has run out"
            if status is TermStatus.HELD:
                self._report_end(reason)
            raise LeadershipLost(term=self.number, why=reason)

    def renew(self) -> None:
        """Renew the lease with one request. Raises `LeadershipLost` past the deadline."""
        self._renew(None)

    def save(self, state: Mapping[str, Any]) -> None:
        """Save the job's checkpoint for this term and later ones, and renew the lease.

        Raises `LeadershipLost` past the deadline. If `state` is not a JSON object or is too large
        (256 KiB with the rest of the lock), nothing is written and `InvalidArgument` is raised.
        """
        self._renew(checked_state(state))

    def resign(self, outcome: Outcome = COMPLETED, reason: str | None = None) -> None:
        """Seal the lock, which ends the term.

        `completed` records the tick as done; after `failed` or `resigned` another candidate may
        lead it again. Past the deadline the outcome is still valid if no other candidate has
        changed the lock; otherwise this raises `LeadershipLost`. After `StoreUnavailable` it is
        unknown whether the lock was sealed.
        """
        if outcome not in {COMPLETED, FAILED, RESIGNED}:
            raise InvalidArgument(
                f"expected outcome 'completed', 'failed' or 'resigned', got {outcome!r}"
            )
        self._seal(outcome, reason)

    def continue_later(self, state: Mapping[str, Any] | None = None) -> None:
        """End the term, and let the next invocation go on with the same tick, at once.

        The lock is sealed as `continued`, with the checkpoint `state` if given; then, in Lambda,
        the next invocation is started. Return from the handler afterwards: the term is over. Until
        the lease and `clock_skew` have passed, no candidate leads for another tick.

        Raises `ContinuationNotStarted` (let it leave the handler: Lambda's retry goes on),
        `TooManyContinuations` after sealing the lock as failed, and `InvalidArgument` without a
        tick, or for an event or a state that cannot be passed on.
        """
        if self.tick is None:
            raise InvalidArgument(
                f"expected term {self.number} to have a tick, which identifies the work that the"
                f" next invocation goes on with, got none: campaign with a tick"
            )
        checked, limit = None if state is None else checked_state(state), self._max_continuations
        if limit is not None and self.leg > limit:
            error = TooManyContinuations(term=self.number, legs=self.leg, limit=limit)
            self._seal(FAILED, str(error), checked)
            raise error
        prepared = self._invocation.prepare_next(self.lock)
        self._refuse_fork()
        with self._writing:  # `finish_continuing` waits for it
            self._seal(CONTINUED, None, checked)
            try:
                self._invocation.start_next(prepared, term=self.number)
            except Exception as error:
                self._not_started = error
                raise

    def finish_continuing(self) -> None:
        """Wait for `continue_later` in another thread, and raise its error if it was ignored."""
        if not self._in_fork():  # whose thread locks may be taken for ever
            with self._writing:
                if self._not_started is not None:
                    raise self._not_started

    def _seal(
        self, outcome: Outcome, reason: str | None, state: Mapping[str, Any] | None = None
    ) -> None:
        self._refuse_fork()
        with self._writing:
            if self._status is not TermStatus.HELD:
                raise LeadershipLost(term=self.number, why=self._reason)
            now_ms, holding = self._driver.clock_ms(), self._with_unconfirmed_nonces()
            if state is not None:
                holding = replace(holding, lock=replace(holding.lock, state=state))
            if outcome == CONTINUED:
                least_ms = milliseconds(self._invocation.retried_within)
                lease_ms = max(holding.lock.lease_ms or 0, least_ms)
                holding = replace(holding, lock=replace(holding.lock, lease_ms=lease_ms))
            # Set before the seal is sent: once it is applied, another candidate may lead.
            self._end(TermStatus.RESIGNING, "it was resigning; whether it did is unknown")
            try:
                sealed = self._driver.run(
                    resign(self._config, holding, outcome=outcome, reason=reason, now_ms=now_ms)
                )
            except LeadershipLost as error:
                self._lose(error.why)
                raise
            self._end(TermStatus.RESIGNED, f"it has resigned ({outcome})")
            self._outcome = outcome
            self._remember(sealed.head)
        if self._notifier is not None:
            self._notifier.resigned(sealed, holding.lock, self.requests, self._won_ms)
        if sealed.sweep_error is not None:
            _log.warning("term %d could not tag old locks: %s", self.number, sealed.sweep_error)

    @contextmanager
    def keep_renewing(self, every: timedelta | None = None) -> Iterator[Self]:
        """Renew from a thread until the block is left, by default three times per lease.

        Leaving the block joins the thread. The thread ends early once the deadline has passed;
        `ensure_held()` then raises.
        """
        self._refuse_fork()
        every_ms = renewal_interval_ms(self._config.lease_ms, every)
        with renewal(self.renew, self.number, every_ms, lambda: self._outcome is not None):
            yield self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._outcome is not None or self._in_fork():
            return
        if error is None:
            self.resign()
            return
        try:
            self.resign(FAILED, reason=describe_error(error))
        except Exception as second:  # noqa: BLE001 - the block's own error is raised instead
            text = describe_error(second)
            _log.warning("term %d failed and could not resign: %s", self.number, text)

    def _in_fork(self) -> bool:
        return os.getpid() != self._pid

    def _status_and_reason(self) -> tuple[TermStatus, str]:
        if self._in_fork():
            reason = f"process {self._pid} won it, and process {os.getpid()} is a fork of that one"
            return TermStatus.FORKED, reason
        return self._status, self._reason

    def _may_write(self) -> bool:
        return self._status_and_reason()[0] is TermStatus.HELD

    def _end(self, status: TermStatus, reason: str) -> None:
        self._status, self._reason = status, reason

    def _lose(self, why: str) -> None:
        self._end(TermStatus.LOST, why)
        self._report_end(why)

    def _report_end(self, why: str) -> None:
        if self._notifier is not None and not self._end_reported:
            self._end_reported = True
            self._notifier.ended(self.number, why)

    def _refuse_fork(self) -> None:
        """Raise in a fork, before it waits for a thread lock that the parent may have held."""
        if self._in_fork():
            self.ensure_held()

    def _renew(self, state: Mapping[str, Any] | None) -> None:
        self._refuse_fork()
        with self._writing:
            self.ensure_held()
            before = self._with_unconfirmed_nonces()
            try:
                self._holding = self._driver.run(renew(self._config, before, state))
            except LeadershipLost as error:
                self._lose(error.why)
                raise
            if self._notifier is not None:
                self._notifier.renewed(before, self._holding, self._config.lease_ms)
            if not self._holding.doubtful:
                self._unconfirmed.clear()
            if self._holding.deadline_ms == before.deadline_ms:  # confirmed too late, or not at all
                self.ensure_held()

    def _draw_nonce(self) -> str:
        nonce = self._new_nonce()
        self._unconfirmed.add(nonce)
        return nonce

    def _with_unconfirmed_nonces(self) -> Holding:
        """Return the holding with the nonces of all writes that may have been applied, also of
        those that an exception interrupted after they were sent.
        """
        return replace(self._holding, doubtful=self._holding.doubtful | self._unconfirmed)
