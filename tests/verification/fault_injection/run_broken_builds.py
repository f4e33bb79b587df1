"""Broken builds, and whether the clients' event logs alone show what is broken in each.

`python -m tests.verification.fault_injection.run_broken_builds` runs them all: twenty processes
each, on a misbehaving S3.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.verification.invariants import checks, read_logs
from tests.verification.run_tool import run_tool

ROUNDS: Final = 12  # far more than were ever needed
_PATIENCE_S: Final = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """`broken` is a function of `broken.py`; without that rule, a `promise` is not kept."""

    rule: str
    broken: str
    promise: str
    settings: tuple[str, ...] = ()

    @property
    def clocks_hold(self) -> bool:
        return "wrong" not in self.settings


SHIPPED: Final = Build(rule="all rules", broken="", promise="")
BUILDS: Final = (
    Build(
        rule="R4: a lease is waited for",
        broken="leases_are_ignored",
        promise="no two of",
        settings=("--lease", "10"),
    ),
    Build(
        rule="R5: an unknown outcome is settled, not taken for success",
        broken="unknown_counts_as_applied",
        promise="term numbers is won twice",
    ),
    Build(
        rule="R5: a 412 is looked into",
        broken="conflicts_are_believed",
        promise="no candidate whose campaign reported a loss holds the lock",
        settings=("--patience", "20"),
    ),
    Build(
        rule="R8: a tick that is done is not led",
        broken="done_is_forgotten",
        promise="no later term is led for it",
    ),
    Build(
        rule="fencing: a lower token is refused",
        broken="tokens_are_not_compared",
        promise="began after one with a higher token",
        settings=("--clocks", "wrong"),
    ),
)


def failing(build: Build, folder: Path, *, terms: int = 15, seed: int = 1) -> list[str]:
    """Run a build once, and return what its clients' logs alone speak against."""
    logs = folder / "logs"
    arguments = ["--terms", str(terms), "--candidates", "16", "--seed", str(seed)]
    if build.broken:
        arguments += [
            "--rate",
            "0.4",
            "--first",
            f"tests.verification.fault_injection.broken_builds:{build.broken}",
        ]
    arguments += [*build.settings, "--logs", str(logs)]
    run_tool("fault_injection", *arguments, folder=folder, patience_s=_PATIENCE_S)
    judged = checks(read_logs(logs), clocks_hold=build.clocks_hold)
    return [one.claim for one in judged if not one.holds]


def rounds_until_caught(build: Build, folder: Path) -> int | None:
    """Run a broken build until its promise fails: when it does is left to chance and the machine.
    Return the number of runs, None if none showed it.
    """
    for seed in range(1, ROUNDS + 1):
        here = folder / str(seed)
        here.mkdir()
        if any(build.promise in claim for claim in failing(build, here, seed=seed)):
            return seed
    return None


def main() -> int:
    """Run every broken build; return 1 if one is not caught."""
    missed = 0
    for build in BUILDS:
        with tempfile.TemporaryDirectory() as folder:
            rounds = rounds_until_caught(build, Path(folder))
        missed += rounds is None
        output = "not found" if rounds is None else f"found in run {rounds}"
        print(f"{build.rule:<60}{output}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
