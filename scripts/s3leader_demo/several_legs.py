"""The third part of the demo: a job of several legs, whose leader is killed between two of them.

The demo starts one invocation. Each leg works, seals its lock as `continued` and starts the next
leg's invocation. One is killed with SIGKILL after its seal, before that start. Lambda's retry of
its event then goes on with the tick, as the next leg.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bird_strikes.checks import Check
from s3leader import Election, Lock
from s3leader_demo.deployment import Deployment
from s3leader_demo.rows import TermNote, rows, timestamp

APP = Path(__file__).parent / "legs_app.py"
_STACK = "S3LeaderLegs"
LEGS, KILLED = 6, 3
_WORK_SECONDS = 0.3
_DIED = "Worker process died"  # the emulator, of an invocation


def run(demo: Deployment, assembly: Path) -> list[Check]:
    """Deploy the job, run a tick, show its terms, and return what was checked."""
    demo.screen.title(
        f"Part three: a tick of {LEGS} invocations; one is killed between two of them"
    )
    demo.screen.say(
        "  A job that takes longer than an invocation: each leg seals its lock as continued and"
        " starts the next.\n"
        f"  Leg {KILLED} is killed (SIGKILL) after its seal and before that start. Lambda's retry"
        " of its event goes on\n  with the tick: on AWS after a minute, here after a second.\n"
    )
    with demo.screen.step(f"cdk deploy {_STACK}"):
        outputs = demo.cloud.deploy(_STACK, assembly=assembly)
    s3 = demo.cloud.client("s3")
    election = Election(outputs["ElectionName"], bucket=outputs["LockBucketName"], client=s3)
    demo.show_page(election)
    died = demo.cloud.log.read_text().count(_DIED)
    tick = datetime.now(UTC).replace(microsecond=0)
    event = {
        "tick": timestamp(tick),
        "legs": LEGS,
        "work_seconds": _WORK_SECONDS,
        "fault": {"leg": KILLED, "step": "before the start"},
    }
    demo.cloud.client("lambda").invoke(
        FunctionName=outputs["FunctionName"], InvocationType="Event", Payload=json.dumps(event)
    )
    locks = _Watch(demo, election).until_completed(tick)
    return check(locks, kills=demo.cloud.log.read_text().count(_DIED) - died)


@dataclass
class _Watch:
    """Shows the terms, and measures from the killed leader's seal to the next leader."""

    demo: Deployment
    election: Election
    notes: dict[int, TermNote] = field(default_factory=dict)
    sealed_at: float = 0.0

    def until_completed(self, tick: datetime) -> list[Lock]:
        """Show the terms until the tick is completed; return their locks, the oldest first."""
        screen = self.demo.screen.for_another_election()
        screen.headings()

        def poll() -> list[Lock] | None:
            locks = self.election.history(LEGS * 4)[::-1]
            for lock in locks:
                self._note(lock)
            screen.update(rows(locks, [], None, self.notes))
            return locks if locks and locks[-1].is_done(tick) else None

        what = f"leg {LEGS}"
        with screen.waiting(f"waiting for {what}"):
            return self.demo.wait(poll, what=what, seconds=60, every=0.05)

    def _note(self, lock: Lock) -> None:
        if lock.leg == KILLED and lock.sealed and not self.sealed_at:
            self.sealed_at = time.monotonic()
        if lock.term in self.notes:
            return
        remark = ""
        if lock.leg == KILLED:
            remark = f"killed before it started leg {KILLED + 1}"
        elif lock.leg == KILLED + 1:
            remark = f"{time.monotonic() - self.sealed_at:.1f} s after that seal"
        self.notes[lock.term] = TermNote(
            contended="1 (demo)" if lock.leg == 1 else "1", won_by=f"leg {lock.leg}", remark=remark
        )


def check(locks: list[Lock], *, kills: int) -> list[Check]:
    """Check that each leg worked once, and that the last one completed the tick."""
    outcomes = [lock.outcome for lock in locks]
    worked = locks[-1].state.get("terms")
    legs = [lock.leg for lock in locks]
    return [
        _check(
            f"leg {KILLED} of {LEGS} was killed after its seal and before it started the next",
            [] if kills == 1 else [f"{kills} processes died"],
        ),
        _check(
            f"the tick of {LEGS} legs has exactly one completed term, the last",
            []
            if outcomes == [*["continued"] * (LEGS - 1), "completed"]
            else [f"their outcomes are {', '.join(map(str, outcomes))}"],
        ),
        _check(
            f"each of {LEGS} legs worked once",
            []
            if (legs, worked) == ([*range(1, LEGS + 1)], [lock.term for lock in locks])
            else [f"legs {legs} led terms, and the checkpoint names terms {worked}"],
        ),
    ]


def _check(claim: str, violations: list[str]) -> Check:
    return Check(claim, tuple(violations))
