"""`Election`: candidates campaign in it, and operators inspect and depose."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ._core.config import Config, check_tick, work_for
from ._core.ledger import extent
from ._core.lock import Lock
from ._core.next_lock import Work
from ._io.arguments import check_stop
from ._io.driver import Stop
from ._io.election_state import ElectionOptions, ElectionState, NotElected, new_identity
from ._io.memory import Memory
from ._io.seams import Seams
from .term import Term

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from ._io.s3_options import BucketOptions
    from .observer import Observer

__all__ = ["Election", "ElectionOptions", "Memory", "NotElected"]


class Election(ElectionState):
    """A named contest on a bucket.

    `lease` is how long a leader that dies without resigning keeps others out. `clock_skew` is the
    allowance for differences between the clocks of S3's own servers, which includes the rounding to
    whole seconds. `max_attempts` limits the attempts at one tick, and
    `max_continuations` how often one may be continued in another term (None: no limit).
    `poll` is how long a waiting candidate lets pass at most between two looks at the leader's lock,
    from 0.1 s; by default it is a fifth of the lease, from 0.25 to 2 s. It decides how soon a
    resignation is noticed; the end of a lease is noticed without it.
    `long_ledger` is for an election of which the bucket keeps more than about 1,000 locks: a
    candidate that knows none of them then sends one request less to find the highest. On a shorter
    ledger it sends one more; it finds the same lock either way.
    `candidate` is an identity for people to read; by default it consists of host, process and a
    random part. `client` is a boto3 S3 client; without one, a client is made with short time-outs
    and no retries. `bucket_options` say what the bucket demands of each request. `observer`
    receives what happens (`s3leader.observer`).

    Raises `InvalidArgument` for values that cannot be used. Sends nothing until a method is called.
    A unit test replaces the bucket and the time with `s3leader.testing.election`.
    """

    def __init__(
        self,
        name: str,
        *,
        bucket: str,
        prefix: str = "elections/",
        client: S3Client | None = None,
        lease: timedelta = timedelta(seconds=30),
        clock_skew: timedelta = timedelta(seconds=3),
        max_attempts: int | None = None,
        max_continuations: int | None = None,
        poll: timedelta | None = None,
        long_ledger: bool = False,
        candidate: str | None = None,
        observer: Observer | None = None,
        bucket_options: BucketOptions | None = None,
    ) -> None:
        config = Config(
            name=name,
            prefix=prefix,
            lease=lease,
            clock_skew=clock_skew,
            max_attempts=max_attempts,
            max_continuations=max_continuations,
            poll=poll,
            long_ledger=long_ledger,
            candidate=new_identity() if candidate is None else candidate,
        )
        from ._io.lock_store import lock_store  # noqa: PLC0415 - boto3 takes 190 ms to import

        store = lock_store(bucket, lease, client=client, options=bucket_options)
        seams = Seams(store=store).observed_by((observer,), config)
        self._set_up(config, seams, Memory(), named=candidate is not None)

    def campaign(
        self,
        tick: datetime | str | None = None,
        *,
        wait: timedelta = timedelta(0),
        stop: Stop | None = None,
        repeat: bool | str = False,
    ) -> Term | NotElected:
        """Try to lead the next term. Return a `Term`, or a falsy `NotElected`.

        `tick` is the scheduled time to work for (ISO 8601 with a zone, or an aware datetime). A
        tick that a term has completed is not led again. Without a tick, a candidate may lead
        whenever no other does. `wait` is how long to keep trying while another candidate leads.
        `stop`, a `threading.Event` or the like, ends that wait at once; a campaign that is just
        being won is still won, so the result may be a term.
        `repeat` lets an operator lead a tick again that is completed, or has had `max_attempts`.
        The history shows it, and the text that says who asks for it and why, if one is given.

        Raises `CorruptLock`, `BucketUnusable`, `StoreUnavailable` and, after the last possible term
        number, `LedgerFull`. After an error, this candidate does not lead.
        """
        return self._campaign(work_for(check_tick(tick), repeat=repeat), wait, stop)

    def _campaign(self, work: Work, wait: timedelta, stop: Stop | None = None) -> Term | NotElected:
        if stop is not None:
            check_stop(stop)
            if stop.is_set():
                return self._stopped(work)
        driver = self._seams.driver(stop)
        return driver.run(self._campaigning(Term, work, wait, driver))

    def observe(self) -> Lock | None:
        """Return the highest lock, None if there is none. Raises `CorruptLock`."""
        return self._seams.driver().run(self._observing())

    def history(self, limit: int = 20, *, before: int | None = None) -> list[Lock]:
        """Return the locks of up to `limit` terms, the newest first. A corrupt one has a `problem`.

        With `before`, they are those of the `limit` terms before that number, and the highest lock
        is not looked up. A term whose lock is deleted counts, so fewer locks, or none, do not mean
        that no older one exists: `terms` says where the ledger begins.
        """
        return self._seams.driver().run(self._reading_history(limit, before))

    def terms(self) -> range:
        """Return the numbers from the lowest lock to the highest, an empty range without locks.

        Locks between them may be deleted.
        """
        return self._seams.driver().run(extent(self._rules))

    def depose(
        self,
        *,
        reason: str,
        force: bool = False,
        term: int | None = None,
        done: datetime | str | None = None,
    ) -> Lock | None:
        """Seal the highest lock, so that the next candidate may lead; None if it is sealed already.

        With `term`, only the lock of that term is sealed, not that of a successor. Without `force`,
        only a lapsed lock is sealed; for others `StillHeld` or `CorruptLock` is raised. `force`
        does not stop a holder that is working: until its next renewal or the end of its lease, only
        fencing refuses its writes.

        A corrupt lock does not say which ticks are completed, so to force it you must pass `done`:
        the latest completed tick, or `"none"`. If the lock before it records a later tick, that
        tick is kept. The checkpoint also comes from the lock before it, and is lost if that lock is
        deleted. Raises `InvalidArgument` if `done` is missing, lies in the future, or is given for
        a lock that can be read.
        """
        steps = self._deposing(reason=reason, force=force, term=term, done=done)
        return self._seams.driver().run(steps)
