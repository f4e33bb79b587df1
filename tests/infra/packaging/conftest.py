"""A job's folder and a runtime library, each with few files."""

from pathlib import Path

import pytest

from s3leader_cdk._packaging.asset import RuntimeSource


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
