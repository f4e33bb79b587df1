"""A term as the process that won it knows it, and the steps that change its lock.

`Term` and `AsyncTerm` run these steps, each with its own driver. Each runs one write at a time:
`Term` under a thread lock, `AsyncTerm` under an `asyncio.Lock`.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from s3leader._core.candidate import CandidateConfig, LedgerHead, Steps
from s3leader._core.checkpoint import checked_state
from s3leader._core.config import milliseconds
from s3leader._core.holding import Holding, renew, resign
from s3leader._core.lock import COMPLETED, CONTINUED, FAILED, RESIGNED
from s3leader.errors import (
    InvalidArgument,
    LeadershipLost,
    S3LeaderError,
    TooManyContinuations,
)

from .driver import Driver
from .invocation import Invocation
from .term_facts import TermFacts, TermStatus

if TYPE_CHECKING:
    from .notifier import Notifier

_log = logging.getLogger("s3leader")

ResignOutcome: TypeAlias = Literal["completed", "failed", "resigned"]
Outcome: TypeAlias = Literal[ResignOutcome, "continued"]
EndCause: TypeAlias = Literal["ran_out", "changed", "unsealed"]


def check_resign_outcome(outcome: ResignOutcome) -> ResignOutcome:
    """Return an outcome that a leader may resign with, or raise `InvalidArgument`."""
    if outcome not in {COMPLETED, FAILED, RESIGNED}:
        raise InvalidArgument(
            f"expected outcome 'completed', 'failed' or 'resigned', got {outcome!r}"
        )
    return outcome


class TermState(TermFacts):
    """What a `Term` and an `AsyncTerm` have in common."""

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
        began_ms: int,
    ) -> None:
        # Each nonce is kept before its write is sent, so that a write that an exception interrupts
        # is recognised, too (R5).
        self._config = replace(config, nonce=self._draw_nonce)
        self._new_nonce = config.nonce
        self._unconfirmed_nonces: set[str] = set()  # of writes not known to be applied
        self._driver = driver
        self._holding = holding
        self._remember_head = remember
        self._status = TermStatus.WRITABLE
        self._reason = ""  # why the status is not WRITABLE
        self._outcome: Outcome | None = None
        self._pid = os.getpid()
        self._max_continuations = max_continuations
        self._invocation = invocation
        self._notifier = notifier
        self._won_ms = driver.clock_ms()
        # Taken for good by what reports the term's end: threads may learn of it at the same time.
        self._end_report = threading.Lock()
        self.took_over = took_over
        self._set_up()
        if notifier is not None:
            notifier.won(self.lock, self.requests, began_ms, took_over=took_over)

    def _set_up(self) -> None:
        """Set the fields of the subclass, such as the lock that serialises its writes."""

    def __bool__(self) -> Literal[True]:
        return True

    def __repr__(self) -> str:
        state = self._outcome or ("held" if self.held else "not held")
        folder = self._config.folder.rstrip("/")
        return f"{type(self).__name__}({folder} number {self.number}, {state})"

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
            if status is TermStatus.WRITABLE:
                self._report_end("ran_out", reason)
            raise LeadershipLost(term=self.number, why=reason)

    def _renew_steps(self, state: Mapping[str, Any] | None) -> Steps[None]:
        """Renew the lease, with a checkpoint that was checked."""
        self.ensure_held()
        before = self._with_unconfirmed_nonces()
        try:
            self._holding = yield from renew(self._config, before, state)
        except LeadershipLost as error:
            self._lose(error.why)
            raise
        except S3LeaderError:
            if self._notifier is not None:
                self._notifier.renewed(before, None, self._config.lease_ms)
            raise
        if self._notifier is not None:
            self._notifier.renewed(before, self._holding, self._config.lease_ms)
        if not self._holding.unconfirmed_nonces:
            self._unconfirmed_nonces.clear()
        if self._holding.deadline_ms == before.deadline_ms:  # confirmed too late, or not at all
            self.ensure_held()

    def _seal_steps(
        self, outcome: Outcome, reason: str | None, state: Mapping[str, Any] | None = None
    ) -> Steps[None]:
        """Seal the lock, with a checkpoint that was checked."""
        if self._status is not TermStatus.WRITABLE:
            raise LeadershipLost(term=self.number, why=self._reason)
        now_ms, holding = self._driver.clock_ms(), self._with_unconfirmed_nonces()
        if state is not None:
            holding = replace(holding, lock=replace(holding.lock, state=state))
        if outcome == CONTINUED:
            # Other ticks stay out until Lambda can have retried the next invocation (R10).
            least_ms = milliseconds(self._invocation.retried_within)
            lease_ms = max(holding.lock.lease_ms or 0, least_ms)
            holding = replace(holding, lock=replace(holding.lock, lease_ms=lease_ms))
        # Set before the seal is sent: once it is applied, another candidate may lead.
        self._set_status(TermStatus.RESIGNING, "its resignation was sent, with unknown outcome")
        try:
            sealed = yield from resign(
                self._config, holding, outcome=outcome, reason=reason, now_ms=now_ms
            )
        except LeadershipLost as error:
            self._lose(error.why)
            raise
        except BaseException:
            self._report_end("unsealed", self._reason)
            raise
        self._set_status(TermStatus.RESIGNED, f"it has resigned ({outcome})")
        self._outcome = outcome
        self._remember_head(sealed.head)
        self._end_report.acquire(blocking=False)  # nothing may report after it that it was lost
        if self._notifier is not None:
            self._notifier.resigned(sealed, holding.lock, self.requests, self._won_ms)
        if sealed.sweep_error is not None:
            _log.warning("term %d could not tag old locks: %s", self.number, sealed.sweep_error)

    def _checked_continuation(self, state: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return the checked state, or raise `InvalidArgument` if this term cannot be continued."""
        if self.tick is None:
            raise InvalidArgument(
                "expected a term with a tick, got none: the next leg finds its work by the tick;"
                " pass one to campaign()"
            )
        return None if state is None else checked_state(state)

    def _too_many_continuations(self) -> TooManyContinuations | None:
        """Return the error to fail with if this leg must be the last, else None."""
        limit = self._max_continuations
        if limit is None or self.leg <= limit:
            return None
        return TooManyContinuations(term=self.number, legs=self.leg, limit=limit)

    def _in_fork(self) -> bool:
        return os.getpid() != self._pid

    def _status_and_reason(self) -> tuple[TermStatus, str]:
        if self._in_fork():
            reason = f"process {self._pid} won it, and process {os.getpid()} is a fork of that one"
            return TermStatus.FORKED, reason
        return self._status, self._reason

    def _may_write(self) -> bool:
        return self._status_and_reason()[0] is TermStatus.WRITABLE

    def _set_status(self, status: TermStatus, reason: str) -> None:
        self._status, self._reason = status, reason

    def _lose(self, reason: str) -> None:
        self._set_status(TermStatus.LOST, reason)
        self._report_end("changed", reason)

    def _report_end(self, cause: EndCause, reason: str) -> None:
        """Report once that leadership has ended, never in a fork and never after `resigned`."""
        if self._notifier is None or self._in_fork():
            return
        if self._end_report.acquire(blocking=False):
            self._notifier.ended(self.number, cause, reason)

    def _refuse_fork(self) -> None:
        """Raise in a fork, before it waits for a thread lock that the parent may have held."""
        if self._in_fork():
            self.ensure_held()

    def _draw_nonce(self) -> str:
        nonce = self._new_nonce()
        self._unconfirmed_nonces.add(nonce)
        return nonce

    def _with_unconfirmed_nonces(self) -> Holding:
        """Return the holding with the nonces of all writes that may have been applied, also of
        those that an exception interrupted after they were sent.
        """
        nonces = self._holding.unconfirmed_nonces | self._unconfirmed_nonces
        return replace(self._holding, unconfirmed_nonces=nonces)
