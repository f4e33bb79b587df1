"""A candidate on a hostile S3: campaigns without end, and does what only one at a time may do."""

import os
import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from s3leader import (
    LeadershipLost,
    NotElected,
    Overwritten,
    StaleToken,
    StoreUnavailable,
    Term,
    testing,
)
from s3leader._core.requests import Store, StoreAnswer, StoreRequest
from s3leader._io.lock_store import lock_store
from s3leader._io.seams import Seams
from s3leader._io.term_state import TermState
from s3leader.election import ElectionOptions
from s3leader.fencing import FencedObject, Snapshot
from tests.verification.event_log import EventLog, now_ns
from tests.verification.processes import stop_requested

FENCED = "fenced.json"
_FIRST_TICK = datetime(2026, 11, 23, 6, tzinfo=UTC)
_DIGITS = 12


class CountedStore:
    """A process's store; `under_way` are the requests that have not returned."""

    def __init__(self, store: Store) -> None:
        """Count the requests to `store`."""
        self._store = store
        self.under_way = 0

    def perform(self, request: StoreRequest) -> StoreAnswer:
        """Send a request."""
        self.under_way += 1
        try:
            return self._store.perform(request)
        finally:
            self.under_way -= 1


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What all candidates share; `begin_ns` is when the first tick was due, every 0.4 s one."""

    counter: Path
    lease: timedelta
    begin_ns: int = field(default_factory=now_ns)

    def store(self, *, boto3: bool) -> CountedStore:
        """Return a process's store, which sends by the client of its own, or by boto3's."""
        if boto3:
            os.environ["AWS_AUTH_SCHEME_PREFERENCE"] = "sigv4"  # a setting that is left to boto3
        return CountedStore(lock_store("locks", self.lease))

    def options(self, name: str) -> ElectionOptions:
        """Return the options of a candidate's election."""
        skew = timedelta(seconds=2)
        return {"lease": self.lease, "clock_skew": skew, "candidate": name}

    def tick(self) -> datetime:
        """Return the tick that is due."""
        passed = (now_ns() - self.begin_ns) / 1e9
        return _FIRST_TICK + timedelta(seconds=int(passed / 0.4))


class Candidate:
    """One process."""

    def __init__(
        self, contest: Contest, log: EventLog, chance: random.Random, *, boto3: bool
    ) -> None:
        """Take part in `contest`; `boto3`: with boto3's client."""
        self._contest = contest
        self._log = log
        self._chance = chance
        self._name = f"candidate-{os.getpid()}"
        self._counter = os.open(contest.counter, os.O_RDWR)
        self._store = contest.store(boto3=boto3)
        self._fenced = FencedObject._with_seams(FENCED, Seams(store=self._store), patience_ms=6_000)

    def run(self) -> None:
        """Campaign until asked to stop."""
        options = self._contest.options(self._name)
        election = testing.election("contest", store=self._store, **options)
        while not stop_requested():
            tick, wait = self._begin_campaign()
            try:
                result = election.campaign(tick=tick, wait=wait)
            except StoreUnavailable:
                self._log.record("finds no S3")
                continue
            if isinstance(result, Term):
                self._lead(result)
            else:
                self._lose(result)
            time.sleep(self._chance.uniform(0.02, 0.25))

    def _begin_campaign(self) -> tuple[datetime, timedelta]:
        wait = timedelta(seconds=self._chance.choice([0, 0, 0.5, 2]))
        tick = self._contest.tick()
        self._log.record("campaigns", tick=str(tick))
        return tick, wait

    def _lead(self, term: Term) -> None:
        self._log.leads("won", term, tick=str(term.tick))
        try:
            claimed = self._claimed(term) if self._chance.random() < 0.6 else None
            with ExitStack() as stack:
                if self._chance.random() < 0.5:
                    stack.enter_context(term.keep_renewing())
                self._work(term)
            self._write_fenced(term, claimed)
            self._end(term)
        except LeadershipLost as error:
            self._log.record("lost", term=term.number, why=error.why)
            # The worst it can do, and what fencing is for: to write all the same.
            self._write_fenced(term, self._claimed(term))
        except StoreUnavailable:
            self._log.record("left open", term=term.number)

    def _lose(self, result: NotElected) -> None:
        lock = result.lock
        self._log.record(
            "loses",
            why=result.reason,
            term=lock and lock.term,
            done=str(lock.done) if lock and lock.done else None,
            mine=lock is not None and not lock.sealed and lock.holder == self._name,
        )

    def _work(self, term: Term) -> None:
        for _ in range(self._chance.randint(2, 4)):
            if self._chance.random() < 0.2:
                term.renew()
            # No work is begun that the rest of the lease may not suffice for.
            if term.remaining() > self._contest.lease / 3:
                self._increment(term, self._chance.uniform(0.005, 0.05))
            self._log.leads("leads", term)

    def _increment(self, term: Term, sleep_s: float) -> None:
        """Read the unprotected counter, sleep, write: only leadership keeps the increment safe."""
        read_at, value = self._read_counter()
        time.sleep(sleep_s)
        self._write_counter(term, read_at, value)

    def _read_counter(self) -> tuple[int, int]:
        return now_ns(), int(os.pread(self._counter, _DIGITS, 0) or b"0")

    def _write_counter(self, term: TermState, read_at: int, value: int) -> None:
        """Note what was read and when, and whether the term was led to the end of it."""
        os.pwrite(self._counter, b"%0*d" % (_DIGITS, value + 1), 0)
        facts = {"read": value, "read_at": read_at, "written_at": now_ns(), "led": term.held}
        self._log.record("increments", term=term.number, **facts)

    def _end(self, term: Term) -> None:
        drawn = self._chance.random()
        if drawn < 0.08:  # as if it had died
            self._log.record("walks away", term=term.number)
            return
        if drawn < 0.16:  # leads for as long as it may
            while term.held:
                self._log.leads("leads", term)
                time.sleep(0.01)
        if drawn < 0.25:
            self._log.record("ends", term=term.number)
            term.resign("failed" if drawn < 0.2 else "resigned")
            self._log.record("resigned", term=term.number)
            return
        self._log.record("ends", term=term.number, tick=str(term.tick), outcome="completed")
        term.resign()
        self._log.record("completed", term=term.number, tick=str(term.tick))

    def _claimed(self, term: TermState) -> Snapshot | None:
        self._log.record("claims", term=term.number)
        try:
            claimed = self._fenced.claim(term.number)
        except (StaleToken, StoreUnavailable) as error:
            self._log.record("cannot claim", term=term.number, why=type(error).__name__)
            return None
        self._log.record("has claimed", term=term.number)
        return claimed

    def _write_fenced(self, term: TermState, claimed: Snapshot | None) -> None:
        if claimed is None:
            return
        self._log.record("tries a fenced write", term=term.number, adds=1)
        value = {"count": int(claimed.value.get("count", 0)) + 1}
        try:
            self._fenced.write(value, token=term.number, after=claimed)
        except (Overwritten, StaleToken, StoreUnavailable) as error:
            self._log.record("is refused", term=term.number, why=type(error).__name__)
        else:
            self._log.record("has written", term=term.number, **value)
