"""What a candidate is configured with, and what it knows about the ledger. Pure data.

`Steps` is the type of every generator of the core: it yields requests, receives replies, and
returns a result. A driver runs it against a store; the model checker runs it in every interleaving.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypeVar

from .lock import CONTINUED, Lock, lock_name
from .requests import Reply, Request
from .times import to_ms

Result = TypeVar("Result")
Steps: TypeAlias = Generator[Request, Reply, Result]

PROOF_VALID_MS = 60 * 60 * 1000
"""How long a proof that a lock is the highest may be relied on, by S3's clock (R7): one hour. A
lifecycle rule deletes no object that is less than a day old.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateConfig:
    """The settings of a candidate. `folder` is the key prefix of the election's objects and ends
    in a slash; `nonce` never returns the same value twice; `poll_ms` is how long a waiting
    candidate lets pass at most before it looks at the leader's lock again; `election` is its name.
    With `long_ledger`, a candidate that knows no lock reads the hint before it lists.
    """

    folder: str
    candidate: str
    nonce: Callable[[], str]
    lease_ms: int
    clock_skew_ms: int
    max_attempts: int | None = None
    poll_ms: int = 2_000
    election: str = ""
    long_ledger: bool = False

    def key(self, term: int) -> str:
        """Return the key of a term's lock."""
        return self.folder + lock_name(term)

    @property
    def hint(self) -> str:
        """The key of the hint object."""
        return self.folder + "hint.json"

    def lapsed(self, lock: Lock) -> bool:
        """Whether the lock has lapsed (R4); this candidate's lease stands in for a missing one."""
        return lock.lapsed(lease_ms=self.lease_ms, clock_skew_ms=self.clock_skew_ms)

    def reserved(self, head: LedgerHead, tick: datetime | None) -> bool:
        """Whether a continued lock still keeps out the candidates of other ticks (R10)."""
        lock = head.lock
        if lock is None or lock.outcome != CONTINUED or lock.tick == tick:
            return False
        left_ms = self.left_ms(head)
        return left_ms is None or left_ms >= 0

    def left_ms(self, head: LedgerHead) -> int | None:
        """Return the milliseconds until the lock has lapsed (R4), or until its reservation is over
        (R10); negative once it is; None where that is not known.

        A reservation takes its lease and the allowance, by the `Date` that proved it the highest.
        """
        lock = head.lock
        if lock is None:
            return None
        if not lock.sealed:
            return lock.left_ms(lease_ms=self.lease_ms, clock_skew_ms=self.clock_skew_ms)
        if head.proved_highest_at_ms is None or lock.modified_at is None:
            return None
        lease_ms = self.lease_ms if lock.lease_ms is None else lock.lease_ms
        since_ms = head.proved_highest_at_ms - to_ms(lock.modified_at)
        return lease_ms + self.clock_skew_ms - since_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerHead:
    """The highest lock that a candidate knows; `lock` is None if the ledger was empty (N = 0).

    `proved_highest_at_ms` is the `Date` of the S3 answer that proved this lock the highest; None
    if no answer did. `observed_ms` is the candidate's monotonic clock when it sent that request.
    The protocol decides by the former; the latter only avoids requests that would be in vain.
    """

    lock: Lock | None
    etag: str
    proved_highest_at_ms: int | None
    observed_ms: int

    @property
    def term(self) -> int:
        """The number of the lock, 0 for an empty ledger."""
        return 0 if self.lock is None else self.lock.term

    @property
    def allows_next(self) -> bool:
        """Whether R1 lets a candidate that has seen this head create the next lock."""
        return self.lock is None or self.lock.sealed
