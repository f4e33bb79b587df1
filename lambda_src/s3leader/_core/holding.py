"""What the holder of a lock keeps of it. Sans-I/O, as `protocol.py`."""

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

    It leads while its stopwatch is short of `deadline_ms` (R4). `doubtful` are the nonces of
    writes whose outcome was never learned. S3's clock stood at `date_ms` when the stopwatch stood
    at `received_ms`.
    """

    lock: Lock
    etag: str
    deadline_ms: int
    date_ms: int
    received_ms: int
    doubtful: frozenset[str] = frozenset()

    @property
    def own_nonces(self) -> frozenset[str]:
        """The nonces of all bodies of the lock that this candidate may have written last.

        An object that was copied in place, to encrypt it anew for instance, has another ETag and
        still the body that its holder wrote.
        """
        return self.doubtful if self.lock.nonce is None else self.doubtful | {self.lock.nonce}

    def without_attempt(self) -> Holding:
        """Return it as no attempt at its tick: nobody leads this term."""
        return replace(self, lock=replace(self.lock, attempt=self.lock.attempt - 1))

    def s3_time(self, now_ms: int) -> datetime:
        """S3's clock at `now_ms` of the stopwatch, in whole seconds as S3 gives it."""
        return from_ms((self.date_ms + now_ms - self.received_ms) // 1000 * 1000)


def seal_own(
    config: CandidateConfig, holding: Holding, outcome: str, reason: str | None, now_ms: int
) -> Steps[LedgerHead | WriteConflict]:
    """Seal the lock one holds, or return what shows that another writer did."""
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
