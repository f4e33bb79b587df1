"""The repository: its lock files, its packages, the sizes of files and functions."""

import ast
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "s3leader": "lambda_src/s3leader",
    "s3leader_cdk": "stacks/s3leader_cdk",
    "s3leader_cli": "scripts/s3leader_cli",
}
LOCKS = ["requirements.lock", "lambda_src/requirements.lock", "tests/wheel/floors.lock"]
INDEXES = ["pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com"]
PERSONAL_FOLDER = re.compile(r"(?<![\w.*])/(?:home|root|Users|work)/\w")


def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def texts(*folders: str) -> Iterator[tuple[str, str]]:
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if folders and not name.startswith(folders):
            continue
        try:
            yield name, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def sources() -> Iterator[tuple[str, str]]:
    for name, text in texts():
        if name.endswith(".py") or re.match(r"#!.*\b(?:python3?|bash|sh)\b", text):
            yield name, text


def pins(lock: str) -> dict[str, str]:
    return dict(
        re.findall(r"^([a-z0-9][a-z0-9.-]*)==([^ ;\\]+)", (ROOT / lock).read_text(), re.MULTILINE)
    )


@pytest.mark.parametrize("lock", LOCKS)
def test_a_python_lock_carries_no_address(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text()


def test_the_npm_lock_does_not_say_where_packages_come_from() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_the_npm_lock_has_a_hash_for_every_package() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_requirement_has_a_version_and_a_hash(lock: str) -> None:
    lines = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    requirements = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert [
        line[:60]
        for line in requirements
        if not re.match(r"[a-z0-9][a-z0-9.-]*==\S+ .*--hash=sha256:", line)
    ] == []


def test_the_lock_has_every_version_that_requirements_in_asks_for() -> None:
    asked = re.findall(
        r"^([\w.-]+)(?:\[\w+\])?==([^\s;]+)", (ROOT / "requirements.in").read_text(), re.MULTILINE
    )
    locked = pins("requirements.lock")
    assert {name: version for name, version in asked if locked.get(name) != version} == {}


def test_what_lambda_gets_is_what_is_tested() -> None:
    assert pins("lambda_src/requirements.lock").items() <= pins("requirements.lock").items()


def test_node_packages_are_pinned_exactly() -> None:
    asked = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    assert {k: v for k, v in asked.items() if not re.fullmatch(r"\d+\.\d+\.\d+", v)} == {}


def test_no_file_names_a_folder_of_a_machine() -> None:
    found = {name: hit[0] for name, text in texts() if (hit := PERSONAL_FOLDER.search(text))}
    assert found == {}


def test_no_tracked_file_names_a_package_index() -> None:
    found = {name: index for name, text in texts() for index in INDEXES if index in text}
    assert found == {}


@pytest.mark.parametrize("folder", PACKAGES.values())
def test_every_package_says_that_it_is_typed(folder: str) -> None:
    assert (ROOT / folder / "py.typed").is_file()


def test_the_command_line_that_the_wheel_installs_exists() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, _ = scripts["s3leader"].partition(":")
    assert (ROOT / "scripts" / Path(*module.split("."))).with_suffix(".py").is_file()


def test_no_file_is_too_long() -> None:
    sizes = {name: text.count("\n") for name, text in sources()}
    limits = {name: 400 if name.startswith("tests/") else 300 for name in sizes}
    assert {name: size for name, size in sizes.items() if size > limits[name]} == {}


def test_no_function_is_longer_than_forty_lines() -> None:
    long = {
        f"{name}:{node.lineno} {node.name}": size
        for name, text in sources()
        if name.endswith(".py") or "python" in text.partition("\n")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (size := _size(node)) > 40
    }
    assert long == {}


def _size(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of the body, without signature and docstring."""
    first, *others = node.body
    if ast.get_docstring(node) is not None:
        if not others:
            return 0
        first = others[0]
    return (node.end_lineno or first.lineno) - first.lineno + 1
