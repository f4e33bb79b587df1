"""A space that is explored: who takes part, on which S3, and what may go wrong how often."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, Final, NamedTuple

from s3leader._core.candidate import LedgerHead
from s3leader._core.lock import Lock
from s3leader._core.times import from_ms

from .candidates import FOLDER, Plan
from .s3 import S3Object, Service

DAY_MS: Final = 24 * 60 * 60 * 1000


class Budget(NamedTuple):
    """How often each fault may still happen."""

    lost: int = 0  # an answer or a request lost, 5xx, 409, a write that lands later
    slow: int = 0  # a request or an answer that is overtaken by time and others
    deaths: int = 0
    skewed: int = 0  # answers dated by a front end that is ahead
    days: int = 0  # everything sleeps for two days, and the lifecycle rule may do its work
    steps: int = 0  # steps of time
    echoes: int = 0  # a write that is sent twice on its way, and answered by either copy


def held(term: int) -> Lock:
    """Return a lock whose holder died long ago."""
    return Lock(
        term=term, nonce=f"old{term}", holder="old", lease_ms=1000, swept=term - 1, proved=True
    )


def sealed(term: int) -> Lock:
    """Return a lock whose holder completed its term, and swept what was below."""
    return held(term).seal(nonce=f"sealed{term}", outcome="completed", ended_at=from_ms(0))


def lock_object(lock: Lock, *, tagged: bool = False) -> S3Object:
    """Return the object that a lock is."""
    return S3Object(f"{FOLDER}lock_{lock.term:010d}.json", lock.encode(), 0, tagged)


def knows(lock: Lock, *, observed_ms: int = 0) -> LedgerHead:
    """Return the memory of a lock that was the highest at the beginning of time."""
    return LedgerHead(lock=lock, etag="", proved_highest_at_ms=0, observed_ms=observed_ms)


def alike(names: str, *ticks: int | None, **options: Any) -> tuple[Plan, ...]:
    """Return candidates alike, one for each letter of `names`."""
    return tuple(Plan(name, ticks, **options) for name in names)


PROVED: Final = (lock_object(sealed(1)),)  # a ledger whose store a leader has proved
AS_DOCUMENTED: Final = Service()


@dataclass(frozen=True, slots=True)
class Scenario:
    """Candidates and a budget of faults; `about` describes it.

    `expect_progress` is False where no newcomer can be expected to lead: nobody can before an
    operator comes, or on such a store. With `nobody_leads` no candidate may lead, with
    `max_attempts` no more often for one tick.
    """

    about: str
    plans: tuple[Plan, ...]
    budget: Budget
    _: KW_ONLY
    objects: tuple[S3Object, ...] = PROVED
    begin_ms: int = 0
    step_ms: int = 500
    service: Service = AS_DOCUMENTED
    expect_progress: bool = True
    nobody_leads: bool = False
    max_attempts: int | None = None
