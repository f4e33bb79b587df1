"""A mutation tester for the core: `scripts/check --mutate [MODULE …]`.

Changes the shipped protocol in every small way that `mutants.py` knows, and runs the fast tests
that reach the change. A mutant that survives is either a gap in the tests or equivalent: no
behaviour that matters differs. Those that are known to be equivalent are listed in
`equivalents.toml`, each with the reason. Any other survivor is printed, and so is an entry of that
list which has no survivor any more; either ends with 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.verification.mutation.mutants import Mutant, mutants
from tests.verification.mutation.trials import OPTIONS, Target, Trials

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
    "tests/fast/s3leader/test_fencing*.py",
)
# Every survivor would run these to their end, for half a minute; random tests find a gap by chance.
TOO_SLOW: Final = {
    "test_any_body.py",
    "test_over_http.py",
    "test_fencing_interleavings.py",
}
KNOWN: Final = Path(__file__).with_name("equivalents.toml")
Change = tuple[str, str, str]  # module, line before, line after


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants of the modules that are named, or of the whole core."""
    asked = _arguments(arguments)
    root = asked.root.resolve()
    target = Target(root=root, folder=asked.package, within=asked.within, path=tuple(asked.path))
    made = [
        mutant
        for module in asked.modules
        for mutant in mutants(module, target.file(module).read_text())
        if _compiles(mutant)
    ]
    tests = [
        str(path)
        for pattern in asked.tests
        for path in sorted(root.glob(pattern))
        if path.name not in TOO_SLOW
    ]
    trials = Trials(target, made, processes=asked.processes)
    began = time.monotonic()
    os.chdir(root)
    path = " ".join([str(Path(target.folder).parent), *target.path])
    code = pytest.main([*OPTIONS, "-s", "-o", f"pythonpath={path}", *tests], plugins=[trials])
    if trials.failed or code != pytest.ExitCode.OK:
        print(f"the tests fail without any change: {trials.failed[:5] or code}")
        return 2
    known = read_known(asked.equivalents, asked.modules)
    return _report(made, trials, known, time.monotonic() - began)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", default=MODULES, metavar="MODULE")
    parser.add_argument("--processes", type=int, default=2, help="at a time (default: 2)")
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--package", default="lambda_src/s3leader", help="folder of the package")
    parser.add_argument("--within", default="_core", help="its subpackage with the modules")
    parser.add_argument("--path", nargs="*", default=["stacks", "scripts", "."])
    parser.add_argument("--tests", nargs="*", default=TESTS, help="patterns of paths")
    parser.add_argument("--equivalents", type=Path, default=KNOWN)
    return parser.parse_args(arguments)


def _compiles(mutant: Mutant) -> bool:
    try:
        compile(mutant.source, mutant.module, "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def read_known(path: Path, modules: Sequence[str]) -> set[Change]:
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


def _report(made: list[Mutant], trials: Trials, known: set[Change], seconds: float) -> int:
    """Print the survivors that nobody has explained, what was explained in vain, and the sums."""
    survivors = {_change(mutant) for mutant in trials.survivors}
    unknown = [mutant for mutant in trials.survivors if _change(mutant) not in known]
    for mutant in sorted(unknown, key=lambda one: (one.module, one.first)):
        why = " (no test reaches it)" if id(mutant) in trials.unreached else ""
        print(f"\nSURVIVES  {mutant.module}.py:{mutant.first}{why}")
        print(f"  - {mutant.old}\n  + {mutant.new}")
    vain = sorted(known - survivors)
    for module, old, new in vain:
        print(f"\nNOTHING LIKE IT SURVIVES  {module} in equivalents.toml\n  - {old}\n  + {new}")
    print(f"\n{'module':<14}{'made':>6}{'killed':>8}{'equivalent':>12}{'survive':>9}")
    total, left = Counter(one.module for one in made), Counter(one.module for one in unknown)
    alive = Counter(one.module for one in trials.survivors)
    for module, number in total.items():
        same = alive[module] - left[module]
        killed = number - alive[module]
        print(f"{module:<14}{number:>6}{killed:>8}{same:>12}{left[module]:>9}")
    print(f"{total.total()} mutants in {seconds:.0f} s", flush=True)
    return 1 if unknown or vain else 0


def _change(mutant: Mutant) -> Change:
    return mutant.module, mutant.old, mutant.new


if __name__ == "__main__":
    sys.exit(main())
