"""Tens of real processes contend over a hostile S3: `python -m tests.verification.fault_injection`.

The real store speaks HTTP to a server on loopback that delays, cuts, loses, refuses and
repeats, and whose front ends' clocks differ as much as `clock_skew` allows. With `--clocks wrong`
they differ by far more. Then two may believe to lead at a time, which is not checked; what does
not rest on clocks must hold all the same: terms, ticks, sealed locks, fenced writes. With `--echo`,
a proxy sends each PUT twice and hands back the second answer.

Every second candidate runs under asyncio, or all with `--asyncio`, and `--boto3` of them send their
requests by boto3's client instead of the store's own.

The processes' own event logs are judged alone first (`invariants`), then against the server's
record (`store_invariants`).
"""

import argparse
import itertools
import json
import os
import random
import sys
import tempfile
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Final

import boto3  # noqa: F401 - before the forks, for those that use it

from tests.contract.servers import Server
from tests.verification import invariants, report, store_invariants
from tests.verification.event_log import EventLog, EventReader, read_events
from tests.verification.fault_injection.async_candidate import AsyncCandidate
from tests.verification.fault_injection.candidate import FENCED, Candidate, Contest
from tests.verification.fault_injection.faults import FaultPlan
from tests.verification.fault_injection.faulty_s3 import FaultyS3
from tests.verification.processes import Processes

# One second of the allowance for clock skew (`Candidate`) is for the grain of S3's time stamps.
CLOCKS_S: Final = {"allowed": (-0.49, 0.49), "wrong": (-20.0, 20.0)}
_AFTERWARDS: Final = 3  # terms that must still be led once no more faults are injected


def main() -> int:
    """Run one contest, and judge it."""
    asked = _arguments()
    plan = FaultPlan(
        asked.seed, rate=asked.rate, clocks_s=CLOCKS_S[asked.clocks], echoes=asked.echo
    )
    with tempfile.TemporaryDirectory() as temporary, FaultyS3(plan) as s3:
        folder = Path(temporary) if asked.logs is None else asked.logs
        folder.mkdir(parents=True, exist_ok=True)
        os.environ |= Server(f"http://127.0.0.1:{s3.server_address[1]}").env
        lease, counter = timedelta(seconds=asked.lease), folder / "counter.txt"
        counter.touch()
        contest = Contest(counter=counter, lease=lease)
        with closing(Processes(folder, seed=asked.seed, first=asked.first)) as processes:
            _start(processes, contest, asked)
            Thread(target=s3.serve_forever, daemon=True).start()  # after the forks
            _watch(processes, plan, folder, asked)
            s3.shutdown()
            times, locks = zip(*_bodies(s3, "elections/contest/lock_"), strict=True)
            fenced = [body for _, body in _bodies(s3, FENCED)]
            judge = EventLog(folder / "judge.jsonl", "judge")
            judge.record("reads the counter")  # the fenced one; nobody writes any more
            judge.record("has read", value=fenced[-1].get("count", 0) if fenced else 0)
            events = read_events(folder)
        value = int(counter.read_text() or "0")
    harmed = ", ".join(f"{kind} {times}" for kind, times in sorted(plan.done.items()))
    report.print_line(f"{s3.requests} requests, {plan.done.total()} of them harmed: {harmed}")
    report.print_line("noted: " + report.counts(event["what"] for event in events))
    clocks_hold = asked.clocks == "allowed"
    checks = [*invariants.checks(events, clocks_hold=clocks_hold)]
    if clocks_hold:
        checks.append(store_invariants.counter(events, value))
    checks.append(store_invariants.deadlines(events, locks, times))
    checks += [*store_invariants.ledger(events, locks), *store_invariants.fenced(events, fenced)]
    return report.print_checks([*checks, store_invariants.processes(events, processes.failed)])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=20)
    parser.add_argument("--terms", type=int, default=500, help="how many to lead (default 500)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lease", type=float, default=1.0, help="in seconds")
    parser.add_argument(
        "--rate", type=float, default=0.25, help="share of requests that are harmed"
    )
    parser.add_argument("--clocks", choices=sorted(CLOCKS_S), default="allowed")
    parser.add_argument("--patience", type=float, default=120.0, help="seconds without a new term")
    parser.add_argument("--echo", action="store_true", help="each PUT is sent twice")
    parser.add_argument("--boto3", type=int, default=1, help="how many use boto3's client (1)")
    parser.add_argument("--asyncio", action="store_true", help="all candidates run under asyncio")
    parser.add_argument("--logs", type=Path, help="a new folder to leave the event logs in")
    parser.add_argument("--first", help="module:function to call first in each process, for tests")
    return parser.parse_args()


def _start(processes: Processes, contest: Contest, asked: argparse.Namespace) -> None:
    kinds = itertools.cycle((AsyncCandidate, AsyncCandidate if asked.asyncio else Candidate))
    for number, kind in zip(range(asked.candidates), kinds, strict=False):
        use_boto3 = number < asked.boto3

        def run(
            log: EventLog,
            chance: random.Random,
            kind: type[Candidate] = kind,
            *,
            use_boto3: bool = use_boto3,
        ) -> None:
            kind(contest, log, chance, boto3=use_boto3).run()

        processes.start(run)


def _watch(processes: Processes, plan: FaultPlan, folder: Path, asked: argparse.Namespace) -> None:
    """Wait until enough terms were led, and some more without faults; then end the processes."""
    events, wins, last_win = EventReader(folder), 0, time.monotonic()
    while wins < asked.terms + _AFTERWARDS and processes.alive:
        time.sleep(0.1)
        new = sum(event["what"] == "won" for event in events.new_events())
        wins += new
        last_win = time.monotonic() if new else last_win
        plan.over = wins >= asked.terms
        processes.reap()
        if time.monotonic() - last_win > asked.patience:
            processes.failed.append(f"nobody won a term for {asked.patience:.0f} s, {wins} wins in")
            break
    plan.over = True
    processes.end(asked.patience)


def _bodies(s3: FaultyS3, prefix: str) -> list[tuple[int, store_invariants.Body]]:
    """Return what was written to keys with that prefix, and when."""
    mine = [(at, write) for at, write in s3.writes if write.key.startswith(prefix)]
    return [(at, json.loads(write.body)) for at, write in mine]


if __name__ == "__main__":
    sys.exit(main())
