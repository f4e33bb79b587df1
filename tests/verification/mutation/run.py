"""A mutation tester for the core: `scripts/check --mutate [MODULE …]`.

Changes the shipped protocol in every small way that `mutants.py` knows, and runs the fast tests. A
mutant that survives is either a gap in the tests or equivalent: no behaviour that matters differs.
Those that are known to be equivalent are listed in `equivalents.toml`, each with the reason. Any
other survivor is printed, and so is an entry of that list that has no survivor; either exits with
1.

Each mutant is tested in a process of its own with a changed copy of the package, forked from a
server that has imported the slow third-party packages and nothing of s3leader. Test files that are
named after the mutated module or that killed its other mutants run first.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Final

import pytest

from tests.verification.mutation.mutants import Mutant, mutants

ROOT: Final = Path(__file__).resolve().parents[3]
MODULES: Final = (
    "attempts", "candidate", "checkpoint", "conditional_write", "create_lock", "fenced_object",
    "holding", "ledger", "lock", "protocol", "store_proof", "sweep",
)  # fmt: skip
TESTS: Final = (
    "tests/fast/s3leader/_core/test_*.py",
    "tests/fast/s3leader/_core/protocol/test_*.py",
    "tests/fast/hostile_ledgers/test_*.py",
    "tests/fast/s3leader/test_election*.py",
    "tests/fast/s3leader/fencing/test_*.py",
)
# Each survivor would run these to their end, for half a minute; random tests find a gap by chance.
TOO_SLOW: Final = {"test_any_body.py"}
KNOWN: Final = Path(__file__).with_name("equivalents.toml")
_TEST_S: Final = 20  # of processor time; a mutant whose test takes longer probably never ends
_STALLED_S: Final = 1200  # for all tests of a mutant: a deadlock uses no processor time
_MEMORY: Final = 4 * 2**30
_FIRST_FILES: Final = 3  # run before pytest collects the others
_OPTIONS: Final = (
    "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--import-mode=importlib",
    "--hypothesis-profile=ci", "-W", "ignore::pytest.PytestAssertRewriteWarning",  # preloaded
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The package `root / folder`, whose subpackage `within` is changed (empty: itself).

    `path` are the folders that are imported from beside it, `tests` patterns of its tests' paths.
    """

    root: Path = ROOT
    folder: str = "lambda_src/s3leader"
    within: str = "_core"
    path: tuple[str, ...] = ("stacks", "scripts", ".")
    tests: tuple[str, ...] = TESTS
    equivalents: Path = KNOWN

    def source(self, module: str) -> str:
        """Return the source of a module."""
        return (self.root / self.folder / self.within / f"{module}.py").read_text()

    def test_files(self) -> list[str]:
        """Return the paths of the tests, from the root."""
        found = (path for pattern in self.tests for path in sorted(self.root.glob(pattern)))
        return [str(path.relative_to(self.root)) for path in found if path.name not in TOO_SLOW]


def main() -> int:
    """Try the mutants of the modules that are named, or of the whole core."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", default=MODULES, metavar="MODULE")
    parser.add_argument("--processes", type=int, default=2, help="at a time (default: 2)")
    asked = parser.parse_args()
    return run(Target(), asked.modules, asked.processes)


def run(target: Target, modules: Sequence[str], processes: int) -> int:
    """Print each unexplained survivor, each explanation without one, and the numbers."""
    began = time.monotonic()
    unchanged = Mutant(module=modules[0], source=target.source(modules[0]), line=0, old="", new="")
    if not list(survivors(target, [unchanged], 1)):
        print("the tests fail without any change")
        return 2
    known = read_known(target.equivalents, modules)
    made = [one for module in modules for one in mutants(module, target.source(module))]
    equivalent: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    unused = set(known)
    for mutant in survivors(target, made, processes):
        unused.discard(mutant.change)
        if mutant.change in known:
            equivalent[mutant.module] += 1
            continue
        unknown[mutant.module] += 1
        where = f"{mutant.module}.py:{mutant.line}"
        print(f"\nSURVIVES  {where}\n  - {mutant.old}\n  + {mutant.new}", flush=True)
    for module, old, new in sorted(unused):
        print(f"\nNOTHING LIKE IT SURVIVES  {module} in equivalents.toml\n  - {old}\n  + {new}")
    print(f"\n{'module':<18}{'made':>6}{'killed':>8}{'equivalent':>12}{'survive':>9}")
    for module, number in Counter(one.module for one in made).items():
        same, left = equivalent[module], unknown[module]
        print(f"{module:<18}{number:>6}{number - same - left:>8}{same:>12}{left:>9}")
    print(f"{len(made)} mutants in {time.monotonic() - began:.0f} s", flush=True)
    return 1 if unknown or unused else 0


def read_known(path: Path, modules: Sequence[str]) -> set[tuple[str, str, str]]:
    """Return the changes that are known to be equivalent; each entry has a reason."""
    entries = tomllib.loads(path.read_text()).get("equivalent", [])
    if without := [entry for entry in entries if not entry["reason"].strip()]:
        raise ValueError(f"equivalents without a reason: {without}")
    return {
        (entry["module"], old, new)
        for entry in entries
        for old, new in entry["mutants"]
        if entry["module"] in modules
    }


def survivors(target: Target, made: Sequence[Mutant], processes: int) -> Iterator[Mutant]:
    """Yield each mutant that no test kills, as soon as it is known."""
    kills: Counter[tuple[str, str]] = Counter()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "hypothesis", "boto3"])

    def survives(mutant: Mutant) -> bool:
        def late(test: str) -> tuple[bool, int]:
            return mutant.module not in Path(test).stem, -kills[mutant.module, test]

        with tempfile.TemporaryDirectory() as folder:
            tests = sorted(target.test_files(), key=late)
            arguments = (target, mutant, tests, Path(folder))
            process = context.Process(target=_run_tests, args=arguments)
            process.start()
            process.join(_STALLED_S)
            process.kill()
            process.join()
            killer = Path(folder) / "killer"
            if killer.exists():
                kills[mutant.module, killer.read_text()] += 1
        return process.exitcode == 0

    with ThreadPoolExecutor(processes) as pool:
        yield from compress(made, pool.map(survives, made))


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


if __name__ == "__main__":
    sys.exit(main())
