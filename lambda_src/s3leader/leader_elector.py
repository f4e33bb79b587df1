"""`LeaderElector`: a process that runs for long, and is called back when it leads.

Not guaranteed: that the work stops. Python cannot end a thread, so `on_started_leading` has to
return soon after its `stop` is set, and to call `term.ensure_held()` before every effect. While it
goes on although it was asked to stop, the lease is renewed for as long as S3 answers, so that
nobody else leads; if S3 does not answer, another candidate leads once the lease has lapsed.

The names and their meaning are those of Kubernetes' client-go (package tools/leaderelection).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeAlias

from ._core.lock import FAILED, RESIGNED, Lock
from ._io.arguments import check_callback, check_stop
from ._io.driver import Stop
from .election import Election
from .errors import InvalidArgument, LeadershipLost, S3LeaderError, StoreUnavailable, describe_error
from .term import Term

_log = logging.getLogger("s3leader")

OnStartedLeading: TypeAlias = Callable[[Term, threading.Event], None]
OnStoppedLeading: TypeAlias = Callable[[], None]
OnNewLeader: TypeAlias = Callable[[str], None]

_CAMPAIGN: Final = timedelta(seconds=10)  # the wait of a campaign; a new leader is noticed after it
_AFTER_AN_ERROR_S: Final = 5.0
_LOOK_S: Final = 0.2  # how often the lease and the work's error are checked
_MARGIN: Final = timedelta(seconds=0.25)  # before the deadline: a little more than one look


class LeaderElector:
    """Campaigns until it leads, and leads until it is stopped or has lost the leadership.

    `on_started_leading(term, stop)` runs in a thread of its own while the lease is renewed. Its
    `stop` is set when leadership ends: when the process is asked to stop, and before the lease has
    run out. If it returns earlier, the process still leads, as in client-go. If it raises, the term
    is sealed as failed. `on_stopped_leading()` is called after `on_started_leading` has returned,
    and only if this process has led. `on_new_leader(holder)` is called once for each holder that is
    seen to lead, this one included. Raises `InvalidArgument` for an async function or an
    `AsyncElection`, which need an event loop: see `s3leader.aio`.

        stop = threading.Event()
        LeaderElector(election, on_started_leading=work).run(stop)
    """

    def __init__(
        self,
        election: Election,
        *,
        on_started_leading: OnStartedLeading,
        on_stopped_leading: OnStoppedLeading = lambda: None,
        on_new_leader: OnNewLeader = lambda _: None,
    ) -> None:
        if not isinstance(election, Election):
            raise InvalidArgument(f"expected election to be an Election, got {election!r}")
        check_callback("on_started_leading", on_started_leading)
        check_callback("on_stopped_leading", on_stopped_leading)
        check_callback("on_new_leader", on_new_leader)
        self._election = election
        self._on_started_leading = on_started_leading
        self._on_stopped_leading = on_stopped_leading
        self._on_new_leader = on_new_leader
        self._leader: str | None = None

    def run(self, stop: Stop) -> bool:
        """Campaign until elected, then lead. Return whether this process has led.

        Returns when `stop`, a `threading.Event` or the like, is set, or when leadership is lost:
        call it again to campaign again, or end the process. While S3 does not answer, it goes on
        trying. Raises what `on_started_leading` raised, and what only a person can correct, such as
        `BucketUnusable` and `CorruptLock`.
        """
        check_stop(stop)
        while not stop.is_set():
            try:
                result = self._election.campaign(wait=_CAMPAIGN, stop=stop)
            except StoreUnavailable as error:
                _log.warning("campaigning again in %.0f s: %s", _AFTER_AN_ERROR_S, error)
                stop.wait(_AFTER_AN_ERROR_S)
                continue
            if isinstance(result, Term):
                self._lead(result, stop)
                return True
            self._notice(result.lock)
        return False

    def _lead(self, term: Term, stop: Stop) -> None:
        work = _Work(self._on_started_leading, term)
        try:
            with term.keep_renewing():
                self._notice(term.lock)
                if term.remaining() > _MARGIN:  # `on_new_leader` may have taken long
                    work.start()
                    try:
                        work.wait(stop)
                    finally:  # also after Ctrl-C
                        work.end()
        finally:
            if not work.is_alive():
                _resign(term, work.error)
            self._on_stopped_leading()
        if work.error is not None and not isinstance(work.error, LeadershipLost):
            raise work.error

    def _notice(self, lock: Lock | None) -> None:
        if lock is not None and not lock.sealed and lock.holder != self._leader:
            self._leader = lock.holder
            self._on_new_leader(lock.holder or "")


class _Work:
    """The thread of `on_started_leading`."""

    def __init__(self, run: OnStartedLeading, term: Term) -> None:
        self.error: BaseException | None = None
        self._run, self._term = run, term
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._perform, name="s3leader-leading")

    def start(self) -> None:
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def wait(self, stop: Stop) -> None:
        """Return when the process is asked to stop, the lease is nearly over, or the work fails."""
        while self._term.remaining() > _MARGIN and self.error is None:
            if stop.wait(_LOOK_S):
                return

    def end(self) -> None:
        """Ask the work to stop, and wait for it."""
        self._stop.set()
        self._thread.join()

    def _perform(self) -> None:
        try:
            self._run(self._term, self._stop)
        except BaseException as error:  # noqa: BLE001 - it is raised again by `run`
            self.error = error


def _resign(term: Term, error: BaseException | None) -> None:
    """Seal the lock, which works past the deadline too, unless another candidate has changed it."""
    try:
        if error is not None and not isinstance(error, LeadershipLost):
            term.resign(FAILED, describe_error(error))
        else:
            lost = error is not None or term.remaining() <= _MARGIN
            term.resign(RESIGNED, "its lease could not be renewed" if lost else "stopped")
    except LeadershipLost as lost:
        _log.warning("%s", lost)
    except S3LeaderError as refused:  # the lease runs out by itself
        _log.warning("term %d could not resign: %s", term.number, refused)
