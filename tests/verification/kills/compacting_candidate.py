"""A candidate on a real S3 server: leads tick after tick, and compacts, until it is stopped."""

import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from botocore.exceptions import BotoCoreError, ClientError

from bird_strikes.data_bucket import MANIFEST
from bird_strikes.producer import PREFIX
from compaction import InputsWithheld, Limits, compact
from compaction.clients import data_client
from s3leader import (
    LeadershipLost,
    S3LeaderError,
    StaleToken,
    StoreUnavailable,
    Term,
    testing,
)
from s3leader._core.requests import Store
from s3leader.fencing import FencedObject, Snapshot
from tests.verification.event_log import EventLog, now_ns
from tests.verification.processes import StopSignal

FIRST_TICK: Final = datetime(2026, 11, 23, 6, tzinfo=UTC)
_HINDRANCES: Final = (S3LeaderError, ClientError, BotoCoreError, InputsWithheld)
_DAWDLES_S: Final = 0.05  # before each write, so that there is time to be hit
_SMALL: Final = Limits(batch_objects=2, readers=2, manifest_parts=20)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What the candidates of one election have in common. Their processes are forks, and each makes
    clients of its own: the store of the locks by itself, the worker for the data.

    `first` is called in each process before it campaigns.
    """

    election: str
    locks: Store
    data: str
    lease: timedelta
    clock_skew: timedelta
    first: Callable[[], None]


class Believer:
    """A term as its job sees it: each question is noted, and, if `blind`, answered with yes.

    Blind stands for the worst: each pause begins just after the job has asked whether it leads. So
    nothing but the fenced manifest stops it.
    """

    def __init__(self, term: Term, log: EventLog, chance: random.Random) -> None:
        """Stand for `term`."""
        self._term = term
        self._log = log
        self._chance = chance
        self._blind = chance.random() < 0.5
        self.number = term.number
        self.state = term.state

    def ensure_held(self) -> None:
        """Ask, or only pretend to."""
        self._log.leads("leads", self._term)
        if not self._blind:
            self._term.ensure_held()
        time.sleep(self._chance.uniform(0, _DAWDLES_S))

    def save(self, state: dict[str, Any]) -> None:
        """Save the progress, if that can be done."""
        try:
            self._term.save(state)
        except LeadershipLost:
            if not self._blind:
                raise


class Worker:
    """One process."""

    def __init__(self, work: Work, log: EventLog, chance: random.Random) -> None:
        """Take part in an election."""
        self._work = work
        self._log = log
        self._chance = chance
        self._election = testing.election(
            work.election,
            store=work.locks,
            lease=work.lease,
            clock_skew=work.clock_skew,
            candidate=f"{log.who}/{os.getpid()}",
        )
        self._client = data_client()
        self._manifest = FencedObject(MANIFEST, bucket=work.data)

    def run(self, *, until_empty: bool) -> None:
        """Lead whatever tick comes next, until asked to stop, or until there is nothing to do."""
        tick = FIRST_TICK
        while not StopSignal.received:
            try:
                result = self._election.campaign(tick=tick, wait=timedelta(seconds=1))
            except StoreUnavailable:
                self._log.record("finds no S3")
                continue
            if isinstance(result, Term):
                completed = self._lead(result)
                if completed and until_empty and not self._inputs():
                    return
                tick += timedelta(seconds=1 if completed else 0)
                time.sleep(self._chance.uniform(0.2, 0.6))
                continue
            self._log.record("loses", why=result.reason)
            if result.reason == "done" and result.lock is not None and result.lock.done:
                # The tick that the last term did not complete, or else the next one.
                done, last = result.lock.done, result.lock.tick
                tick = last if last is not None and last > done else done + timedelta(seconds=1)

    def _lead(self, term: Term) -> bool:
        """Compact; True if the tick is completed."""
        self._log.leads("won", term, tick=str(term.tick))
        claimed: Snapshot | None = None
        try:
            claimed = self._manifest.claim(term.number)
            self._log.record("claimed", term=term.number)
            with term.keep_renewing():
                self._compact(term)
            self._log.leads("leads", term)
            self._log.record("ends", term=term.number)
            term.resign()
        except _HINDRANCES as error:
            self._give_up(term, error, claimed)
            return False
        self._log.record("completed", term=term.number, tick=str(term.tick))
        return True

    def _compact(self, term: Term) -> None:
        work = self._work
        believer = Believer(term, self._log, self._chance)
        compact(
            cast("Term", believer),
            work.data,
            client=self._client,
            manifest=self._manifest,
            limits=_SMALL,
        )

    def _give_up(self, term: Term, error: Exception, claimed: Snapshot | None) -> None:
        self._log.record("ends", term=term.number, why=f"{type(error).__name__}: {error}")
        if isinstance(error, StaleToken):
            self._log.record("refused", term=term.number, written=error.written_token)
        elif not isinstance(error, LeadershipLost):
            with suppress(S3LeaderError):
                term.resign("failed", f"{type(error).__name__}: {error}")
                self._log.record("resigned", term=term.number)
                return
        self._write_late(term, claimed)
        self._log.record("is over", term=term.number)

    def _write_late(self, term: Term, claimed: Snapshot | None) -> None:
        """Do the worst it can: write what it last knew, and then over what there is now."""
        for after in (claimed, None):
            since = now_ns()
            try:
                base = after or self._manifest.read()
                if base is None:
                    continue
                self._log.record("tries late", term=term.number)
                self._manifest.write(base.value, token=term.number, after=base)
            except StaleToken as error:
                self._log.record("refused", term=term.number, written=error.written_token)
            except S3LeaderError as error:
                self._log.record("fails late", term=term.number, why=type(error).__name__)
            else:
                self._log.record("wrote late", term=term.number, since=since)

    def _inputs(self) -> bool:
        page = self._client.list_objects_v2(Bucket=self._work.data, Prefix=PREFIX)
        return bool(page.get("Contents"))


def program(work: Work, *, until_empty: bool = False) -> Callable[[EventLog, random.Random], None]:
    """Return what a process of the herd does."""

    def run(log: EventLog, chance: random.Random) -> None:
        work.first()
        Worker(work, log, chance).run(until_empty=until_empty)

    return run
