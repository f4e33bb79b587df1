"""A space that is explored: who takes part, on which S3, and what may go wrong how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from s3leader._core.candidate import LedgerHead
from s3leader._core.lock import Lock
from s3leader._core.times import from_ms

from .candidates import FOLDER, Plan, candidate_program
from .explore import Counterexample, Explored, explore, replay
from .machine import Machine
from .model import DAY_MS, Budget, Model
from .s3 import S3Object, Service

AS_DOCUMENTED: Final = Service()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Candidates and a budget of faults; `about` describes it.

    `won` is the highest term that was led before it begins. `gets_on` is False where no newcomer
    can be expected to lead: nobody can before an operator comes, or on such a store.
    """

    about: str
    plans: tuple[Plan, ...]
    budget: Budget
    objects: tuple[S3Object, ...] = ()
    won: int = 0
    begin_ms: int = 0
    step_ms: int = 500
    service: Service = AS_DOCUMENTED
    expect_progress: bool = True
    nobody_leads: bool = False
    max_attempts: int | None = None

    def run(self, at_most: int | None = None, liveness: int = 1) -> Explored:
        """Explore it."""
        liveness = liveness if self.expect_progress else 0
        return explore(self.model(), self.budget, at_most=at_most, liveness=liveness)

    def replay(self, path: tuple[int, ...]) -> Counterexample:
        """Replay a path and return its trace, with the violation it leads to, if any."""
        return replay(self.model(), self.budget, path, liveness=int(self.expect_progress))

    def model(self) -> Model:
        """Return the model that is explored."""
        return Model(
            machine=Machine({plan.name: candidate_program(plan) for plan in self.plans}),
            service=self.service,
            rates=tuple(plan.rate for plan in self.plans),
            objects=self.objects,
            begin_ms=self.begin_ms,
            won=self.won,
            step_ms=self.step_ms,
            lease_ms=max(plan.lease_ms for plan in self.plans),
            clock_skew_ms=max(plan.clock_skew_ms for plan in self.plans),
            forced=any(plan.force for plan in self.plans),
            max_attempts=self.max_attempts,
            nobody_leads=self.nobody_leads,
        )


def held(term: int, lease_ms: int = 1000) -> Lock:
    """Return a lock whose holder died long ago."""
    return Lock(
        term=term,
        nonce=f"old{term}",
        holder="old",
        lease_ms=lease_ms,
        swept=term - 1,
        proved=True,
    )


def sealed(term: int) -> Lock:
    """Return a lock whose holder completed its term, and swept what was below."""
    return held(term).seal(nonce=f"sealed{term}", outcome="completed", ended_at=from_ms(0))


def lock_object(lock: Lock, *, tagged: bool = False) -> S3Object:
    """Return the object that a lock is."""
    return S3Object(f"{FOLDER}lock_{lock.term:010d}.json", lock.encode(), 0, tagged)


def knows(lock: Lock, *, observed_ms: int = 0) -> LedgerHead:
    """Return the memory of a sealed lock that was the highest at the beginning of time."""
    return LedgerHead(lock=lock, etag="", proved_highest_at_ms=0, observed_ms=observed_ms)


def two(ticks: tuple[int | None, ...], renewals: int = 0, wait_ms: int = 0) -> tuple[Plan, ...]:
    """Return two candidates alike."""
    return tuple(Plan(name=name, ticks=ticks, renewals=renewals, wait_ms=wait_ms) for name in "ab")


PROVED: Final = (lock_object(sealed(1)),)  # a ledger whose store a leader has proved
AFTER_DAYS: Final = (lock_object(sealed(1), tagged=True), lock_object(sealed(3)))
# The lifecycle rule has deleted lock 2 already; these remember lock 1 as the highest.
SLEEPERS_KNOW: Final = knows(sealed(1), observed_ms=3 * DAY_MS)
