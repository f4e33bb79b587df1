"""A mutation tester: `scripts/check --mutate [MODULE …]`.

Changes the modules that carry safety (`parts.py`) in every small way that `mutants.py` knows, and
runs the tests that should notice. A mutant that survives is either a gap in the tests or
equivalent: no behaviour that matters differs. Those that are known to be equivalent are listed in
`equivalents.toml`, each with the reason. Any other survivor is printed, and so is an entry of that
list that has no survivor; either exits with 1.

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
from tests.verification.mutation.parts import PARTS, Part

ROOT: Final = Path(__file__).resolve().parents[3]
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
    """The package `root / folder`, whose `parts` are changed.

    `path` are the folders that are imported from beside it.
    """

    root: Path = ROOT
    folder: str = "lambda_src/s3leader"
    path: tuple[str, ...] = ("stacks", "scripts", ".")
    parts: tuple[Part, ...] = PARTS
    equivalents: Path = KNOWN

    @property
    def modules(self) -> list[str]:
        """The names of all modules that are changed."""
        return [module for part in self.parts for module in part.modules]

    def file(self, module: str) -> Path:
        """Return the path of a module, from the package's folder."""
        return Path(self._part(module).folder) / f"{module}.py"

    def source(self, module: str) -> str:
        """Return the source of a module."""
        return (self.root / self.folder / self.file(module)).read_text()

    def test_files(self, module: str) -> list[str]:
        """Return the paths of the tests of a module, from the root."""
        patterns = self._part(module).tests
        found = (path for pattern in patterns for path in sorted(self.root.glob(pattern)))
        return [str(path.relative_to(self.root)) for path in found if path.name not in TOO_SLOW]

    def _part(self, module: str) -> Part:
        return next(part for part in self.parts if module in part.modules)


def main() -> int:
    """Try the mutants of the modules that are named, or of all of them."""
    target = Target()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help="such as ledger (default: all)"
    )
    parser.add_argument("--processes", type=int, default=2, help="at a time (default: 2)")
    asked = parser.parse_args()
    if unknown := set(asked.modules) - set(target.modules):
        parser.error(f"expected some of {', '.join(sorted(target.modules))}, got {sorted(unknown)}")
    return run(target, asked.modules or target.modules, asked.processes)


def run(target: Target, modules: Sequence[str], processes: int) -> int:
    """Print each unexplained survivor, each explanation without one, and the numbers."""
    began = time.monotonic()
    unchanged = [
        Mutant(module=module, source=target.source(module), line=0, old="", new="")
        for module in {tuple(target.test_files(each)): each for each in modules}.values()
    ]
    if len(list(survivors(target, unchanged, processes))) < len(unchanged):
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
            tests = sorted(target.test_files(mutant.module), key=late)
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
    (copy / target.file(mutant.module)).write_text(mutant.source)
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
