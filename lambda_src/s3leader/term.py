"""A won term, as its leader holds it."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from ._core.candidate import CandidateConfig, LedgerHead
from ._core.config import milliseconds
from ._core.holding import Holding
from ._core.lock import COMPLETED, FAILED, MAX_STATE, RESIGNED, Lock
from ._core.protocol import renew, resign
from ._core.strict_json import MAX_DEPTH, nested_too_deeply
from ._io.driver import Driver
from .errors import InvalidArgument, LeadershipLost, S3LeaderError, describe_error

_log = logging.getLogger("s3leader")

Outcome: TypeAlias = Literal["completed", "failed", "resigned"]


class Term:
    """One period of leadership. Made by `Election.campaign`; use it in a `with` statement.

    Leaving the block resigns: as completed, or as failed if the block raised. Not guaranteed: that
    the work stops when leadership ends. Ask `held` or `ensure_held()` before every effect, and send
    `fencing_token` along, so that what receives it can refuse a stale leader.

    Safe to use from several threads. It belongs to the process that won it: in a fork, `held` is
    False, every write raises `LeadershipLost`, and leaving the block does nothing.
    """

    def __init__(
        self,
        *,
        config: CandidateConfig,
        driver: Driver,
        holding: Holding,
        took_over: bool,
        remember: Callable[[LedgerHead], None],
    ) -> None:
        self._rules = replace(config, nonce=self._draw_nonce)
        self._draw = config.nonce
        self._drawn: set[str] = set()  # for writes that are not known to be applied
        self._driver = driver
        self._holding = holding
        self._remember = remember
        self._lost: str | None = None  # why nothing can be written to the lock any more
        self._writing = threading.RLock()
        self._outcome: Outcome | None = None
        self._pid = os.getpid()  # what a fork must not write for
        self.took_over = took_over

    def __bool__(self) -> Literal[True]:
        return True

    def __repr__(self) -> str:
        state = self._outcome or ("held" if self.held else "not held")
        return f"Term({self._rules.folder.rstrip('/')} number {self.number}, {state})"

    # ------------------------------------------------------------------------------- facts

    @property
    def number(self) -> int:
        """The term's number: 1, 2, 3 …, higher than any before it."""
        return self._holding.lock.term

    @property
    def fencing_token(self) -> int:
        """The term's number, under the name that writes send it by."""
        return self.number

    @property
    def tick(self) -> datetime | None:
        """The scheduled time that this term works for, in UTC."""
        return self._holding.lock.tick

    @property
    def attempt(self) -> int:
        """Which attempt at the tick this is, counted from 1."""
        return self._holding.lock.attempt

    @property
    def lock(self) -> Lock:
        """The lock as this leader last wrote it."""
        return self._holding.lock

    @property
    def state(self) -> dict[str, Any]:
        """A copy of the job's checkpoint, inherited from the term before until saved anew."""
        copied: dict[str, Any] = json.loads(json.dumps(self._holding.lock.state))
        return copied

    @property
    def requests(self) -> int:
        """How many requests this term has cost so far, its campaign included."""
        return self._driver.requests

    @property
    def outcome(self) -> Outcome | None:
        """What it has resigned with, None until it has."""
        return self._outcome

    @property
    def held(self) -> bool:
        """Whether this candidate leads, by its own stopwatch: neither resigned nor past it."""
        return self._why_lost() is None and self._driver.clock_ms() < self._holding.deadline_ms

    def remaining(self) -> timedelta:
        """Return how long the lease still lasts if it is not renewed; zero when not held."""
        left_ms = self._holding.deadline_ms - self._driver.clock_ms()
        return timedelta(milliseconds=max(0, left_ms if self._why_lost() is None else 0))

    def ensure_held(self) -> None:
        """Raise `LeadershipLost` unless `held`."""
        if not self.held:
            raise LeadershipLost(term=self.number, why=self._why_lost() or "its lease has run out")

    # ------------------------------------------------------------------------------ writes

    def renew(self) -> None:
        """Renew the lease: one request. Raises `LeadershipLost` if it came too late."""
        self._renew(None)

    def save(self, state: Mapping[str, Any]) -> None:
        """Save the job's checkpoint, a JSON object, for oneself and the terms to come; renews too.

        Raises `InvalidArgument` if it is no JSON or too large (256 KiB with the rest of the lock),
        and then writes nothing; `LeadershipLost` if it came too late.
        """
        self._renew(self._checked(state))

    def resign(self, outcome: Outcome = COMPLETED, reason: str | None = None) -> None:
        """Seal the lock and be leader no more.

        `completed` marks the tick as done for good; `failed` and `resigned` let another candidate
        lead it again. Past the lease it still counts if nobody came between; otherwise it raises
        `LeadershipLost`. `StoreUnavailable` means that S3 left the outcome open.
        """
        if outcome not in {COMPLETED, FAILED, RESIGNED}:
            raise InvalidArgument(
                f"outcome is {outcome!r}; give 'completed', 'failed' or 'resigned'"
            )
        self._refuse_fork()
        with self._writing:
            if self._lost is not None:
                raise LeadershipLost(term=self.number, why=self._lost)
            now_ms, holding = self._driver.clock_ms(), self._doubting()
            # Said before the seal is sent: once that is applied, another may lead.
            self._lost = "it was resigning, and whether it did is unknown"
            try:
                sealed = self._driver.run(
                    resign(self._rules, holding, outcome=outcome, reason=reason, now_ms=now_ms)
                )
            except LeadershipLost as error:
                self._lost = error.why
                raise
            self._lost, self._outcome = f"it has resigned ({outcome})", outcome
            self._remember(sealed.head)
        if sealed.sweep_error is not None:
            _log.warning("term %d could not sweep the ledger: %s", self.number, sealed.sweep_error)

    @contextmanager
    def keep_renewing(self, every: timedelta | None = None) -> Iterator[Self]:
        """Renew from a thread (by default each third of the lease) until the block is left.

        The thread is joined on leaving. Past the deadline it stops, and `ensure_held()` tells.
        """
        self._refuse_fork()
        lease_ms = self._rules.lease_ms
        every_ms = lease_ms // 3 if every is None else milliseconds(every)
        if not 0 < every_ms < lease_ms:
            raise InvalidArgument(
                f"renewing every {every} does not keep a lease of {lease_ms} ms; a third is good"
            )
        stop = threading.Event()
        thread = threading.Thread(
            target=self._renew_until,
            args=(stop, every_ms / 1000),
            name="s3leader-renew",
            daemon=True,
        )
        thread.start()
        try:
            yield self
        finally:
            if not self._in_fork():  # where there is no thread, and its locks may be held for ever
                stop.set()
                thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._outcome is not None or self._in_fork():  # it has resigned by itself, or may not
            return
        if error is None:
            self.resign()
            return
        try:
            self.resign(FAILED, reason=describe_error(error))
        except Exception as also:  # noqa: BLE001 - what the block raised matters more
            _log.warning(
                "term %d ended in an error and could not resign: %s",
                self.number,
                describe_error(also),
            )

    # ----------------------------------------------------------------------------- private

    def _in_fork(self) -> bool:
        return os.getpid() != self._pid

    def _why_lost(self) -> str | None:
        """Return why nothing can be written by this process any more, None if it can."""
        if self._in_fork():
            return f"process {self._pid} won it, and process {os.getpid()} is a fork of that one"
        return self._lost

    def _refuse_fork(self) -> None:
        """Raise in a fork, before it waits for a lock that its parent's thread may have held."""
        if self._in_fork():
            self.ensure_held()

    def _renew(self, state: Mapping[str, Any] | None) -> None:
        self._refuse_fork()
        with self._writing:
            self.ensure_held()
            before = self._doubting()
            try:
                self._holding = self._driver.run(renew(self._rules, before, state))
            except LeadershipLost as error:
                self._lost = error.why
                raise
            if not self._holding.doubtful:
                self._drawn.clear()
            if self._holding.deadline_ms == before.deadline_ms:  # settled too late, or never
                self.ensure_held()

    def _draw_nonce(self) -> str:
        nonce = self._draw()
        self._drawn.add(nonce)
        return nonce

    def _doubting(self) -> Holding:
        """Return the holding with the nonces of all writes that an exception may have broken off
        after they were sent: what they wrote is one's own.
        """
        return replace(self._holding, doubtful=self._holding.doubtful | self._drawn)

    def _renew_until(self, stop: threading.Event, seconds: float) -> None:
        while not stop.wait(seconds):
            try:
                self.renew()
            except LeadershipLost as error:
                if self._outcome is None:
                    _log.warning("%s", error)
                return
            except Exception as error:  # noqa: BLE001
                # Whatever it was may have passed at the next try; the deadline ends it if not.
                strange = not isinstance(error, S3LeaderError)
                text = describe_error(error)
                _log.warning("term %d was not renewed: %s", self.number, text, exc_info=strange)

    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(state, Mapping):
            raise InvalidArgument(f"state is {state!r}; give a mapping that JSON can hold")
        try:
            text = json.dumps(dict(state), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidArgument(f"state cannot be written as JSON: {error}") from error
        if len(text) > MAX_STATE:
            raise InvalidArgument(
                f"state is {len(text)} bytes of JSON and {MAX_STATE} are the most: keep large data"
                f" in an object of its own, and its key here"
            )
        kept: dict[str, Any] = json.loads(text)
        if nested_too_deeply([kept]):  # as deep as it stands in the body
            raise InvalidArgument(f"state is nested more than {MAX_DEPTH} deep; make it flatter")
        return kept
