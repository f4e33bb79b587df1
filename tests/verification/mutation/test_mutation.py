"""The mutation tester tells kills from survivors, on one small module of its own."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.verification.mutation.mutants import mutants
from tests.verification.mutation.parts import Part
from tests.verification.mutation.run import Target, read_known, run

MODULE = '''\
"""A sample."""

LIMIT = 3


def within(number: int) -> bool:
    return number < LIMIT
'''
TESTS = """\
from sample.small import within


def test_within():
    assert within(2)
    assert not within(4)
"""
BOUNDARY = ["return number < LIMIT", "return number <= LIMIT"]
ON_IMPORT = ["LIMIT = 3", "LIMIT = 4"]
ABSENT = ["return number < MOST", "return number <= MOST"]


def run_on_sample(root: Path, *known: list[str], tests: str = TESTS) -> int:
    for name, text in {
        "lib/sample/__init__.py": "",
        "lib/sample/small.py": MODULE,
        "tests/test_small.py": tests,
        "pytest.ini": "[pytest]\nfilterwarnings = error",
        "known.toml": f'[[equivalent]]\nmodule = "small"\nreason = "why"\nmutants = {[*known]}\n',
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    target = Target(
        root=root,
        folder="lib/sample",
        path=(".",),
        parts=(Part(folder="", modules=("small",), tests=("tests/test_*.py",)),),
        equivalents=root / "known.toml",
    )
    return run(target, ["small"], 2)


def test_unexplained_survivors_and_unneeded_explanations_are_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, output = run_on_sample(tmp_path, ABSENT), capsys.readouterr().out
    reported = {line[4:] for line in output.splitlines() if line.startswith("  + ")}
    assert (code, reported) == (1, {BOUNDARY[1], ON_IMPORT[1], ABSENT[1]}), output


def test_explained_survivors_pass(tmp_path: Path) -> None:
    assert run_on_sample(tmp_path, BOUNDARY, ON_IMPORT) == 0


def test_an_explanation_needs_a_reason(tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    known.write_text('[[equivalent]]\nmodule = "small"\nreason = " "\nmutants = []\n')
    with pytest.raises(ValueError, match="without a reason"):
        read_known(known, ["small"])


def test_tests_that_fail_without_any_change_prove_nothing(tmp_path: Path) -> None:
    assert run_on_sample(tmp_path, tests=TESTS.replace("not ", "")) == 2


def test_each_module_is_one_of_the_package_has_tests_and_is_in_one_part() -> None:
    target = Target()
    assert len(set(target.modules)) == len(target.modules)
    for module in target.modules:
        assert target.source(module)
        assert target.test_files(module)


def test_explanations_are_of_modules_that_are_changed() -> None:
    target = Target()
    entries = tomllib.loads(target.equivalents.read_text())["equivalent"]
    assert {entry["module"] for entry in entries} <= set(target.modules)


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("x = a < b\n", {"x = a <= b", "x = a >= b", "pass"}),
        ("x = a and not b\n", {"x = a or not b", "x = a and b", "pass"}),
        ("x = min(a, 2)\n", {"x = max(a, 2)", "x = min(a, 3)", "x = min(a, 1)", "pass"}),
        ("raise Lost\n", {"pass"}),
        ("x = 1 if a else 0\n", {"x = 1 if True else 0", "x = 1 if False else 0"}),
        ("def f(a=1):\n    return x\n", {"return None", "def f(a=2):"}),
    ],
)
def test_each_operator_makes_its_changes(source: str, changes: set[str]) -> None:
    assert changes <= {mutant.new for mutant in mutants("m", source)}


@pytest.mark.parametrize(
    "source",
    [
        '"""Text."""\n',
        'x: "int < 3"\n',
        "def f(x: A[3]) -> B[3]: ...\n",
        "if TYPE_CHECKING:\n    x = 1\n",
        "@cache(3)\nclass A: ...\n",
    ],
)
def test_what_decides_nothing_is_not_changed(source: str) -> None:
    assert {mutant.new for mutant in mutants("m", source)} <= {"pass"}
