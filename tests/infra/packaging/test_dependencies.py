"""Dependencies are installed for Lambda whatever the machine is set to, by pip or by uv."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from s3leader_cdk import StagingError
from s3leader_cdk._packaging import dependencies
from s3leader_cdk._packaging.asset import locate_runtime
from s3leader_cdk._packaging.dependencies import Installation, install
from s3leader_cdk._packaging.installer_settings import pip_environment, uv_environment
from s3leader_cdk._packaging.platforms import Platform
from s3leader_cdk._packaging.requirement_lines import Line
from s3leader_cdk._packaging.staging import ARCHITECTURE, PYTHON
from tests.infra.packaging.wheels import lock, wheel

ON_LAMBDA = Platform(python=PYTHON.name.removeprefix("python"), architecture=ARCHITECTURE.name)


def installed(requirements: Path, output: Path) -> dict[str, bytes]:
    lines = [Line(each, each) for each in requirements.read_text().splitlines()]
    install(
        Installation(source=requirements, lines=lines, platform=ON_LAMBDA, complete=True), output
    )
    files = (path for path in output.rglob("*") if path.is_file())
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    "tags",
    [
        "py3-none-any",
        "cp314-cp314-manylinux2014_aarch64",
        "cp314-cp314-manylinux_2_34_aarch64",
        "cp39-abi3-manylinux_2_28_aarch64",
    ],
)
def test_every_wheel_that_lambda_can_run_is_installed(
    tags: str, installer: str, wheels: Path, tmp_path: Path
) -> None:
    requirements = lock(tmp_path, wheel(wheels, tags))
    assert "numbers_of/__init__.py" in installed(requirements, tmp_path / "output")


@pytest.mark.parametrize(
    "tags",
    [
        "cp314-cp314-manylinux_2_35_aarch64",
        "cp314-cp314-manylinux_2_28_x86_64",
        "cp313-cp313-any",
    ],
)
def test_a_wheel_that_lambda_cannot_run_is_refused(
    tags: str, installer: str, wheels: Path, tmp_path: Path
) -> None:
    requirements = lock(tmp_path, wheel(wheels, tags))
    with pytest.raises(StagingError, match=r"could not install .*for Lambda"):
        installed(requirements, tmp_path / "output")


def test_a_wheel_that_is_not_the_locked_one_is_refused(
    installer: str, wheels: Path, tmp_path: Path
) -> None:
    requirements = lock(tmp_path, wheel(wheels, "py3-none-any"))
    with zipfile.ZipFile(wheels / "numbers_of-1.0-py3-none-any.whl", "a") as archive:
        archive.writestr("numbers_of/more.py", "")
    with pytest.raises(StagingError, match=r"(?i)hash"):
        installed(requirements, tmp_path / "output")


def test_the_lock_has_no_conditions_which_pip_would_judge_by_this_machine() -> None:
    assert ";" not in locate_runtime().requirements.read_text()


LEAKS = {
    "PIP_USER": "1",
    "PIP_PREFIX": "/nowhere",
    "PIP_TARGET": "nowhere",
    "PIP_ROOT": "/nowhere",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_CONSTRAINT": "too-old.txt",
    "PIP_NO_BINARY": ":all:",
    "PIP_DRY_RUN": "1",
    "PIP_ABI": "cp39",
    "PIP_PLATFORM": "win32",
    "PIP_PYTHON": "/nowhere",
    "PIP_QUIET": "3",
    "PIP_LOG": "/nowhere/log",
    "UV_PREFIX": "/nowhere",
    "UV_CONSTRAINT": "too-old.txt",
    "UV_NO_BINARY": "1",
    "UV_PYTHON": "3.1",
    "UV_COMPILE_BYTECODE": "1",
    "UV_LINK_MODE": "symlink",
    "PYTHONPATH": "shadows",
    "PYTHONHOME": "/nowhere",
}


@pytest.fixture
def plain(wheels: Path, tmp_path: Path) -> tuple[Path, Mapping[str, bytes]]:
    requirements = lock(tmp_path, wheel(wheels, "py3-none-any"))
    (tmp_path / "too-old.txt").write_text("numbers_of<1\n")
    (tmp_path / "shadows").mkdir()
    (tmp_path / "shadows" / "json.py").write_text("raise RuntimeError('shadowed')\n")
    return requirements, installed(requirements, tmp_path / "plain")


def test_variables_and_modules_beside_the_app_do_not_change_the_installation(
    installer: str,
    plain: tuple[Path, Mapping[str, bytes]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requirements, expected = plain
    for name, value in LEAKS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path / "shadows")
    assert installed(requirements, tmp_path / "output") == expected


FILES = {
    "pip.conf": "[global]\nuser = true\nconstraint = too-old.txt\n[install]\nprefix = /nowhere\n",
    "uv.toml": 'pip = { prefix = "/nowhere", no-binary = [":all:"], compile-bytecode = true }\n'
    'constraint-dependencies = ["numbers-of<1"]\n',
    "pyproject.toml": '[tool.uv]\noverride-dependencies = ["numbers-of==2"]\n',
}


@pytest.mark.parametrize("file", FILES)
def test_configuration_files_do_not_change_the_installation(
    file: str,
    installer: str,
    plain: tuple[Path, Mapping[str, bytes]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requirements, expected = plain
    (tmp_path / file).write_text(FILES[file])
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert installed(requirements, tmp_path / "output") == expected


def test_pip_uses_the_sources_of_its_configuration_file(
    plain: tuple[Path, Mapping[str, bytes]],
    wheels: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requirements, expected = plain
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.delenv("PIP_NO_INDEX")
    (tmp_path / "pip.conf").write_text(
        f"[global]\nfind-links = /elsewhere\n  {wheels}\nno-index = true\nquiet = 3\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert installed(requirements, tmp_path / "output") == expected


@pytest.mark.parametrize("file", ["uv.toml", "pyproject.toml", "home/.config/uv/uv.toml"])
def test_uv_uses_the_sources_of_its_configuration_file(
    file: str,
    plain: tuple[Path, Mapping[str, bytes]],
    wheels: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requirements, expected = plain
    monkeypatch.setattr(dependencies, "_has_pip", lambda: False)
    monkeypatch.delenv("UV_FIND_LINKS")
    monkeypatch.delenv("UV_NO_INDEX")
    table = "[tool.uv]\n" if file == "pyproject.toml" else ""
    found = os.path.relpath(wheels, (tmp_path / file).parent)
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(f'{table}find-links = ["{found}"]\nno-index = true\n')
    assert installed(requirements, tmp_path / "output") == expected


SOURCES = ["INDEX_URL", "FIND_LINKS", "KEYRING_PROVIDER", "CACHE_DIR"]
SETTINGS = [f"{installer}_{name}" for installer in ("PIP", "UV") for name in SOURCES]


@pytest.mark.parametrize("name", [*SETTINGS, "HTTPS_PROXY", "SSL_CERT_FILE", "NETRC"])
def test_settings_for_sources_and_transport_are_kept(name: str, tmp_path: Path) -> None:
    variables = {name: "x", "HOME": str(tmp_path)}
    assert pip_environment(variables, "")[name] == uv_environment(variables, tmp_path)[name] == "x"


def test_pip_s_variables_come_before_its_files() -> None:
    listed = "global.index-url='first'\ninstall.index-url='second'\nglobal.proxy='third'\n"
    found = pip_environment({"PIP_INDEX_URL": "mine"}, listed)
    assert (found["PIP_INDEX_URL"], found["PIP_PROXY"]) == ("mine", "third")


def test_indexes_of_a_uv_project_are_kept_unless_they_are_explicit(
    tmp_path: Path,
) -> None:
    (tmp_path / "uv.toml").write_text(
        '[[index]]\nname = "acme"\nurl = "https://acme/simple"\ndefault = true\n'
        '[[index]]\nurl = "https://more/simple"\n'
        '[[index]]\nname = "torch"\nurl = "https://torch/simple"\nexplicit = true\n'
    )
    found = uv_environment({"HOME": str(tmp_path)}, tmp_path / "deep")
    assert (found["UV_DEFAULT_INDEX"], found["UV_INDEX"]) == (
        "acme=https://acme/simple",
        "https://more/simple",
    )


def test_a_file_that_uv_cannot_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "uv.toml").write_text("index-url = \n")
    with pytest.raises(StagingError, match=r"uv's settings cannot be read from .*uv\.toml"):
        uv_environment({"HOME": str(tmp_path)}, tmp_path)


@pytest.fixture
def without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "environment"
    subprocess.run(["uv", "venv", "--quiet", "--no-config", folder], check=True)
    monkeypatch.setattr(sys, "executable", str(folder / "bin" / "python"))
    return folder


@pytest.mark.parametrize("place", ["on the PATH", "beside the interpreter", "by `uv run`"])
def test_without_pip_uv_is_found(
    place: str,
    plain: tuple[Path, Mapping[str, bytes]],
    without_pip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requirements, expected = plain
    uv = shutil.which("uv")
    assert uv is not None
    if place != "on the PATH":
        monkeypatch.setenv("PATH", "/nowhere")
    if place == "by `uv run`":
        monkeypatch.setenv("UV", uv)
    elif place == "beside the interpreter":
        (without_pip / "bin" / "uv").symlink_to(uv)
    assert installed(requirements, tmp_path / "output") == expected


def test_neither_pip_nor_uv_is_a_clear_error(
    without_pip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("UV", raising=False)
    with pytest.raises(StagingError, match=r"neither pip nor uv was found .*ensurepip"):
        installed(lock(tmp_path, wheel(tmp_path, "py3-none-any")), tmp_path / "output")
