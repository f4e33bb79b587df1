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

ROOT: Final = Path(__file__).parents[3]
SHIPPED: Final = ROOT / "lambda_src" / "s3leader"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """`old` stands exactly once in `file`; without it, `scenario` shows a `fault`.

    It takes long to be found if `slow`.
    """

    rule: str
    removed: str
    file: str
    old: str
    new: str
    scenario: str
    fault: str
    slow: bool = False

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
                [sys.executable, "-m", "tests.verification.model_checker.scenarios", self.scenario],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"},
                capture_output=True,
                text=True,
                check=False,
            )
            return done.stdout + done.stderr


def length_of(output: str) -> int:
    """Return the number of transitions in the counterexample that the checker printed."""
    return max(
        (int(number) for number in re.findall(r"^ *(\d+)\. ", output, re.MULTILINE)), default=0
    )


def main() -> int:
    """Explore every mutant; exit with 1 if one goes unnoticed."""
    from .continued_scenarios import CONTINUED_MUTANTS  # noqa: PLC0415 - the same
    from .fenced_scenarios import FENCED_MUTANTS  # noqa: PLC0415 - made of what this file defines
    from .mutant_list import MUTANTS  # noqa: PLC0415 - the same

    missed = 0
    for mutant in (*MUTANTS, *CONTINUED_MUTANTS, *FENCED_MUTANTS):
        output = mutant.explore()
        noticed = "(replay:" in output and mutant.fault in output
        missed += not noticed
        verdict = (
            f"{length_of(output):>3} transitions: {mutant.fault}" if noticed else "NOT NOTICED"
        )
        print(f"{mutant.rule:<9}{mutant.removed:<72}{verdict}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
