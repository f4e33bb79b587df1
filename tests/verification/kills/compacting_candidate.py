"""A candidate process on a real S3 server: leads tick after tick, and compacts as leader."""

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
    NotElected,
    S3LeaderError,
    StaleToken,
    StoreUnavailable,
    Term,
    testing,
)
from s3leader._core.requests import Store
from s3leader._io.term_state import TermState
from s3leader.election import ElectionOptions
from s3leader.fencing import FencedObject, Snapshot
from tests.verification.event_log import EventLog, now_ns
from tests.verification.processes import stop_requested

FIRST_TICK: Final = datetime(2026, 11, 23, 6, tzinfo=UTC)
ERRORS: Final = (S3LeaderError, ClientError, BotoCoreError, InputsWithheld)
_DELAY_S: Final = 0.05  # before each write, so that attacks hit between writes
_SMALL: Final = Limits(batch_objects=2, readers=2, manifest_parts=20)


@dataclass(frozen=True, kw_only=True)
class CandidateSetup:
    """What the candidates of one election share; each process makes its own clients."""

    name: str  # of the election, and of its data bucket
    locks: Store
    lease: timedelta
    clock_skew: timedelta


def is_stale(error: Exception) -> bool:
    """Whether an error says that another candidate leads."""
    return isinstance(error, StaleToken | LeadershipLost)


class RecordedTerm:
    """The term as the job sees it. `ensure_held()` is recorded; in half of the terms it passes.

    That is the worst case: each pause begins right after a check of leadership. Then only the
    fenced manifest stops a stale leader.
    """

    def __init__(
        self,
        term: TermState,
        save: Callable[[dict[str, Any]], None],
        log: EventLog,
        seeded_random: random.Random,
    ) -> None:
        """Wrap `term`, whose checkpoint `save` saves."""
        self._term = term
        self._save = save
        self._log = log
        self._chance = seeded_random
        self._always_held = seeded_random.random() < 0.5
        self.number = term.number
        self.state = term.state
        self.remaining = term.remaining
        self._driver = term._driver  # for `create_until_known`

    def ensure_held(self) -> None:
        """Record the check; raise `LeadershipLost` unless this term always passes."""
        self._log.leads("leads", self._term)
        if not self._always_held:
            self._term.ensure_held()
        time.sleep(self._chance.uniform(0, _DELAY_S))

    def save(self, state: dict[str, Any]) -> None:
        """Save the progress; ignore a lost term if this term always passes."""
        try:
            self._save(state)
        except LeadershipLost:
            if not self._always_held:
                raise


class CompactingCandidate:
    """One process."""

    def __init__(self, setup: CandidateSetup, log: EventLog, seeded_random: random.Random) -> None:
        """Make the clients of this process."""
        self._setup = setup
        self._log = log
        self._chance = seeded_random
        self._client = data_client()
        self._manifest = FencedObject(MANIFEST, bucket=setup.name)

    def run(self, *, until_empty: bool) -> None:
        """Lead tick after tick until SIGTERM; with `until_empty`, until no inputs are left."""
        election = testing.election(self._setup.name, store=self._setup.locks, **self._options())
        tick = FIRST_TICK
        while not stop_requested():
            self._log.record("campaigns", tick=str(tick))
            try:
                result = election.campaign(tick=tick, wait=timedelta(seconds=1))
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
            tick = self._next_tick(tick, result)

    def _options(self) -> ElectionOptions:
        setup, candidate = self._setup, f"{self._log.who}/{os.getpid()}"
        return {"lease": setup.lease, "clock_skew": setup.clock_skew, "candidate": candidate}

    def _next_tick(self, tick: datetime, lost: NotElected) -> datetime:
        """Record a lost campaign for `tick`; return the tick of the next one."""
        self._log.record("loses", why=lost.reason)
        if lost.reason != "done" or lost.lock is None or not lost.lock.done:
            return tick
        # The tick that the last term did not complete, or else the next one.
        done, last = lost.lock.done, lost.lock.tick
        return last if last is not None and last > done else done + timedelta(seconds=1)

    def _lead(self, term: Term) -> bool:
        """Compact as leader; return whether the tick is completed."""
        self._log.leads("won", term, tick=str(term.tick))
        claimed: Snapshot | None = None
        try:
            claimed = self._manifest.claim(term.number)
            self._log.record("claimed", term=term.number)
            with term.keep_renewing():
                self._compact(term, term.save)
            self._log.leads("leads", term)
            self._log.record("ends", term=term.number)
            term.resign()
        except ERRORS as error:
            self._record_end(term, error)
            if not is_stale(error):
                with suppress(S3LeaderError):
                    term.resign("failed", f"{type(error).__name__}: {error}")
                    self._log.record("resigned", term=term.number)
                    return False
            self._try_stale_writes(term, claimed)
            return False
        self._log.record("completed", term=term.number, tick=str(term.tick))
        return True

    def _compact(self, term: TermState, save: Callable[[dict[str, Any]], None]) -> None:
        recorded = cast("Term", RecordedTerm(term, save, self._log, self._chance))
        compact(
            recorded,
            self._setup.name,
            client=self._client,
            manifest=self._manifest,
            limits=_SMALL,
        )

    def _record_end(self, term: TermState, error: Exception) -> None:
        self._log.record("ends", term=term.number, why=f"{type(error).__name__}: {error}")
        if isinstance(error, StaleToken):
            self._log.record("refused", term=term.number, written=error.written_token)

    def _try_stale_writes(self, term: TermState, claimed: Snapshot | None) -> None:
        """Try to write as a stale leader: on the version it claimed, then on the newest one."""
        for after in (claimed, None):
            since = now_ns()
            try:
                base = after or self._manifest.read()
                if base is None:
                    continue
                self._log.record("tries a stale write", term=term.number)
                self._manifest.write(base.value, token=term.number, after=base)
            except StaleToken as error:
                self._log.record("refused", term=term.number, written=error.written_token)
            except S3LeaderError as error:
                self._log.record("fails a stale write", term=term.number, why=type(error).__name__)
            else:
                self._log.record("made a stale write", term=term.number, since=since)
        self._log.record("is over", term=term.number)

    def _inputs(self) -> bool:
        page = self._client.list_objects_v2(Bucket=self._setup.name, Prefix=PREFIX)
        return bool(page.get("Contents"))
