"""Act two: five candidate processes, one tick, and a leader that is killed mid-job three times."""

import json
import os
import random
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local_cloud.child_process import ChildProcess
from s3leader_demo.deployment import Deployment
from s3leader_demo.errors import DemoError
from s3leader_demo.rows import Term, timestamp

CANDIDATES = 5
KILLS = 3
LEASE_SECONDS = 3.0
SKEW_SECONDS = 1.0
_BACKLOG_OBJECTS = 600
_BATCH_OBJECTS = 20
_LONGEST_PAUSE_SECONDS = 0.4
_LIMIT_SECONDS = 60
_SUPERSEDED = object()
_LOOK_SECONDS = 0.5
_ROOT = Path(__file__).resolve().parent.parent.parent


class Candidate:
    """One process, and what it has reported so far."""

    def __init__(
        self, deployment: Deployment, number: int, tick: str, env: Mapping[str, str]
    ) -> None:
        """Start the process in that environment."""
        self.name = f"candidate {number}"
        self._output = deployment.cloud.directory / f"candidate-{number}.log"
        self.killed = False
        command = [
            sys.executable,
            "-m",
            "s3leader_demo.candidate",
            "--parent-pipe",
            "{parent_pipe}",
        ]
        command += ["--name", f"candidate-{number}", "--tick", tick]
        command += ["--election", deployment.election.name, "--lock-bucket", deployment.lock_bucket]
        command += ["--data-bucket", deployment.data.name, "--batch-objects", str(_BATCH_OBJECTS)]
        command += ["--lease", str(LEASE_SECONDS), "--clock-skew", str(SKEW_SECONDS)]
        path = os.pathsep.join(str(_ROOT / name) for name in ("scripts", "lambda_src"))
        with self._output.open("wb") as output:
            self._process = ChildProcess(
                command, env={**env, "PYTHONPATH": path}, cwd=_ROOT, output=output
            )

    def kill(self) -> float:
        """Send SIGKILL; return when."""
        self.killed = True
        at = time.time()
        self._process.kill()
        return at

    def reports(self, *events: str) -> list[dict[str, Any]]:
        """Return what the process has reported as one of `events`, oldest first."""
        if not self.killed and self._process.process.poll() not in {None, 0}:
            raise DemoError(f"{self.name} failed:\n{self._output.read_text()[-3000:]}")
        lines = self._output.read_text().split("\n")[:-1]
        found = [json.loads(line) for line in lines if line.startswith('{"event"')]
        return [report for report in found if report["event"] in events]


@dataclass
class Win:
    """A candidate that has come to lead."""

    candidate: Candidate
    term: int
    at: float


def show(deployment: Deployment) -> None:
    """Kill three leaders, and let the fourth finish the tick."""
    deployment.screen.title(f"Act two: {CANDIDATES} processes, and {KILLS} leaders killed mid-job")
    deployment.screen.say(
        f"  The same job on the same buckets, in the function's own role, with a lease of"
        f" {LEASE_SECONDS:.0f} s. Whoever\n  leads gets SIGKILL in the middle of its work; another"
        " must find the lock lapsed, take over and finish\n  what was left half done."
    )
    deployment.screen.say()
    deployment.quiet()
    with deployment.screen.step(f"a backlog of {_BACKLOG_OBJECTS} objects"):
        deployment.producer.send(_BACKLOG_OBJECTS)
    tick = timestamp(datetime.now(UTC))
    deployment.ticks.append(tick)
    env = deployment.cloud.env | deployment.cloud.session(deployment.function_role())
    with ExitStack() as processes:
        candidates = [Candidate(deployment, number + 1, tick, env) for number in range(CANDIDATES)]
        for candidate in candidates:
            processes.callback(candidate.kill)
        takeovers = _Play(deployment, candidates).run()
    deployment.screen.say()
    times = ", ".join(f"{seconds:.1f} s" for seconds in takeovers)
    deployment.screen.say(
        f"  From SIGKILL to the next leader: [bold]{times}[/bold]; lease and clock allowance are"
        f" {LEASE_SECONDS:.0f} s + {SKEW_SECONDS:.0f} s.\n  They count from the last renewal, by"
        " S3's own clock, which shows whole seconds."
    )


class _Play:
    """The act's course."""

    def __init__(self, deployment: Deployment, candidates: list[Candidate]) -> None:
        self._deployment = deployment
        self._candidates = candidates
        lock = deployment.election.observe()
        self._since = 0 if lock is None else lock.term
        self._looked = 0.0

    def run(self) -> list[float]:
        """Return how long each takeover took, in seconds."""
        takeovers: list[float] = []
        killed_at: float | None = None
        known, done = self._since, False
        with self._deployment.screen.table():
            while not done:
                win = self._await(lambda: self._win_after(known), "the next leader")  # noqa: B023
                known = win.term
                self._note(win, killed_at)
                if killed_at is not None:
                    takeovers.append(win.at - killed_at)
                if len(self._deployment.killed) < KILLS:
                    killed_at = self._kill_mid_job(win)
                else:
                    killed_at, done = None, self._finishes(win)
            self._await(self._all_ended, "the others learn that the tick is done")
            self._deployment.screen.update(self._deployment.rows(self._since), "")
        self._deployment.wins += [win.term for win in self._wins()]
        return takeovers

    def _kill_mid_job(self, win: Win) -> float | None:
        """Kill the leader amid its work; return when, or nothing if it had lost before."""
        parts = self._await(
            lambda: self._parts(win.term) or self._superseded(win), "the leader's first part"
        )
        time.sleep(random.uniform(0, _LONGEST_PAUSE_SECONDS))  # noqa: S311 - no secret
        if parts is _SUPERSEDED or self._superseded(win):
            return None
        if win.candidate.reports("completed"):
            raise DemoError("the leader was through before it could be killed")
        at = win.candidate.kill()
        self._deployment.killed.append(win.term)
        parts = self._parts(win.term)
        after = f"killed after {parts} part{'' if parts == 1 else 's'}"
        known = self._deployment.others[win.term]
        remark = f"{known.remark}, {after}" if known.remark else after
        self._deployment.others[win.term] = replace(known, remark=remark)
        return at

    def _finishes(self, win: Win) -> bool:
        """Wait for the leader's end; false if it lost its lead to another."""
        end = self._await(
            lambda: win.candidate.reports("completed") or self._superseded(win),
            "the last leader's end",
        )
        return end is not _SUPERSEDED

    def _superseded(self, win: Win) -> object:
        return _SUPERSEDED if self._win_after(win.term) else None

    def _note(self, win: Win, killed_at: float | None) -> None:
        alive = sum(not candidate.killed for candidate in self._candidates)
        remark = "" if killed_at is None else f"{win.at - killed_at:.1f} s after the kill"
        self._deployment.others[win.term] = Term(
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
        return sum(part["term"] == term for part in self._deployment.data.entries("parts"))

    def _all_ended(self) -> bool | None:
        left = [one for one in self._candidates if not one.killed]
        return True if all(one.reports("lost", "completed") for one in left) else None

    def _await(self, look: Any, what: str) -> Any:  # noqa: ANN401 - whatever `look` finds
        def look_and_show() -> Any:  # noqa: ANN401
            if time.monotonic() - self._looked > _LOOK_SECONDS:
                self._looked = time.monotonic()
                alive = sum(not candidate.killed for candidate in self._candidates)
                self._deployment.screen.update(
                    self._deployment.rows(self._since),
                    f"{alive} processes live; waiting for: {what}",
                )
            return look()

        return self._deployment.watch(look_and_show, what=what, seconds=_LIMIT_SECONDS, every=0.03)
