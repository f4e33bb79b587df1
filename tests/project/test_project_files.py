"""The files for GitHub, pre-commit and contributors name what there is."""

import ast
import os
import re

import pytest

from tests.conftest import LONGEST_FIRST
from tests.project.test_repository import ROOT

WORKFLOW, HOOKS = ".github/workflows/ci.yml", ".pre-commit-config.yaml"
PROMISES = re.compile(r"^\|.*\| `(tests/\S+?)` \|$", re.MULTILINE)


def values(file: str, key: str) -> list[str]:
    return re.findall(rf"^ +(?:- )?{key}: (.+)$", (ROOT / file).read_text(), re.MULTILINE)


def test_the_workflow_runs_what_ci_runs() -> None:
    assert values(WORKFLOW, "run") == [".ci/run"]


def test_ci_runs_scripts_test() -> None:
    assert (ROOT / ".ci/run").read_text().endswith("exec bash scripts/test\n")


def test_the_workflow_has_the_oldest_python() -> None:
    (oldest,) = re.findall(r'requires-python = ">=(.+)"', (ROOT / "pyproject.toml").read_text())
    assert values(WORKFLOW, "python-version") == [f'"{oldest}"']


def test_pre_commit_runs_scripts_lint_and_downloads_nothing() -> None:
    assert [values(HOOKS, key) for key in ("repo", "entry", "language")] == [
        ["local"],
        ["scripts/lint"],
        ["system"],
    ]


@pytest.mark.parametrize("tool", ["ruff check", "ruff format", "lint-imports", "mypy", "codespell"])
def test_lint_runs_each_tool(tool: str) -> None:
    assert tool in (ROOT / "scripts/lint").read_text()


@pytest.mark.parametrize(
    "script", [".ci/run", "scripts/test", "scripts/lint", "scripts/demo", "scripts/acceptance"]
)
def test_every_script_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


@pytest.mark.parametrize("start", LONGEST_FIRST)
def test_the_longest_files_exist(start: str) -> None:
    assert (ROOT / "tests" / start).exists()


@pytest.mark.parametrize(
    "test", sorted(set(PROMISES.findall((ROOT / "CONTRIBUTING.md").read_text())))
)
def test_a_test_that_holds_a_promise_exists(test: str) -> None:
    path, _, name = test.partition("::")
    assert (ROOT / path).exists()
    if name:
        functions = ast.walk(ast.parse((ROOT / path).read_text()))
        assert name in {each.name for each in functions if isinstance(each, ast.FunctionDef)}


def test_the_map_of_promises_is_read() -> None:
    assert len(PROMISES.findall((ROOT / "CONTRIBUTING.md").read_text())) > 10
