"""A candidate of the simulation: a process with a stopwatch that goes wrong in its own way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from s3leader._core.candidate import CandidateConfig, LedgerHead, Steps
from s3leader._core.holding import Holding
from s3leader.election import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a leader does: how long, how it renews, and how it ends."""

    ends_ms: int  # true time
    renews: bool
    outcome: str
    hangs: bool = False  # it is killed soon after its lease has run out


@dataclass(eq=False, slots=True, kw_only=True)
class Candidate:
    """`rate` is how many milliseconds its stopwatch counts in one; `still_ms` how long it stood."""

    name: str
    config: CandidateConfig
    rate: float
    starts_at: int
    still_ms: int = 0
    alive: bool = True
    resumes_ms: int = 0
    memory: Memory = field(default_factory=Memory)
    # while it is at work
    steps: Steps[Any] | None = None
    holding: Holding | None = None
    job: Job | None = None
    asserted: bool = False  # it has sent what may make it leader: its stopwatch must run
    created: set[bytes] = field(default_factory=set)  # what it has tried to in this campaign
    requests: int = 0
    kind: str = ""

    @property
    def busy(self) -> bool:
        return self.steps is not None or self.holding is not None

    def watch_ms(self, now_ms: int) -> int:
        """What its stopwatch shows at the true time."""
        return int(self._exact(now_ms))

    def true_ms(self, watch_ms: int, now_ms: int) -> float:
        """The true time at which its stopwatch will show `watch_ms`."""
        return now_ms + (watch_ms - self._exact(now_ms)) / self.rate

    def become_idle(self, seen: LedgerHead | None = None) -> None:
        """Be idle, with what it remembers."""
        if seen is not None:
            self.memory.learn(seen)
        self.created.clear()
        self.steps = self.holding = self.job = None
        self.asserted = False

    def _exact(self, now_ms: int) -> float:
        return self.starts_at + (now_ms - self.still_ms) * self.rate
