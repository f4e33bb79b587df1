"""The term that a leader holds: its facts, its deadline, and the writes to its lock."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from ._core.candidate import Steps
from ._core.checkpoint import checked_state
from ._core.lock import COMPLETED, CONTINUED, FAILED
from ._io.renewal import renewal, renewal_interval_ms
from ._io.term_state import Outcome, ResignOutcome, TermState, check_resign_outcome
from .errors import InvalidArgument, LeadershipLost, describe_error

_log = logging.getLogger("s3leader")


class Term(TermState):
    """One period of leadership. `Election.campaign` returns it; use it in a `with` statement.

    Leaving the block resigns: as completed, or as failed if the block raised. Not guaranteed: that
    the work stops when leadership ends. Check `held` or call `ensure_held()` before every effect,
    and send `fencing_token` with it, so that the receiver can refuse a stale leader.

    Safe to use from several threads. A term belongs to the process that won it: in a fork, `held`
    is False, every write raises `LeadershipLost`, and leaving the block does nothing.
    """

    def _set_up(self) -> None:
        self._writing = threading.RLock()
        self._is_writing = False
        self._not_started: Exception | None = None

    def renew(self) -> None:
        """Renew the lease with one request. Raises `LeadershipLost` past the deadline."""
        self._renew(None)

    def save(self, state: Mapping[str, Any]) -> None:
        """Save the job's checkpoint for this term and later ones, and renew the lease.

        Raises `LeadershipLost` past the deadline. If `state` is not a JSON object or is too large
        (256 KiB with the rest of the lock), nothing is written and `InvalidArgument` is raised.
        """
        self._renew(checked_state(state))

    def resign(self, outcome: ResignOutcome = COMPLETED, reason: str | None = None) -> None:
        """Seal the lock, which ends the term.

        `completed` records the tick as done; after `failed` or `resigned` another candidate may
        lead it again. Past the deadline the outcome is still valid if no other candidate has
        changed the lock; otherwise this raises `LeadershipLost`. After `StoreUnavailable` it is
        unknown whether the lock was sealed.
        """
        self._seal(check_resign_outcome(outcome), reason)

    def continue_later(self, state: Mapping[str, Any] | None = None) -> None:
        """End the term, and let the next invocation go on with the same tick, at once.

        The lock is sealed as `continued`, with the checkpoint `state` if given; then, in Lambda,
        the next invocation is started. Return from the handler afterwards: the term is over. Until
        the lease and `clock_skew` have passed, no candidate leads for another tick.

        Raises `ContinuationNotStarted` (let it leave the handler: Lambda's retry goes on),
        `TooManyContinuations` after sealing the lock as failed, and `InvalidArgument` without a
        tick, or for an event or a state that cannot be passed on.
        """
        checked = self._checked_continuation(state)
        too_many = self._too_many_continuations()
        if too_many is not None:
            self._seal(FAILED, describe_error(too_many), checked)
            raise too_many
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

    def keep_renewing(self, every: timedelta | None = None) -> AbstractContextManager[Self]:
        """Renew from a thread until the block is left, by default three times per lease.

        Leaving the block joins the thread. The thread ends early once the deadline has passed;
        `ensure_held()` then raises.
        """
        self._refuse_fork()
        every_ms = renewal_interval_ms(self._config.lease_ms, every)
        return self._renewed(every_ms)

    @contextmanager
    def _renewed(self, every_ms: int) -> Iterator[Self]:
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
            try:
                self.resign()
            except LeadershipLost:
                if self.outcome is None:  # not if another thread has resigned meanwhile
                    raise
            return
        try:
            self.resign(FAILED, reason=describe_error(error))
        except Exception as second:  # noqa: BLE001 - the block's own error is raised instead
            if self.outcome is not None:
                return
            text = describe_error(second)
            _log.warning("term %d failed and could not resign: %s", self.number, text)

    def _seal(
        self, outcome: Outcome, reason: str | None, state: Mapping[str, Any] | None = None
    ) -> None:
        self._write(self._seal_steps(outcome, reason, state))

    def _renew(self, state: Mapping[str, Any] | None) -> None:
        self._write(self._renew_steps(state))

    def _write(self, steps: Steps[None]) -> None:
        self._refuse_fork()
        with self._writing:
            if self._is_writing:  # in this thread: a second write would undo what the first knows
                raise InvalidArgument(
                    f"expected no call of term {self.number} during a write of its lock by the same"
                    f" thread, got one from an observer or a signal's handler: let another thread"
                    f" make it"
                )
            self._is_writing = True
            try:
                self._driver.run(steps)
            finally:
                self._is_writing = False
