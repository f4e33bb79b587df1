"""The mutation tester tells kills from survivors, on one small module of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.verification.mutation import run
from tests.verification.mutation.mutants import mutants

MODULE = '''\
"""A sample."""

LIMIT = 3


def within(number: int) -> bool:
    return number < LIMIT


def label(number: int) -> str:
    if number > 100:
        number = 100
    return f"number {number}"
'''
TESTS = """\
from sample.small import within


def test_within():
    assert within(2)
    assert not within(4)
"""
BOUNDARY = ["return number < LIMIT", "return number <= LIMIT"]


def made(source: str) -> set[str]:
    return {mutant.new for mutant in mutants("m", source)}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {
        "lib/sample/__init__.py": "",
        "lib/sample/small.py": MODULE,
        "tests/test_small.py": TESTS,
        "known.toml": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def tried(project: Path) -> tuple[int, str]:
    """Run the tool in a process of its own: it takes over the one that it runs in."""
    command = [
        *(run.__name__, "small", "--root", str(project), "--package", "lib/sample"),
        *("--within", ""),
        *("--path", ".", "--tests", "tests/test_*.py"),
        *("--equivalents", str(project / "known.toml")),
    ]
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=run.ROOT,
        env={**os.environ, "PYTHONPATH": str(run.ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def known(project: Path, *entries: list[str], reason: str = "as good as the other") -> None:
    pairs = ", ".join(f"['''{old}''', '''{new}''']" for old, new in entries)
    (project / "known.toml").write_text(
        f'[[equivalent]]\nmodule = "small"\nreason = "{reason}"\nmutants = [{pairs}]\n'
    )


def test_kills_and_survivors_are_told_apart(project: Path) -> None:
    code, told = tried(project)
    survivors = {line for line in told.splitlines() if line.startswith("  + ")}
    assert code == 1
    assert "  + return number <= LIMIT" in survivors  # a gap in the tests
    assert "  + LIMIT = 4" in survivors  # evaluated on import
    assert "  + return number >= LIMIT" not in survivors
    assert "  + LIMIT = 2" not in survivors
    assert "small.py:11 (no test reaches it)" in told


UNNOTICED = [
    BOUNDARY,
    ["LIMIT = 3", "LIMIT = 4"],
    *(["if number > 100:", f"if {test}:"] for test in ("number >= 100", "number <= 100")),
    *(["if number > 100:", f"if {test}:"] for test in ("number > 101", "number > 99")),
    *(["if number > 100:", f"if {test}:"] for test in ("True", "False")),
    *(["number = 100", new] for new in ("pass", "number = 101", "number = 99")),
    ['return f"number {number}"', "return None"],
]


def test_survivors_that_are_explained_pass(project: Path) -> None:
    known(project, *UNNOTICED)
    code, told = tried(project)
    assert (code, "SURVIVES" in told) == (0, False), told


def test_an_explanation_without_a_survivor_fails(project: Path) -> None:
    known(project, *UNNOTICED, ["return number < MOST", "return number <= MOST"])
    code, told = tried(project)
    assert (code, "NOTHING LIKE IT SURVIVES" in told) == (1, True), told


def test_an_explanation_needs_a_reason(project: Path) -> None:
    known(project, BOUNDARY, reason=" ")
    with pytest.raises(ValueError, match="without a reason"):
        run.read_known(project / "known.toml", ["small"])


def test_tests_that_fail_without_any_change_prove_nothing(project: Path) -> None:
    (project / "tests/test_small.py").write_text(TESTS.replace("not ", ""))
    assert tried(project)[0] == 2


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("x = a < b\n", {"x = a <= b", "x = a >= b", "pass"}),
        ("x = a and not b\n", {"x = a or not b", "x = a and b", "pass"}),
        ("x = min(a, 2)\n", {"x = max(a, 2)", "x = min(a, 3)", "x = min(a, 1)", "pass"}),
        ("raise Lost\n", {"pass"}),
        ("x = 1 if a else 0\n", {"x = 1 if True else 0", "x = 1 if False else 0"}),
        ("def f():\n    return x\n", {"return None"}),
    ],
)
def test_each_operator_makes_its_changes(source: str, changes: set[str]) -> None:
    assert changes <= made(source)


@pytest.mark.parametrize(
    "source",
    [
        '"""Text."""\n',
        'x: "int < 3"\n',
        "if TYPE_CHECKING:\n    x = 1\n",
        "@cache(3)\nclass A: ...\n",
    ],
)
def test_what_decides_nothing_is_left_alone(source: str) -> None:
    assert made(source) <= {"pass"}
