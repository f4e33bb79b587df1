"""One rule removed at a time, to show that the checker or the simulation would notice.

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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
SHIPPED: Final = ROOT / "lambda_src" / "s3leader"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """`old` stands exactly once in the core; without it, each space in `found` shows its fault.

    A space is a scenario of the checker, or "simulation". `removed` begins with the rules.
    """

    removed: str
    old: str
    new: str
    found: Mapping[str, str]

    def source(self) -> tuple[Path, str]:
        """Return the file and its mutated source; raise ValueError if `old` is not there once."""
        sources = {file: file.read_text() for file in sorted((SHIPPED / "_core").glob("*.py"))}
        times = {file: text.count(self.old) for file, text in sources.items() if self.old in text}
        if [*times.values()] != [1]:
            raise ValueError(f"{self.removed}: {self.old!r} does not stand once, but {times}")
        [file] = times
        return file.relative_to(SHIPPED), sources[file].replace(self.old, self.new)

    def run(self, space: str) -> tuple[bool, str]:
        """Return whether a space shows its fault, and what was printed."""
        command = ["model_checker.scenarios", space]
        if space == "simulation":
            command = ["simulation", "--seeds", "16"]
        file, source = self.source()
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "s3leader"
            shutil.copytree(SHIPPED, copy, ignore=shutil.ignore_patterns("__pycache__"))
            (copy / file).write_text(source)
            done = subprocess.run(
                [sys.executable, "-m", f"tests.verification.{command[0]}", *command[1:]],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"},
                capture_output=True,
                text=True,
                check=False,
            )
        found = done.returncode == 1 and "replay: " in done.stdout
        return found and self.found[space] in done.stdout, done.stdout + done.stderr


def main() -> int:
    """Explore every mutant; exit with 1 if one goes unnoticed."""
    from .mutant_list import MUTANTS  # noqa: PLC0415 - made of what this file defines

    missed = 0
    for mutant in MUTANTS:
        for space, fault in mutant.found.items():
            noticed, output = mutant.run(space)
            missed += not noticed
            steps = len(re.findall(r"^ *\d+\. ", output, re.MULTILINE))
            length = f" in {steps} transitions" if steps else ""
            verdict = f"{space}{length}: {fault}" if noticed else f"{space}: NOT NOTICED"
            print(f"{mutant.removed:<90}{verdict}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
