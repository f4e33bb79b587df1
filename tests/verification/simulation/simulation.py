"""A seeded simulation of an election over days, for what exhaustive search cannot reach.

Discrete events: nothing sleeps. The generators that ship are driven as the driver drives them,
each candidate by its own stopwatch. A run is a function of its plan, so one that fails can be run
again: `python -m tests.verification.simulation --seed N --hours H --candidates C`.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from s3leader._core.candidate import CandidateConfig, LedgerHead
from s3leader._core.depose import depose
from s3leader._core.holding import Holding, Resigned, renew, resign
from s3leader._core.next_lock import Work
from s3leader._core.protocol import Lost, Won, campaign
from s3leader._core.requests import StoreAnswer, StoreRequest
from s3leader._core.times import format_time, from_ms
from s3leader.errors import LeadershipLost, StillHeld, StoreUnavailable
from tests.verification.model_checker.s3 import Violation, describe

from .bucket import Bucket
from .candidate import Candidate, Job
from .invariants import Invariants
from .network import Network
from .plan import DAY_MS, GUARD_MS, LEASES_MS, MINUTE_MS, SECOND_MS, SKEW_MS, Plan, Statistics

FOLDER = "elections/e/"
START_MS = 1_800_000_000_000
SLOWEST_TICK_MS = 55 * SECOND_MS
SHOWN = 60  # events, of a run that fails


class Simulation:
    """One run."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.rng = plan, random.Random(plan.seed)  # noqa: S311 - walks, not secrets
        self.now_ms = START_MS
        self.statistics = Statistics()
        self._events: deque[tuple[Any, ...]] = deque(maxlen=SHOWN)
        self.faulty = False
        self.last_fault_ms = START_MS - DAY_MS
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers, self._names = itertools.count(), itertools.count(1)
        self.invariants = Invariants(FOLDER, plan.max_attempts)
        self.bucket = Bucket(
            self.invariants,
            self.rng,
            now_ms=lambda: self.now_ms,
            later=self.at,
            page_size=plan.page_size,
        )
        self.network = Network(self)
        self.pool = [self._new_candidate() for _ in range(plan.candidates)]

    def at(self, ms: int, action: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (ms, next(self._numbers), action))

    def after(self, ms: float, action: Callable[[], None]) -> None:
        self.at(self.now_ms + int(ms), action)

    def run(self) -> Statistics:
        """Let everything happen; a `Violation` has the last events as its note."""
        try:
            self._drain(self._schedule())
            self._check_progress()
            self._drain()
        except Exception as error:
            error.add_note(self.lines())
            raise
        return self.statistics

    def lines(self) -> str:
        """Return the last events, and how to see them again."""
        lines = [
            f"{from_ms(ms):%d %H:%M:%S}.{ms % 1000:03d}  {who:<9} "
            + ": ".join(one if isinstance(one, str) else describe(one) for one in what)
            for ms, who, *what in self._events
        ]
        plan, module = self.plan, "tests.verification.simulation"
        given = f"--seed {plan.seed} --hours {plan.hours:g} --candidates {plan.candidates}"
        return "\n".join([*lines, f"replay: python -m {module} {given}"])

    def record(self, who: str, *what: str | StoreRequest | StoreAnswer) -> None:
        self._events.append((self.now_ms, who, *what))

    def fault(self, who: str, what: str) -> None:
        self.statistics.faults += 1
        self.last_fault_ms = self.now_ms
        self.record(who, what)

    def _drain(self, until_ms: int | None = None) -> None:
        while self._heap and (until_ms is None or self._heap[0][0] <= until_ms):
            self.now_ms, _, action = heapq.heappop(self._heap)
            action()

    def _schedule(self) -> int:
        """Fire a tick a minute, with days of silence now and then, and storms in each hour."""
        ms, silence = START_MS + MINUTE_MS, 0
        for minute in range(int(self.plan.hours * 60)):
            if minute and minute % int(self.plan.pause_every * 60) == 0:
                silence = self.rng.randrange(2 * DAY_MS, 3 * DAY_MS)
                self.at(ms - 10 * SECOND_MS, self._deliver_again)
                self.at(ms, partial(self._fall_asleep, silence))
                ms += silence // MINUTE_MS * MINUTE_MS + MINUTE_MS
            faulty = minute % 60 < self.plan.faulty_minutes
            self.at(ms, partial(self._tick, faulty=faulty))
            ms += MINUTE_MS
        return ms

    def _tick(self, *, faulty: bool) -> None:
        self.faulty = faulty
        self.statistics.ticks += 1
        if self.statistics.ticks % 7 == 0:
            self.bucket.shift_clocks()
        tick = from_ms(self.now_ms)
        idle = not any(c.busy and not self.frozen(c) for c in self.pool)
        clear = idle and not faulty and self.now_ms - self.last_fault_ms > GUARD_MS
        self.record("schedule", f"tick {tick:%H:%M}")
        contenders = self._idle(self.plan.contenders)
        for candidate in contenders:
            self._contend(candidate, tick, self.rng.randrange(3 * SECOND_MS))
        if clear and contenders:
            fired_ms = self.now_ms
            self.after(SLOWEST_TICK_MS, lambda: self._check_completed(tick, fired_ms))
        if faulty and self.rng.random() < 0.05:
            self.after(self.rng.randrange(MINUTE_MS), self._operate)
        if faulty and self.rng.random() < 0.04:
            outage_ms = self.rng.randrange(MINUTE_MS)
            self.after(self.rng.randrange(MINUTE_MS), lambda: self.network.fail(outage_ms))

    def _idle(self, most: int) -> list[Candidate]:
        idle = [c for c in self.pool if not c.busy and not self.frozen(c)]
        return self.rng.sample(idle, min(most, len(idle)))

    def _contend(self, candidate: Candidate, tick: datetime | None, delay_ms: int) -> None:
        wait_ms = self.rng.choice([0, 0, 0, 20 * SECOND_MS, MINUTE_MS]) if self.faulty else 0
        if self.faulty and self.rng.random() < 0.03:
            tick = None
        self.after(delay_ms, lambda: self.campaign(candidate, tick, wait_ms))

    def _operate(self) -> None:
        operator = self._new_candidate()
        self.record(operator.name, "an operator, deposes what has lapsed")
        self._run(operator, depose(operator.config, reason="looks dead", force=False))

    def _deliver_again(self) -> None:
        """Events of a tick long done come again, so that many candidates remember one lock."""
        for candidate in self._idle(self.plan.candidates // 3):
            self.campaign(candidate, from_ms(self.now_ms - 5 * MINUTE_MS), 0)

    def _fall_asleep(self, silence_ms: int) -> None:
        """Nothing is fired for days; most of the idle are frozen, often with their stopwatch."""
        self.fault("schedule", f"nothing is fired for {silence_ms / DAY_MS:.1f} days")
        for candidate in self.pool:
            if not candidate.busy and not self.frozen(candidate) and self.rng.random() < 0.8:
                longer = self.rng.random() < 0.3  # through the next silence too
                self.freeze(candidate, silence_ms + (3 * DAY_MS if longer else 0))

    def frozen(self, candidate: Candidate) -> bool:
        return candidate.resumes_ms > self.now_ms

    def freeze(self, candidate: Candidate, ms: int) -> None:
        """A stopwatch may stand still only while it has no leadership to count."""
        self.statistics.frozen += 1
        candidate.resumes_ms = self.now_ms + ms
        still = not candidate.asserted and self.rng.random() < 0.7
        if still:
            candidate.still_ms += ms
        watch = "its stopwatch too" if still else "its stopwatch runs on"
        self.fault(candidate.name, f"is frozen for {ms / 1000:.0f} s, {watch}")
        if candidate.busy:
            self.after(ms, lambda: self.fault(candidate.name, "thaws"))

    def die(self, candidate: Candidate) -> None:
        """The process is gone; a new one takes its place."""
        if not candidate.alive:
            return
        self.statistics.deaths += 1
        self.fault(candidate.name, "dies")
        self.invariants.leads_no_more(candidate)
        candidate.alive = False
        if candidate in self.pool:
            self.pool[self.pool.index(candidate)] = self._new_candidate()

    def _new_candidate(self) -> Candidate:
        number, nonces = next(self._names), itertools.count(1)
        name = f"c{number}"
        config = CandidateConfig(
            folder=FOLDER,
            candidate=name,
            nonce=lambda: f"{name}#{next(nonces)}",
            lease_ms=self.rng.choice(LEASES_MS),
            clock_skew_ms=SKEW_MS,
            max_attempts=self.plan.max_attempts,
            long_ledger=self.plan.long_ledger_every > 0
            and number % self.plan.long_ledger_every == 0,
        )
        return Candidate(
            name=name,
            config=config,
            rate=self.plan.draw_rate(self.rng),
            starts_at=-int(self.now_ms) + self.rng.randrange(10**9),
        )

    def campaign(self, candidate: Candidate, tick: datetime | None, wait_ms: int) -> None:
        if not candidate.alive or candidate.busy:
            return
        if self.frozen(candidate):
            self.at(candidate.resumes_ms, lambda: self.campaign(candidate, tick, wait_ms))
            return
        seen = candidate.memory.seen
        candidate.kind = "cold"
        if seen is not None and seen.lock is not None:
            current = seen.term == self.invariants.highest and seen.lock.sealed
            current = current and seen.proved_highest_at_ms is not None
            done = seen.lock.is_done(tick)
            candidate.kind = "informed" if done else "current" if current else "old"
        candidate.requests = 0
        self.record(candidate.name, f"campaigns ({candidate.kind} memory: {seen and seen.term})")
        now_ms = candidate.watch_ms(self.now_ms)
        steps = campaign(
            candidate.config, Work(tick=tick), wait_ms=wait_ms, known=seen, now_ms=now_ms
        )
        self._run(candidate, steps)

    def _run(self, candidate: Candidate, steps: Any) -> None:
        candidate.steps = steps
        self.network.go_on(candidate, None)

    def concluded(self, candidate: Candidate, result: object) -> None:
        """A candidate's generator has returned."""
        candidate.steps = None
        match result:
            case Won():
                self._count(candidate, "won")
                self._lead(candidate, result.holding)
            case Lost():
                self._count(candidate, result.why)
                self.record(candidate.name, f"loses: {result.why}, seen {result.head.term}")
                highest = self.bucket.body(candidate.config.key(self.invariants.highest))
                self.invariants.beaten(candidate, highest)
                candidate.become_idle(result.head)
            case Holding():
                candidate.holding = result
                self.invariants.renewed(candidate, result, self.now_ms)
                self._work(candidate)
            case Resigned():
                if result.sweep_error is None:
                    self.statistics.afterwards[candidate.requests] += 1
                candidate.become_idle(result.head)
            case _:  # an operator's
                candidate.become_idle()

    def failed(self, candidate: Candidate, error: Exception) -> None:
        """A candidate's generator has raised."""
        candidate.steps = None
        self.record(candidate.name, type(error).__name__)
        if isinstance(error, LeadershipLost):
            found = self.bucket.body(candidate.config.key(error.term))
            self.invariants.lost(candidate, found, error.term)
        elif isinstance(error, StoreUnavailable):
            self.last_fault_ms = self.now_ms
        elif not isinstance(error, StillHeld):
            raise error
        self.invariants.leads_no_more(candidate)
        candidate.become_idle()

    def _count(self, candidate: Candidate, result: str) -> None:
        if not self.network.over:  # then they wait for the last tick
            self.statistics.campaigns[(candidate.kind, result, candidate.requests)] += 1

    def _lead(self, candidate: Candidate, holding: Holding) -> None:
        lock = holding.lock
        self.record(candidate.name, f"LEADS term {lock.term}, attempt {lock.attempt}")
        candidate.holding = holding
        candidate.memory.learn(
            LedgerHead(
                lock=lock,
                etag=holding.etag,
                proved_highest_at_ms=holding.date_ms,
                observed_ms=holding.received_ms,
            )
        )
        self.invariants.leads(candidate, holding, self.now_ms)
        longest = 70 if self.faulty else 20
        dice = self.rng.random() if self.faulty else 1.0
        outcome = "failed" if dice < 0.08 else "resigned" if dice < 0.1 else "completed"
        candidate.job = Job(
            ends_ms=self.now_ms + self.rng.randrange(1, longest * SECOND_MS),
            renews=self.rng.random() < 0.6,
            outcome=outcome,
            hangs=self.faulty and self.rng.random() < 0.06,
        )
        self._work(candidate)

    def _work(self, candidate: Candidate) -> None:
        """Plan a leader's next step: a renewal, the end of its job, or its end."""
        job, lease_ms = candidate.job, candidate.config.lease_ms
        assert job is not None
        if job.hangs:
            self.after(lease_ms + 2 * SECOND_MS, lambda: self.die(candidate))
        elif job.renews and self.now_ms + lease_ms // 3 < job.ends_ms:
            self.after(lease_ms // 3, lambda: self._step(candidate, self._renew))
        else:
            self.at(max(job.ends_ms, self.now_ms), lambda: self._step(candidate, self._resign))

    def _step(self, candidate: Candidate, action: Callable[[Candidate, Holding], None]) -> None:
        if not candidate.alive or candidate.holding is None:
            return
        if self.faulty and not self.frozen(candidate) and self.rng.random() < 0.02:
            self.freeze(candidate, self.draw_freeze())
        if self.frozen(candidate):
            self.at(candidate.resumes_ms, lambda: self._step(candidate, action))
            return
        candidate.requests = 0
        action(candidate, candidate.holding)

    def _renew(self, candidate: Candidate, holding: Holding) -> None:
        if candidate.watch_ms(self.now_ms) >= holding.deadline_ms:  # its work stops, and fails
            self._resign(candidate, holding, "failed")
            return
        state = {"at": self.now_ms} if self.rng.random() < 0.5 else None
        self.record(candidate.name, f"renews term {holding.lock.term}")
        self._run(candidate, renew(candidate.config, holding, state))

    def _resign(self, candidate: Candidate, holding: Holding, outcome: str | None = None) -> None:
        assert candidate.job is not None
        outcome = outcome or candidate.job.outcome
        self.invariants.leads_no_more(candidate)
        self.record(candidate.name, f"resigns from term {holding.lock.term}: {outcome}")
        if outcome == "failed":
            self.last_fault_ms = self.now_ms
            self.after(MINUTE_MS, partial(self._retry, holding.lock.tick))
        now_ms = candidate.watch_ms(self.now_ms)
        steps = resign(candidate.config, holding, outcome=outcome, reason=None, now_ms=now_ms)
        self._run(candidate, steps)

    def _retry(self, tick: datetime | None) -> None:
        """What Lambda does with an event whose function failed."""
        for candidate in self._idle(1):
            self._contend(candidate, tick, 0)

    def draw_freeze(self) -> int:
        longest = self.rng.choice([MINUTE_MS, MINUTE_MS, 10 * MINUTE_MS, 3 * DAY_MS])
        return self.rng.randrange(SECOND_MS, longest)

    def _check_completed(self, tick: datetime, fired_ms: int) -> None:
        """A tick that no fault came near is completed within the minute."""
        if self.last_fault_ms >= fired_ms:
            return
        self.statistics.clear += 1
        if format_time(tick) not in self.invariants.completed:
            raise Violation(f"tick {format_time(tick)} is not completed, without any fault")

    def _check_progress(self) -> None:
        """Whatever happened: once faults stop, the next tick is completed in time."""
        self.faulty, self.network.over = False, True
        for candidate in [c for c in self.pool if c.busy and not self.frozen(c)]:
            self.die(candidate)
        tick, fired_ms = from_ms(self.now_ms) + timedelta(minutes=30), self.now_ms
        contenders, before = self._idle(self.plan.contenders), self.statistics.requests
        wait_ms = GUARD_MS + 2 * SECOND_MS
        for candidate in contenders:
            self.campaign(candidate, tick, wait_ms)
        self._drain(fired_ms + GUARD_MS + SLOWEST_TICK_MS)
        if format_time(tick) not in self.invariants.completed:
            raise Violation("the election is stuck: its last tick is not completed")
        # Each of them asks about once a second while it waits, and seldom more.
        most = self.plan.contenders * (2 * wait_ms // SECOND_MS + 40)
        if self.statistics.requests - before > most:
            raise Violation(f"the last tick took {self.statistics.requests - before} requests")
