"""Runs the tests against mutants, each in a process of its own with a changed copy of the package.

The processes are forked from a server that has imported the slow third-party packages and nothing
of s3leader. Test files that are named after the mutated module or that killed its other mutants
run first.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.verification.mutation.mutants import Mutant

_TEST_S: Final = 20  # of processor time; a mutant whose test takes longer probably never ends
_STALLED_S: Final = 1200  # for all tests of a mutant: a deadlock uses no processor time
_MEMORY: Final = 4 * 2**30
_FIRST_FILES: Final = 3  # run before pytest collects the others
_OPTIONS: Final = (
    "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--import-mode=importlib",
    "--hypothesis-profile=ci",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The package `root / folder`, whose subpackage `within` is changed (empty: itself).

    `path` are the folders that are imported from beside it, `tests` the files of its tests.
    """

    root: Path
    folder: str
    within: str
    path: tuple[str, ...]
    tests: tuple[str, ...]

    def file(self, module: str) -> Path:
        """Return the file of a module."""
        return self.root / self.folder / self.within / f"{module}.py"


class Trials:
    """Runs the tests of a target against mutants, `processes` at a time."""

    def __init__(self, target: Target, processes: int) -> None:
        self._target, self._processes = target, processes
        self._kills: Counter[tuple[str, str]] = Counter()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["pytest", "hypothesis", "boto3"])

    def survivors(self, mutants: Iterable[Mutant]) -> Iterator[Mutant]:
        """Yield each mutant that no test kills, as soon as it is known."""
        mutants = list(mutants)
        with ThreadPoolExecutor(self._processes) as pool:
            results = zip(mutants, pool.map(self.survives, mutants), strict=True)
            yield from (mutant for mutant, survives in results if survives)

    def survives(self, mutant: Mutant) -> bool:
        """Return whether all tests pass with `mutant`."""

        def late(test: str) -> tuple[bool, int]:
            return mutant.module not in Path(test).stem, -self._kills[mutant.module, test]

        with tempfile.TemporaryDirectory() as folder:
            tests = sorted(self._target.tests, key=late)
            process = self._context.Process(
                target=_run_tests, args=(self._target, mutant, tests, Path(folder))
            )
            process.start()
            process.join(_STALLED_S)
            process.kill()
            process.join()
            killer = Path(folder) / "killer"
            if killer.exists():
                self._kills[mutant.module, killer.read_text()] += 1
        return process.exitcode == 0


# --------------------------------------------------------------------------- in a forked process


def _run_tests(target: Target, mutant: Mutant, tests: Sequence[str], folder: Path) -> None:
    """Exit with 0 if the tests pass with a changed copy of the package in `folder`."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    with suppress(OSError, ValueError):  # macOS does not limit it
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    copy = folder / Path(target.folder).name
    shutil.copytree(target.root / target.folder, copy)
    (copy / target.within / f"{mutant.module}.py").write_text(mutant.source)
    os.chdir(target.root)
    options = [*_OPTIONS, "-o", f"pythonpath={' '.join([str(folder), *target.path])}"]
    for some in filter(None, (tests[:_FIRST_FILES], tests[_FIRST_FILES:])):
        if pytest.main([*options, *some], plugins=[_Watch(folder / "killer")]):
            sys.exit(1)


class _Watch:
    """A pytest plugin that limits each test's time, and writes down which file has failed."""

    def __init__(self, killer: Path) -> None:
        self._killer = killer
        signal.signal(signal.SIGPROF, signal.default_int_handler)  # pytest is interrupted

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        signal.setitimer(signal.ITIMER_PROF, _TEST_S, 1)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._killer.write_text(report.nodeid.partition("::")[0])
