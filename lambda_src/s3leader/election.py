"""`Election`: candidates campaign in it, and operators inspect and depose."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from ._core.candidate import LedgerHead
from ._core.config import Config, check_done, check_tick, check_wait, work_for
from ._core.depose import depose
from ._core.ledger import extent, find_head, history
from ._core.lock import LAST_TERM, Lock
from ._core.next_lock import Work
from ._core.protocol import LossReason, Lost, campaign
from ._io.driver import Stop
from ._io.invocation import Invocation, NoInvocation
from ._io.memory import Memory
from ._io.seams import Seams, random_hex
from .errors import InvalidArgument
from .term import Term

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from ._io.s3_options import BucketOptions
    from .observer import Observer

__all__ = ["Election", "ElectionOptions", "Memory", "NotElected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotElected:
    """The normal result of a lost campaign; false in an `if`.

    `reason` is `held` (another candidate leads), `done` (the tick is completed), `beaten` (another
    candidate was faster), `exhausted` (the tick has had `max_attempts` terms) or `stopped` (its
    `stop` was set). `lock` is the highest lock that was seen, None if there was none; `requests`
    the number of requests sent.
    """

    reason: LossReason
    lock: Lock | None
    requests: int

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        seen = "no lock" if self.lock is None else f"term {self.lock.term} of {self.lock.holder!r}"
        return f"NotElected({self.reason}, {seen}, requests={self.requests})"


class ElectionOptions(TypedDict, total=False):
    """Options of an `Election`, apart from those that say which bucket it is on and how."""

    prefix: str
    lease: timedelta
    clock_skew: timedelta
    max_attempts: int | None
    max_continuations: int | None
    poll: timedelta | None
    candidate: str


class Election:
    """A named contest on a bucket.

    `lease` is how long a leader that dies without resigning keeps others out. `clock_skew` is the
    allowance for differences between the clocks of S3's own servers, which includes the rounding to
    whole seconds. `max_attempts` limits the attempts at one tick, and
    `max_continuations` how often one may be continued in another term (None: no limit).
    `poll` is how long a waiting candidate lets pass at most between two looks at the leader's lock,
    from 0.1 s; by default it is a fifth of the lease, from 0.25 to 2 s. It decides how soon a
    resignation is noticed; the end of a lease is noticed without it.
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
            candidate=_identity() if candidate is None else candidate,
        )
        from ._io.lock_store import lock_store  # noqa: PLC0415 - boto3 takes 190 ms to import

        store = lock_store(bucket, lease, client=client, options=bucket_options)
        seams = Seams(store=store).observed_by(observer, name)
        self._set_up(config, seams, Memory(), named=candidate is not None)

    @classmethod
    def _with_seams(
        cls,
        name: str,
        seams: Seams,
        *,
        memory: Memory | None = None,
        invocation: Invocation | None = None,
        observer: Observer | None = None,
        **options: Unpack[ElectionOptions],
    ) -> Election:
        """Make an election for a test, or for the decorator, which keeps store and memory warm."""
        self = cls.__new__(cls)
        seams = seams.observed_by(observer, name)
        named = "candidate" in options
        config = Config(name=name, **(options if named else {"candidate": _identity(), **options}))
        memory = Memory() if memory is None else memory
        self._set_up(config, seams, memory, named=named)
        self._invocation = NoInvocation() if invocation is None else invocation
        return self

    def _set_up(self, config: Config, seams: Seams, memory: Memory, *, named: bool) -> None:
        self.config = config
        self._seams = seams
        self._memory = memory
        self._invocation: Invocation = NoInvocation()
        self._rules = config.candidate_config(seams.nonce)
        self._named_in = None if named else os.getpid()

    @property
    def name(self) -> str:
        """The election's name."""
        return self.config.name

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
        driver = self._seams.driver(stop)
        self._rename_in_fork()
        if stop is not None and stop.is_set():
            return NotElected(reason="stopped", lock=None, requests=0)
        began_ms = self._seams.clock_ms()
        steps = campaign(
            self._rules,
            work,
            wait_ms=check_wait(wait),
            known=self._memory.seen,
            now_ms=began_ms,
        )
        result = driver.run(steps)
        if isinstance(result, Lost):
            self._memory.learn(result.head)
            if self._seams.notifier is not None:
                self._seams.notifier.lost(result, work.tick, driver.requests, began_ms)
            return NotElected(reason=result.why, lock=result.head.lock, requests=driver.requests)
        holding = result.holding
        term = Term(
            config=self._rules,
            driver=driver,
            holding=holding,
            took_over=result.took_over,
            remember=self._memory.learn,
            max_continuations=self.config.max_continuations,
            invocation=self._invocation,
            notifier=self._seams.notifier,
            began_ms=began_ms,
        )
        self._memory.learn(
            LedgerHead(
                lock=holding.lock,
                etag=holding.etag,
                proved_highest_at_ms=holding.date_ms,
                observed_ms=holding.received_ms,
            )
        )
        return term

    def observe(self) -> Lock | None:
        """Return the highest lock, None if there is none. Raises `CorruptLock`."""
        head = self._seams.driver().run(find_head(self._rules))
        self._memory.learn(head)
        return head.lock

    def history(self, limit: int = 20, *, before: int | None = None) -> list[Lock]:
        """Return the locks of up to `limit` terms, the newest first. A corrupt one has a `problem`.

        With `before`, they are those of the `limit` terms before that number, and the highest lock
        is not looked up. A term whose lock is deleted counts, so fewer locks, or none, do not mean
        that no older one exists: `terms` says where the ledger begins.
        """
        if limit < 1:
            raise InvalidArgument(f"expected a limit of 1 or more, got {limit}")
        if before is not None and not 1 <= before <= LAST_TERM + 1:
            raise InvalidArgument(f"expected before to be a term's number, got {before}")
        return self._seams.driver().run(history(self._rules, limit, before))

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
        if not reason.strip():
            raise InvalidArgument("expected a reason, which the history shows, got an empty string")
        if done is not None and not force:
            raise InvalidArgument(
                "expected force=True with done, which is only for sealing a corrupt lock"
            )
        stated = check_done(done)
        sealed = self._seams.driver().run(
            depose(self._rules, reason=reason, force=force, term=term, done=stated)
        )
        if sealed is None:
            return None
        self._memory.learn(sealed)
        return sealed.lock

    def is_lapsed(self, lock: Lock) -> bool:
        """Whether a lock had lapsed when it was read (R4)."""
        return self._rules.lapsed(lock)

    def _rename_in_fork(self) -> None:
        """Make a new default identity in a fork: no two processes may share one."""
        if self._named_in in {None, os.getpid()}:
            return
        self.config = replace(self.config, candidate=_identity())
        self._rules = self.config.candidate_config(self._seams.nonce)
        self._named_in = os.getpid()


def _identity() -> str:
    import socket  # noqa: PLC0415 - only a default identity needs it

    return f"{socket.gethostname()[:100]}-{os.getpid()}-{random_hex(4)}"
