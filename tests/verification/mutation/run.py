"""A mutation tester for the core: `scripts/check --mutate [MODULE …]`.

Changes the shipped protocol in every small way that `mutants.py` knows, and runs the fast tests. A
mutant that survives is either a gap in the tests or equivalent: no behaviour that matters differs.
Those that are known to be equivalent are listed in `equivalents.toml`, each with the reason. Any
other survivor is printed, and so is an entry of that list that has no survivor; either exits with
1.
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.verification.mutation.mutants import Mutant, mutants
from tests.verification.mutation.trials import Target, Trials

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
# Each survivor would run these to their end, for half a minute; random tests find a gap by chance.
TOO_SLOW: Final = {
    "test_any_body.py",
    "test_over_http.py",
}
KNOWN: Final = Path(__file__).with_name("equivalents.toml")
Change = tuple[str, str, str]  # module, line before, line after


def main() -> int:
    """Try the mutants of the modules that are named, or of the whole core."""
    asked = _arguments()
    root = asked.root.resolve()
    found = (path for pattern in asked.tests for path in sorted(root.glob(pattern)))
    tests = tuple(str(path.relative_to(root)) for path in found if path.name not in TOO_SLOW)
    target = Target(
        root=root, folder=asked.package, within=asked.within, path=tuple(asked.path), tests=tests
    )
    trials, began = Trials(target, asked.processes), time.monotonic()
    sources = {module: target.file(module).read_text() for module in asked.modules}
    module, source = next(iter(sources.items()))
    if not trials.survives(Mutant(module=module, source=source, line=0, old="", new="")):
        print("the tests fail without any change")
        return 2
    made = [one for module, source in sources.items() for one in mutants(module, source)]
    code = _report(made, trials, read_known(asked.equivalents, asked.modules))
    print(f"{len(made)} mutants in {time.monotonic() - began:.0f} s", flush=True)
    return code


def _arguments() -> argparse.Namespace:
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
    return parser.parse_args()


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


def _report(made: list[Mutant], trials: Trials, known: set[Change]) -> int:
    """Print each unexplained survivor, each explanation without one, and the numbers."""
    equivalent: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    vain = set(known)
    for mutant in trials.survivors(made):
        change = (mutant.module, mutant.old, mutant.new)
        vain.discard(change)
        if change in known:
            equivalent[mutant.module] += 1
            continue
        unknown[mutant.module] += 1
        where = f"{mutant.module}.py:{mutant.line}"
        print(f"\nSURVIVES  {where}\n  - {mutant.old}\n  + {mutant.new}", flush=True)
    for module, old, new in sorted(vain):
        print(f"\nNOTHING LIKE IT SURVIVES  {module} in equivalents.toml\n  - {old}\n  + {new}")
    print(f"\n{'module':<18}{'made':>6}{'killed':>8}{'equivalent':>12}{'survive':>9}")
    for module, number in Counter(one.module for one in made).items():
        same, left = equivalent[module], unknown[module]
        print(f"{module:<18}{number:>6}{number - same - left:>8}{same:>12}{left:>9}")
    return 1 if unknown or vain else 0


if __name__ == "__main__":
    sys.exit(main())
