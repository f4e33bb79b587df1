"""What a holder knows about its own lock, and sealing it. Sans-I/O, like `protocol.py`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from .candidate import CandidateConfig, LedgerHead, Steps
from .conditional_write import WriteConflict, seal
from .lock import Lock
from .times import from_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A lock that this candidate created, and what it needs to change it again.

    The holder leads until `deadline_ms` by its monotonic clock (R4). `doubtful` are the nonces of
    writes whose outcome is unknown. `date_ms` and `received_ms` are S3's clock and the monotonic
    clock at the same answer.
    """

    lock: Lock
    etag: str
    deadline_ms: int
    date_ms: int
    received_ms: int
    doubtful: frozenset[str] = frozenset()

    @property
    def own_nonces(self) -> frozenset[str]:
        """The nonces of all bodies that this candidate may have written to the lock.

        An object that was copied in place, for example to change its encryption, has a new ETag but
        still the body that its holder wrote.
        """
        return self.doubtful if self.lock.nonce is None else self.doubtful | {self.lock.nonce}

    def without_attempt(self) -> Holding:
        """Return the holding of a void win, which does not count as an attempt at its tick (R8)."""
        return replace(self, lock=replace(self.lock, attempt=self.lock.attempt - 1))

    def s3_time(self, now_ms: int) -> datetime:
        """Convert the monotonic `now_ms` to S3's clock, in whole seconds as S3 shows them."""
        return from_ms((self.date_ms + now_ms - self.received_ms) // 1000 * 1000)


def seal_own(
    config: CandidateConfig, holding: Holding, outcome: str, reason: str | None, now_ms: int
) -> Steps[LedgerHead | WriteConflict]:
    """Seal the candidate's own lock, or return the conflict with another writer."""
    return (
        yield from seal(
            config,
            holding.lock,
            holding.etag,
            outcome=outcome,
            reason=reason,
            ended_at=holding.s3_time(now_ms),
            mine=holding.own_nonces,
        )
    )
