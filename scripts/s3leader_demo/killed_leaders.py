"""The second part of the demo: leaders are killed in the middle of their work.

Five candidate processes campaign for one tick. The demo kills the first three leaders with SIGKILL,
each after it has committed a part of the work, and lets the fourth finish. The takeover time of a
kill is the time from SIGKILL to the report of the next leader.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from local_cloud.child_process import ChildProcess
from s3leader_demo.candidate import CLOCK_SKEW, LEASE
from s3leader_demo.deployment import DemoError, Deployment, FoundT
from s3leader_demo.rows import TermNote, timestamp

CANDIDATES = 5
KILLS = 3
_BACKLOG_OBJECTS = 600
_LONGEST_DELAY_OF_KILL_SECONDS = 0.4
_ROOT = Path(__file__).resolve().parent.parent.parent


class Candidate:
    """A candidate process, and what it has reported so far (see `s3leader_demo.candidate`)."""

    def __init__(self, demo: Deployment, number: int, tick: str, env: Mapping[str, str]) -> None:
        """Start the process in the environment `env`."""
        self.name = f"candidate {number}"
        self.killed = False
        self._output = demo.cloud.directory / f"candidate-{number}.log"
        command = [
            sys.executable,
            "-m",
            "s3leader_demo.candidate",
            "{parent_pipe}",  # a placeholder that `ChildProcess` replaces
        ]
        command += [demo.election.name, demo.lock_bucket, demo.data.name, tick]
        path = os.pathsep.join(str(_ROOT / name) for name in ("scripts", "lambda_src"))
        with self._output.open("wb") as output:
            self._process = ChildProcess(
                command, env={**env, "PYTHONPATH": path}, cwd=_ROOT, output=output
            )

    def kill(self) -> float:
        """Send SIGKILL; return the time at which it was sent."""
        self.killed = True
        at = time.time()
        self._process.kill()
        return at

    def reports(self, *events: str) -> list[dict[str, Any]]:
        """Return the reports of these events, oldest first; raise if the process has failed."""
        if not self.killed and self._process.process.poll() not in {None, 0}:
            raise DemoError(f"{self.name} failed:\n{self._output.read_text()[-3000:]}")
        lines = self._output.read_text().split("\n")[:-1]
        found = [json.loads(line) for line in lines if line.startswith('{"event"')]
        return [report for report in found if report["event"] in events]


@dataclass
class Win:
    """A candidate's report that it leads a term; `at` is the time of the report."""

    candidate: Candidate
    term: int
    at: float


def run(demo: Deployment) -> None:
    """Kill three leaders, let another finish the tick, and show how long each takeover took."""
    lease, skew = LEASE.total_seconds(), CLOCK_SKEW.total_seconds()
    demo.screen.title(f"Part two: {CANDIDATES} processes campaign; {KILLS} leaders are killed")
    demo.screen.say(
        f"  The same job on the same buckets, with the function's own permissions and a lease of"
        f" {lease:.0f} s. Each\n  leader is killed (SIGKILL) in the middle of its work."
        " Another process waits until the lock has\n  lapsed, takes over, and finishes the work.\n"
    )
    demo.wait_until_idle()
    with demo.screen.step(f"{_BACKLOG_OBJECTS} objects are put into the data bucket"):
        demo.producer.send(_BACKLOG_OBJECTS)
    tick = timestamp(datetime.now(UTC))
    demo.ticks.append(tick)
    env = demo.cloud.env | demo.cloud.session(demo.function_role())
    with ExitStack() as processes:
        candidates = [Candidate(demo, number + 1, tick, env) for number in range(CANDIDATES)]
        for candidate in candidates:
            processes.callback(candidate.kill)
        takeovers = _Takeovers(demo, candidates).run()
    times = ", ".join(f"{seconds:.1f} s" for seconds in takeovers)
    demo.screen.say(
        f"\n  From SIGKILL to the next leader: [bold]{times}[/bold]. A lock lapses"
        f" {lease:.0f} s (lease) + {skew:.0f} s (clock skew)\n  after its last"
        " renewal, by S3's clock, which counts whole seconds."
    )


class _Takeovers:
    """Watches the candidates, kills leaders, and measures takeovers."""

    def __init__(self, demo: Deployment, candidates: list[Candidate]) -> None:
        self._demo = demo
        self._candidates = candidates

    def run(self) -> list[float]:
        """Return how long each takeover took, in seconds."""
        lock = self._demo.election.observe()
        term = 0 if lock is None else lock.term
        takeovers: list[float] = []
        killed_at: float | None = None
        completed = False
        self._demo.screen.headings()
        while not completed:
            win = self._wait(partial(self._win_after, term), "the next leader")
            term = win.term
            if killed_at is not None:
                takeovers.append(win.at - killed_at)
            self._note(win, "" if killed_at is None else f"{takeovers[-1]:.1f} s after the kill")
            self._demo.screen.update(self._demo.rows())
            killed_at = self._kill_at_work(win) if len(self._demo.killed) < KILLS else None
            # A leader that was not killed may finish, since enough were, or has lost its term.
            completed = killed_at is None and self._completes(win)
        self._wait(self._all_ended, "the end of the other candidates")
        self._demo.screen.update(self._demo.rows())
        self._demo.wins += [win.term for win in self._wins()]
        return takeovers

    def _kill_at_work(self, win: Win) -> float | None:
        """Kill the leader once it has committed a part; None if it lost its term before that.

        On a busy machine a leader may renew too late and lose its term to another candidate.
        """
        self._wait(
            lambda: self._parts(win.term) or self._win_after(win.term), "the leader's first part"
        )
        time.sleep(random.uniform(0, _LONGEST_DELAY_OF_KILL_SECONDS))  # noqa: S311 - no secret
        if self._win_after(win.term):
            return None
        if win.candidate.reports("completed"):
            raise DemoError(f"{win.candidate.name} completed the tick before it could be killed")
        at = win.candidate.kill()
        self._demo.killed.append(win.term)
        note, parts = self._demo.notes[win.term], self._parts(win.term)
        remark = f"killed after {parts} part{'' if parts == 1 else 's'}"
        remark = ", ".join(filter(None, [note.remark, remark]))
        self._demo.notes[win.term] = replace(note, remark=remark)
        return at

    def _completes(self, win: Win) -> bool:
        """Wait until the leader has completed the tick (True) or lost its term (False)."""
        self._wait(
            lambda: win.candidate.reports("completed") or self._win_after(win.term),
            "the end of the last leader's work",
        )
        return bool(win.candidate.reports("completed"))

    def _note(self, win: Win, remark: str) -> None:
        alive = sum(not candidate.killed for candidate in self._candidates)
        self._demo.notes[win.term] = TermNote(
            contended=f"{alive} processes", won_by=win.candidate.name, remark=remark
        )

    def _wins(self) -> list[Win]:
        return [
            Win(candidate, report["term"], report["at"])
            for candidate in self._candidates
            for report in candidate.reports("won")
        ]

    def _win_after(self, term: int) -> Win | None:
        later = [win for win in self._wins() if win.term > term]
        return min(later, key=lambda win: win.term, default=None)

    def _parts(self, term: int) -> int:
        return sum(part["term"] == term for part in self._demo.data.entries("parts"))

    def _all_ended(self) -> bool:
        alive = [candidate for candidate in self._candidates if not candidate.killed]
        return all(each.reports("lost", "completed") for each in alive)

    def _wait(self, poll: Callable[[], FoundT | None], what: str) -> FoundT:
        with self._demo.screen.waiting(f"waiting for {what}"):
            return self._demo.wait(poll, what=what, seconds=60, every=0.03)
