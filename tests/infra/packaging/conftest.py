"""A job's folder and a runtime library, each with few files."""

import os
from pathlib import Path

import pytest

from s3leader_cdk._packaging import dependencies
from s3leader_cdk._packaging.staging import RuntimeSource


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of this test's own cache of installations."""
    monkeypatch.setenv("S3LEADER_CACHE_DIR", str(tmp_path / "packages"))
    return tmp_path / "packages"


@pytest.fixture
def job(tmp_path: Path) -> Path:
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "main.py").write_text("def handler(event, context): ...\n")
    return folder


@pytest.fixture
def runtime(tmp_path: Path) -> RuntimeSource:
    package = tmp_path / "s3leader"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "inner" / "lock.py").write_text("TERM = 1\n")
    requirements = tmp_path / "requirements.lock"
    requirements.write_text("# nothing to install\n")
    return RuntimeSource(package=package, requirements=requirements)


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is the only source of packages, by the settings of this machine."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in [each for each in os.environ if each.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(folder))
    for name in ("PIP_NO_INDEX", "UV_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return folder


@pytest.fixture(params=["pip", "uv"])
def installer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "uv":
        monkeypatch.setattr(dependencies, "_has_pip", lambda: False)
    return str(request.param)
