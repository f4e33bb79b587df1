"""Random walks: a few candidates, an unreliable S3, pauses and deaths, and no rule broken.

A walk is a function of its seed, so one that fails can be walked again. It is no proof; it takes
other turns than the person who wrote the rules would think of.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from s3leader._core.candidate import CandidateConfig, LedgerHead, Steps
from s3leader._core.holding import Holding
from s3leader._core.protocol import Lost, Resigned, Won, campaign, renew, resign
from s3leader._core.requests import (
    Create,
    Replace,
    Reply,
    Request,
    StoreAnswer,
    Tag,
    Unknown,
    Wait,
    Waited,
)
from s3leader._core.times import from_ms
from s3leader.errors import LeadershipLost, StoreUnavailable
from tests.fast.s3leader._core.protocol.tiny_s3 import RuleBrokenError, TinyS3

LEASE_MS, SKEW_MS = 4_000, 3_000
DAYS_MS = 2 * 24 * 3_600_000
EVENTS = 160


@dataclass
class Candidate:
    """One process; its stopwatch is the true time less `behind_ms`."""

    config: CandidateConfig
    behind_ms: int
    memory: LedgerHead | None = None
    holding: Holding | None = None
    resigning: bool = False
    steps: Steps[Any] | None = None
    request: Request | None = None
    sent_ms: int | None = None
    answer: StoreAnswer | None = None

    def learn(self, seen: LedgerHead) -> None:
        if self.memory is None or seen.term >= self.memory.term:
            self.memory = seen


@dataclass
class Walk:
    seed: int
    tick: int = 1
    tokens: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311 - walks, not secrets
        self.numbers = itertools.count(1)
        self.s3 = TinyS3(self._rules(), self.rng)
        self.candidates = [self._born() for _ in range(3)]

    def run(self) -> None:
        for _ in range(EVENTS):
            self._pass_time()
            if self.rng.random() < 0.1:
                self.s3.land_one()
            which = self.rng.randrange(3)
            while True:  # mostly one goes on for a while, now and then another comes between
                self._move(which)
                self._check_one_leader()
                if self.rng.random() < 0.4:
                    break
        self._check_not_stuck()

    # -------------------------------------------------------------------------- what happens

    def _rules(self) -> CandidateConfig:
        name = f"c{next(self.numbers)}"
        nonces = itertools.count(1)
        return CandidateConfig(
            folder="e/",
            candidate=name,
            nonce=lambda: f"{name}.{next(nonces)}",
            lease_ms=LEASE_MS,
            clock_skew_ms=SKEW_MS,
        )

    def _born(self) -> Candidate:
        return Candidate(self._rules(), behind_ms=self.rng.randrange(10**9))

    def _watch(self, candidate: Candidate) -> int:
        return self.s3.now_ms - candidate.behind_ms

    def _pass_time(self) -> None:
        dice = self.rng.random()
        if dice < 0.94:
            self.s3.now_ms += self.rng.randrange(100)
        elif dice < 0.993:
            self.s3.now_ms += self.rng.randrange(LEASE_MS + 2 * SKEW_MS)
        else:
            self._pass_days()
        if self.rng.random() < 0.03:
            self.tick += 1

    def _pass_days(self) -> None:
        """Two days: swept locks are deleted, and an idle machine's stopwatch may stand still."""
        self.s3.now_ms += DAYS_MS
        self.s3.expire()
        for candidate in self.candidates:
            idle = candidate.steps is None and candidate.holding is None
            if idle and self.rng.random() < 0.7:
                candidate.behind_ms += DAYS_MS

    def _move(self, which: int) -> None:
        candidate = self.candidates[which]
        if self.rng.random() < 0.004:
            if candidate.sent_ms is not None and candidate.answer is None:
                self._under_way(candidate)
            self.candidates[which] = self._born()
        elif candidate.request is not None:
            self._exchange(candidate, candidate.request)
        elif candidate.holding is not None:
            self._lead(candidate, candidate.holding)
        else:
            self._start(candidate, self._campaign(candidate))

    def _campaign(self, candidate: Candidate) -> Steps[Any]:
        tick = from_ms(0) + timedelta(hours=self.tick - self.rng.randrange(2))
        return campaign(
            candidate.config,
            tick=tick if self.rng.random() < 0.8 else None,
            wait_ms=self.rng.choice([0, 0, 3 * LEASE_MS]),
            known=candidate.memory,
            now_ms=self._watch(candidate),
        )

    def _lead(self, candidate: Candidate, holding: Holding) -> None:
        now_ms = self._watch(candidate)
        dice = self.rng.random()
        if dice < 0.5 and now_ms < holding.deadline_ms:
            self._start(candidate, renew(candidate.config, holding, {"at": now_ms}))
        elif dice < 0.8:
            outcome = self.rng.choice(["completed", "completed", "failed", "resigned"])
            candidate.resigning = True
            steps = resign(candidate.config, holding, outcome=outcome, reason=None, now_ms=now_ms)
            self._start(candidate, steps)

    # ---------------------------------------------------------------------- one request's way

    def _start(self, candidate: Candidate, steps: Steps[Any]) -> None:
        candidate.steps = steps
        self._go_on(candidate, None)

    def _exchange(self, candidate: Candidate, request: Request) -> None:
        if candidate.sent_ms is None:
            candidate.sent_ms = self._watch(candidate)
        elif isinstance(request, Wait):
            self._go_on(candidate, Reply(Waited(), candidate.sent_ms, self._watch(candidate)))
        elif candidate.answer is None:
            candidate.answer = self._perform(candidate, request)
        else:
            sent_ms, answer = candidate.sent_ms, candidate.answer
            self._go_on(candidate, Reply(answer, sent_ms, self._watch(candidate)))

    def _perform(self, candidate: Candidate, request: Any) -> StoreAnswer:
        dice, name = self.rng.random(), candidate.config.candidate
        if dice < 0.75:
            return self.s3.perform(request, name)
        if dice < 0.85:
            self.s3.perform(request, name)
        elif dice < 0.93:
            self._under_way(candidate)
        return Unknown("no answer")

    def _under_way(self, candidate: Candidate) -> None:
        if isinstance(candidate.request, Create | Replace | Tag):
            self.s3.late.append((candidate.request, candidate.config.candidate))

    def _go_on(self, candidate: Candidate, reply: Reply | None) -> None:
        assert candidate.steps is not None
        candidate.sent_ms = candidate.answer = None
        try:
            sent = next(candidate.steps) if reply is None else candidate.steps.send(reply)
        except StopIteration as stop:
            candidate.steps = candidate.request = None
            self._conclude(candidate, stop.value)
        except LeadershipLost as lost:
            self._check_loss(candidate, lost.term)
            self._leave(candidate)
        except StoreUnavailable:
            self._leave(candidate)
        else:
            candidate.request = sent

    def _conclude(self, candidate: Candidate, result: object) -> None:
        match result:
            case Won():
                candidate.holding, candidate.resigning = result.holding, False
                self.tokens.append(result.holding.lock.term)
            case Lost():
                candidate.learn(result.head)
            case Holding():
                candidate.holding = result
            case Resigned():
                candidate.learn(result.head)
                self._leave(candidate)

    def _leave(self, candidate: Candidate) -> None:
        candidate.holding = candidate.steps = candidate.request = None

    # -------------------------------------------------------------------- what must not be

    def _check_one_leader(self) -> None:
        leading = [
            candidate.holding.lock.term
            for candidate in self.candidates
            if candidate.holding is not None
            and not candidate.resigning
            and self._watch(candidate) < candidate.holding.deadline_ms
        ]
        if len(leading) > 1:
            raise RuleBrokenError(f"terms {leading} are led at once")
        if self.tokens != sorted(set(self.tokens)):
            raise RuleBrokenError(f"tokens do not rise: {self.tokens[-2:]}")

    def _check_loss(self, candidate: Candidate, term: int) -> None:
        there = self.s3.objects.get(candidate.config.key(term))
        if there is not None and there.writer == candidate.config.candidate:
            raise RuleBrokenError(f"{term} is given up as lost though nobody else wrote it")

    def _check_not_stuck(self) -> None:
        """Whatever happened: some time later, without faults, somebody can lead."""
        self.s3.now_ms += 3 * (LEASE_MS + SKEW_MS)
        late = self._born()
        late.memory = self.candidates[0].memory
        steps = campaign(late.config, tick=None, wait_ms=0, known=late.memory, now_ms=0)
        request = next(steps)
        for _ in range(20):
            try:
                assert not isinstance(request, Wait)
                request = steps.send(Reply(self.s3.perform(request, "late"), 0, 0))
            except StopIteration as stop:
                if not isinstance(stop.value, Won):
                    raise RuleBrokenError("the election is stuck") from None
                return
        raise RuleBrokenError("a campaign without faults does not end")
