"""One rule removed at a time, to show that the checker would notice.

A mutant is a copy of the shipped package in which one passage of the source is replaced. It lives
in a folder of its own and is explored in a process of its own, so that nothing of it can leak into
the code that ships.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SHIPPED: Final = ROOT / "lambda_src" / "s3leader"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """`old` stands exactly once in `file`; without it, `scenario` shows a `fault`."""

    rule: str
    removed: str
    file: str
    old: str
    new: str
    scenario: str
    fault: str

    def source(self) -> str:
        """Return the mutated source; raise ValueError if the passage is not there once."""
        text = (SHIPPED / self.file).read_text()
        times = text.count(self.old)
        if times != 1:
            raise ValueError(f"{self.rule}: {self.old!r} stands {times} times in {self.file}")
        return text.replace(self.old, self.new)

    def explore(self) -> str:
        """Explore its scenario and return what the checker prints."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "s3leader"
            shutil.copytree(SHIPPED, copy, ignore=shutil.ignore_patterns("__pycache__"))
            (copy / self.file).write_text(self.source())
            done = subprocess.run(
                [sys.executable, "-m", "tests.checker.scenarios", self.scenario],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"},
                capture_output=True,
                text=True,
                check=False,
            )
            return done.stdout + done.stderr


def length_of(told: str) -> int:
    """Return how many moves the story has that the checker told."""
    return max(
        (int(number) for number in re.findall(r"^ *(\d+)\. ", told, re.MULTILINE)), default=0
    )


MUTANTS: Final = (
    Mutant(
        rule="R1, R3",
        removed="a lapsed lock is sealed before it is succeeded",
        file="protocol.py",
        old="sealed = yield from seal_other(rules, seen, ",
        new="sealed = replace(seen, lock=replace(lock, expired=True)) or (",
        scenario="race",
        fault="lock 2 is created while lock 1 is not sealed",
    ),
    Mutant(
        rule="R2",
        removed="a renewal compares before it swaps",
        file="protocol.py",
        old="write = Replace(rules.key(lock.term), lock.encode(), holding.etag)",
        new="write = Replace(rules.key(lock.term), lock.encode(), '*')",
        scenario="slow",
        fault="the sealed lock 1 is changed",
    ),
    Mutant(
        rule="R4",
        removed="the allowance for clock skew",
        file="lock.py",
        old="return lease + clock_skew_ms - self.age_ms()",
        new="return lease - self.age_ms()",
        scenario="skew",
        fault="two leaders",
    ),
    Mutant(
        rule="R4",
        removed="the deadline counts from before the request was sent",
        file="protocol.py",
        old="deadline_ms=done.sent_ms + rules.lease_ms,  # R4",
        new="deadline_ms=done.received_ms + rules.lease_ms,  # R4",
        scenario="slow",
        fault="two leaders",
    ),
    Mutant(
        rule="R4",
        removed="past its deadline a leader leads no more, whatever comes later",
        file="protocol.py",
        old="in_time = done.received_ms < holding.deadline_ms",
        new="in_time = True",
        scenario="slow",
        fault="is led again after its deadline",
    ),
    Mutant(
        rule="R5",
        removed="the deadline counts from the first of several tries",
        file="settle.py",
        old="first_ms = reply.sent_ms if first_ms is None else first_ms",
        new="first_ms = reply.sent_ms",
        scenario="retry",
        fault="two leaders",
    ),
    Mutant(
        rule="R5",
        removed="each body carries a nonce of its own",
        file="protocol.py",
        old="nonce = rules.nonce()\n    lock = next_lock(",
        new="nonce = 'same'\n    lock = next_lock(",
        scenario="lost",
        fault="is won after term 1",
    ),
    Mutant(
        rule="R5",
        removed="an unknown outcome is settled, not taken for success",
        file="settle.py",
        old="        doubtful = True\n",
        new="        return Settled(etag='', applied_ms=0, date_ms=0, sent_ms=first_ms,"
        " received_ms=reply.received_ms)\n",
        scenario="lost",
        fault="is won after term 1",
    ),
    Mutant(
        rule="R5",
        removed="an unknown outcome is settled, not taken for failure",
        file="settle.py",
        old="            if not doubtful:\n",
        new="            if True:\n",
        scenario="lost",
        fault="who knows nothing of it",
    ),
    Mutant(
        rule="R5",
        removed="a 412 after an unanswered try is looked into, not taken for success",
        file="settle.py",
        old="if found == nonce:",
        new="if True:",
        scenario="lost",
        fault="is won after term 1",
    ),
    Mutant(
        rule="R6",
        removed="one's own lock is never tagged",
        file="sweep.py",
        old="min(lock.term, swept + 1 + SWEEP_AT_MOST)",
        new="min(lock.term + 1, swept + 1 + SWEEP_AT_MOST)",
        scenario="days",
        fault="the highest lock",
    ),
    Mutant(
        rule="R7",
        removed="a stale win is void",
        file="protocol.py",
        old="stale = seen.top_at_ms is None or done.applied_ms - seen.top_at_ms >= STALE_AFTER_MS",
        new="stale = False",
        scenario="days",
        fault="is won after term",
    ),
    Mutant(
        rule="R7",
        removed="an unsealed lock is the highest only near a proof",
        file="ledger.py",
        old="fresh = since_ms is not None and found.date_ms - since_ms < STALE_AFTER_MS",
        new="fresh = True",
        scenario="asleep",
        fault="is won after term",
    ),
    Mutant(
        rule="R8",
        removed="a tick that is done is not led",
        file="lock.py",
        old="return tick is not None and self.done is not None and tick <= self.done",
        new="return False",
        scenario="race",
        fault="is completed twice",
    ),
    Mutant(
        rule="R8",
        removed="`done` is carried on from term to term",
        file="lock.py",
        old="        done=previous.done,\n",
        new="        done=None,\n",
        scenario="later",
        fault="`done` goes back",
    ),
)


def main() -> int:
    """Explore every mutant; exit with 1 if one goes unnoticed."""
    missed = 0
    for mutant in MUTANTS:
        told = mutant.explore()
        noticed = "(replay:" in told and mutant.fault in told
        missed += not noticed
        verdict = f"{length_of(told):>3} moves: {mutant.fault}" if noticed else "NOT NOTICED"
        print(f"{mutant.rule:<7}{mutant.removed:<72}{verdict}", flush=True)  # noqa: T201
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
