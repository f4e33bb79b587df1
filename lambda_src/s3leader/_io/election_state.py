"""An election as this process knows it, and the steps that candidates and operators take.

`Election` and `AsyncElection` run these steps, each with its own driver.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, Self, TypedDict, TypeVar, Unpack

from s3leader._core.candidate import LedgerHead, Steps
from s3leader._core.config import Config, check_done, check_wait
from s3leader._core.depose import depose
from s3leader._core.ledger import find_head, history
from s3leader._core.lock import LAST_TERM, Lock
from s3leader._core.next_lock import Work
from s3leader._core.protocol import LossReason, Lost, campaign
from s3leader.errors import InvalidArgument

from .driver import Driver
from .invocation import Invocation, NoInvocation
from .memory import Memory
from .seams import Seams, random_hex
from .term_facts import election_address
from .term_state import TermState

if TYPE_CHECKING:
    from s3leader.observer import Observer

AnyTerm = TypeVar("AnyTerm", bound=TermState)


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
    long_ledger: bool
    candidate: str


class ElectionState:
    """What an `Election` and an `AsyncElection` have in common."""

    config: Config

    @classmethod
    def _with_seams(
        cls,
        name: str,
        seams: Seams,
        *,
        memory: Memory | None = None,
        invocation: Invocation | None = None,
        observer: Observer | None = None,
        report: Observer | None = None,
        **options: Unpack[ElectionOptions],
    ) -> Self:
        """Make an election for a test, or for the decorator, which keeps store and memory warm.

        `report` receives each event before `observer`.
        """
        self = cls.__new__(cls)
        named = "candidate" in options
        config = Config(
            name=name, **(options if named else {"candidate": new_identity(), **options})
        )
        memory = Memory() if memory is None else memory
        self._set_up(config, seams.observed_by((report, observer), config), memory, named=named)
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

    @property
    def address(self) -> str:
        """Where the election's locks are, such as `s3://locks/elections/nightly`.

        No other election has it: events carry it, so one observer may serve many elections.
        """
        return election_address(self._seams.store, self.config.folder)

    def is_lapsed(self, lock: Lock) -> bool:
        """Whether a lock had lapsed when it was read (R4)."""
        return self._rules.lapsed(lock)

    def _campaigning(
        self, kind: type[AnyTerm], work: Work, wait: timedelta, driver: Driver
    ) -> Steps[AnyTerm | NotElected]:
        """Try to lead the next term, which is made as a `kind` with `driver`."""
        self._rename_in_fork()
        wait_ms, known, began_ms = check_wait(wait), self._memory.seen, self._seams.clock_ms()
        notifier = self._seams.notifier
        try:
            result = yield from campaign(
                self._rules, work, wait_ms=wait_ms, known=known, now_ms=began_ms
            )
        except BaseException as error:
            if notifier is not None:
                notifier.failed(error, work.tick, driver.requests, began_ms)
            raise
        if isinstance(result, Lost):
            self._memory.learn(result.head)
            return self._lost(result, work, driver.requests, began_ms)
        holding = result.holding
        self._memory.learn(
            LedgerHead(
                lock=holding.lock,
                etag=holding.etag,
                proved_highest_at_ms=holding.date_ms,
                observed_ms=holding.received_ms,
            )
        )
        return kind(
            config=self._rules,
            driver=driver,
            holding=holding,
            took_over=result.took_over,
            remember=self._memory.learn,
            max_continuations=self.config.max_continuations,
            invocation=self._invocation,
            notifier=notifier,
            began_ms=began_ms,
        )

    def _lost(self, lost: Lost, work: Work, requests: int, began_ms: int) -> NotElected:
        if self._seams.notifier is not None:
            self._seams.notifier.lost(lost, work.tick, requests, began_ms)
        return NotElected(reason=lost.why, lock=lost.head.lock, requests=requests)

    def _stopped(self, work: Work) -> NotElected:
        """Return the result of a campaign whose `stop` was set before it began."""
        self._rename_in_fork()
        unknown = LedgerHead(lock=None, etag="", proved_highest_at_ms=None, observed_ms=0)
        return self._lost(Lost(why="stopped", head=unknown), work, 0, self._seams.clock_ms())

    def _observing(self) -> Steps[Lock | None]:
        head = yield from find_head(self._rules)
        self._memory.learn(head)
        return head.lock

    def _reading_history(self, limit: int, before: int | None) -> Steps[list[Lock]]:
        if limit < 1:
            raise InvalidArgument(f"expected a limit of 1 or more, got {limit}")
        if before is not None and not 1 <= before <= LAST_TERM + 1:
            raise InvalidArgument(f"expected before to be a term's number, got {before}")
        return (yield from history(self._rules, limit, before))

    def _deposing(
        self, *, reason: str, force: bool, term: int | None, done: datetime | str | None
    ) -> Steps[Lock | None]:
        if not reason.strip():
            raise InvalidArgument("expected a reason, which the history shows, got an empty string")
        if done is not None and not force:
            raise InvalidArgument(
                "expected force=True with done, which is only for sealing a corrupt lock"
            )
        stated = check_done(done)
        sealed = yield from depose(self._rules, reason=reason, force=force, term=term, done=stated)
        if sealed is None:
            return None
        self._memory.learn(sealed)
        return sealed.lock

    def _rename_in_fork(self) -> None:
        """Make a new default identity in a fork: no two processes may share one."""
        if self._named_in in {None, os.getpid()}:
            return
        self.config = replace(self.config, candidate=new_identity())
        self._rules = self.config.candidate_config(self._seams.nonce)
        self._named_in = os.getpid()


def new_identity() -> str:
    """Return an identity for people to read, which no other candidate has."""
    import socket  # noqa: PLC0415 - only a default identity needs it

    return f"{socket.gethostname()[:100]}-{os.getpid()}-{random_hex(4)}"
