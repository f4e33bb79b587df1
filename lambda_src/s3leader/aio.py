"""`AsyncElection`: the same election under asyncio, for programs with an event loop.

    election = AsyncElection("poller", bucket="locks")
    if term := await election.campaign(wait=timedelta(seconds=30)):
        async with term, term.keep_renewing():  # cancelled when leadership is lost
            await poll(fencing_token=term.number)

The steps are those of `Election`; each request runs in a thread of its own, and waits are the event
loop's. So candidates of both kinds may contend in one election.

Cancellation: a request that was sent cannot be taken back. A call that is cancelled waits for its
answer, and for `GRACE` at most until it is known what was written. If the campaign was won, it
resigns. Then it raises `CancelledError`. So no lock is left that nobody holds, as long as S3
answers within that time; otherwise the lock lapses after its lease. The default client gives up
each wait for the network after a sixth of the lease, and after five seconds at most; a client that
you pass brings its own time-outs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, Unpack

from ._core.candidate import Result, Steps
from ._core.checkpoint import checked_state
from ._core.config import Config, check_tick, work_for
from ._core.ledger import extent
from ._core.lock import COMPLETED, CONTINUED, FAILED, RESIGNED, Lock
from ._io.async_driver import GRACE_MS, AsyncDriver, Cancellation
from ._io.async_renewal import AsyncRenewal
from ._io.election_state import ElectionOptions, ElectionState, NotElected, new_identity
from ._io.memory import Memory
from ._io.renewal import renewal_interval_ms
from ._io.seams import Seams
from ._io.term_facts import TermStatus
from ._io.term_state import Outcome, ResignOutcome, TermState, check_resign_outcome
from .errors import InvalidArgument, LeadershipLost, describe_error

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from ._io.s3_options import BucketOptions
    from .observer import Observer

__all__ = ["GRACE", "AsyncElection", "AsyncTerm", "NotElected"]

_log = logging.getLogger("s3leader")

GRACE: Final = timedelta(milliseconds=GRACE_MS)
"""How long a cancelled call goes on at most after the request that is under way: ten seconds."""


class AsyncTerm(TermState):
    """One period of leadership. `AsyncElection.campaign` returns it; use it in an `async with`.

    Leaving the block resigns: as completed, as failed if the block raised, and as resigned if it
    was cancelled. Not guaranteed: that the work stops when leadership ends, outside
    `keep_renewing()`. Check `held` or call `ensure_held()` before every effect, and send
    `fencing_token` with it, so that the receiver can refuse a stale leader.

    A term belongs to the process and the event loop that won it. Several tasks may use it: one
    write at a time is under way. `held`, `remaining()` and `ensure_held()` work in every thread.
    """

    def _set_up(self) -> None:
        self._writing = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._async_driver = AsyncDriver(driver=self._driver)

    async def renew(self) -> None:
        """Renew the lease with one request. Raises `LeadershipLost` past the deadline.

        When it is cancelled, it waits for the answer, and does not try again.
        """
        await self._renew(None)

    async def save(self, state: Mapping[str, Any]) -> None:
        """Save the job's checkpoint for this term and later ones, and renew the lease.

        Raises as `Term.save` does. When it is cancelled, the checkpoint may have been saved.
        """
        await self._renew(checked_state(state))

    async def resign(self, outcome: ResignOutcome = COMPLETED, reason: str | None = None) -> None:
        """Seal the lock, which ends the term. Raises as `Term.resign` does.

        When it is cancelled, it still seals the lock, if S3 answers within `GRACE`. It first waits
        for a write that another task has under way.
        """
        await self._seal(
            check_resign_outcome(outcome), reason, None, Cancellation(must_finish=True)
        )

    async def continue_later(self, state: Mapping[str, Any] | None = None) -> None:
        """End the term, and let another term go on with the same tick, at once.

        The lock is sealed as `continued`, with the checkpoint `state` if given. Nothing is started:
        campaign again for the same tick. Raises as `Term.continue_later` does.
        """
        checked = self._checked_continuation(state)
        too_many = self._too_many_continuations()
        outcome: Outcome = CONTINUED if too_many is None else FAILED
        reason = None if too_many is None else describe_error(too_many)
        await self._seal(outcome, reason, checked, Cancellation(must_finish=True))
        if too_many is not None:
            raise too_many

    def keep_renewing(self, every: timedelta | None = None) -> AsyncRenewal[Self]:
        """Renew from a task until the block is left, by default three times per lease.

        When leadership is lost, or a quarter of a second before the lease runs out, the task that
        runs the block is cancelled, and `LeadershipLost` is raised when it leaves the block. (A
        block that suppresses the cancellation goes on, and must call `ensure_held()`.) Leaving the
        block joins the renewing task, and waits for its request that is under way.
        """
        self._refuse_elsewhere()
        return AsyncRenewal(
            self,
            renew=self.renew,
            term=self.number,
            every_ms=renewal_interval_ms(self._config.lease_ms, every),
            left=self._left,
            on_lost=lambda reason: self._report_end("ran_out", reason),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._outcome is not None or self._in_fork():
            return
        if error is None:
            try:
                await self.resign()
            except LeadershipLost:
                if self.outcome is None:  # not if another task has resigned meanwhile
                    raise
            return
        await self._resign_after(error, Cancellation(must_finish=True))

    async def _resign_after(self, error: BaseException, cancellation: Cancellation) -> None:
        """Seal the lock after an error, which is raised instead of those that this meets."""
        outcome: Outcome = FAILED
        reason = describe_error(error)
        if isinstance(error, asyncio.CancelledError):
            outcome, reason = RESIGNED, "cancelled"
            cancellation.record(error)
        try:
            await self._seal(outcome, reason, None, cancellation)
        except asyncio.CancelledError as second:
            if second is not error:
                raise
        except Exception as second:  # noqa: BLE001
            if self.outcome is not None:
                return
            text = describe_error(second)
            _log.warning("term %d has ended and could not resign: %s", self.number, text)

    async def _renew(self, state: Mapping[str, Any] | None) -> None:
        self._refuse_elsewhere()
        async with self._writing:
            await self._async_driver.call(self._renew_steps(state), Cancellation(grace_ms=0))

    async def _seal(
        self,
        outcome: Outcome,
        reason: str | None,
        state: Mapping[str, Any] | None,
        cancellation: Cancellation,
    ) -> None:
        self._refuse_elsewhere()
        while True:
            try:
                await self._writing.acquire()
            except asyncio.CancelledError as error:
                cancellation.record(error)
            else:
                break
        try:
            await self._async_driver.call(self._seal_steps(outcome, reason, state), cancellation)
        finally:
            self._writing.release()

    def _left(self) -> timedelta | None:
        """Return the time until the deadline, None once the term is being ended on purpose."""
        status, _ = self._status_and_reason()
        ended = status in {TermStatus.RESIGNING, TermStatus.RESIGNED}
        return None if ended else self.remaining()

    def _refuse_elsewhere(self) -> None:
        """Raise in a fork and in another event loop."""
        self._refuse_fork()
        if asyncio.get_running_loop() is not self._loop:
            raise InvalidArgument(
                f"expected term {self.number} to be used in the event loop that won it, got another"
                f" one: call it there, for example with asyncio.run_coroutine_threadsafe"
            )


class AsyncElection(ElectionState):
    """A named contest on a bucket, for asyncio. The options are those of `Election`.

    Make it before the event loop runs, or in a thread: to make a client takes a quarter of a
    second. One election may be used in several loops, its terms only in the loop that won them.
    A unit test replaces the bucket and the time with `s3leader.testing.async_election`.
    """

    def __init__(
        self,
        name: str,
        *,
        bucket: str,
        client: S3Client | None = None,
        observer: Observer | None = None,
        bucket_options: BucketOptions | None = None,
        **options: Unpack[ElectionOptions],
    ) -> None:
        named = options.get("candidate") is not None
        if not named:
            options["candidate"] = new_identity()
        config = Config(name=name, **options)
        from ._io.lock_store import lock_store  # noqa: PLC0415 - boto3 takes 190 ms to import

        store = lock_store(bucket, config.lease, client=client, options=bucket_options)
        seams = Seams(store=store).observed_by((observer,), config)
        self._set_up(config, seams, Memory(), named=named)

    async def campaign(
        self,
        tick: datetime | str | None = None,
        *,
        wait: timedelta = timedelta(0),
        stop: asyncio.Event | None = None,
        repeat: bool | str = False,
    ) -> AsyncTerm | NotElected:
        """Try to lead the next term. Return an `AsyncTerm`, or a falsy `NotElected`.

        The arguments, results and errors are those of `Election.campaign`, except that `stop` is an
        `asyncio.Event`. When it is cancelled, it resigns a term that it has won meanwhile.
        """
        work = work_for(check_tick(tick), repeat=repeat)
        if stop is not None:
            if not isinstance(stop, asyncio.Event):
                raise InvalidArgument(f"expected stop to be an asyncio.Event or None, got {stop!r}")
            if stop.is_set():
                return self._stopped(work)
        driver, cancellation = self._seams.driver(), Cancellation()
        steps = self._campaigning(AsyncTerm, work, wait, driver)
        result = await AsyncDriver(driver=driver, stop=stop).run(steps, cancellation)
        if cancellation.error is not None:
            if isinstance(result, AsyncTerm):
                finishing = replace(cancellation, must_finish=True)
                await result._resign_after(cancellation.error, finishing)  # noqa: SLF001 - see above
            raise cancellation.error
        return result

    async def observe(self) -> Lock | None:
        """Return the highest lock, None if there is none. Raises `CorruptLock`."""
        return await self._call(self._observing())

    async def history(self, limit: int = 20, *, before: int | None = None) -> list[Lock]:
        """Return the locks of up to `limit` terms, as `Election.history` does."""
        return await self._call(self._reading_history(limit, before))

    async def terms(self) -> range:
        """Return the numbers from the lowest lock to the highest, as `Election.terms` does."""
        return await self._call(extent(self._rules))

    async def depose(
        self,
        *,
        reason: str,
        force: bool = False,
        term: int | None = None,
        done: datetime | str | None = None,
    ) -> Lock | None:
        """Seal the highest lock, as `Election.depose` does.

        When it is cancelled, it is known whether the lock is sealed, if S3 answers within `GRACE`.
        """
        return await self._call(self._deposing(reason=reason, force=force, term=term, done=done))

    async def _call(self, steps: Steps[Result]) -> Result:
        return await AsyncDriver(driver=self._seams.driver()).call(steps)
