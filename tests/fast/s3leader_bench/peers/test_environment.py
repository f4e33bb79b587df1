from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from s3leader_bench.peers import environment


def test_every_requirement_is_pinned() -> None:
    lines = [line for line in environment.requirements().splitlines() if line[:1] != "#"]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==\d[\d.]*", line)] == []


def test_all_libraries_get_the_boto3_of_this_project() -> None:
    assert f"\nboto3=={version('boto3')}\n" in environment.requirements()


def test_a_missing_environment_is_not_ready(tmp_path: Path) -> None:
    assert not environment.is_ready(tmp_path / "none")


def test_making_runs_pip_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(environment, "_run", commands.append)
    said: list[str] = []
    for _ in range(2):
        environment.make(tmp_path, said.append)
    assert [command[2] for command in commands] == ["venv", "pip"]
    assert len(said) == 1
    assert environment.versions(tmp_path)["dynalock"] == "0.3.0"


def test_an_interrupted_installation_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(command: list[str]) -> None:
        if "pip" in command:
            raise RuntimeError("no index")

    monkeypatch.setattr(environment, "_run", fail)
    with pytest.raises(RuntimeError, match="no index"):
        environment.make(tmp_path, lambda _: None)
    assert not environment.is_ready(tmp_path)


def test_other_versions_are_installed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_run", lambda _: None)
    environment.make(tmp_path, lambda _: None)
    monkeypatch.setattr(environment, "requirements", lambda: "boto3==1.0\n")
    assert not environment.is_ready(tmp_path)


def test_a_failure_says_what_is_needed_and_what_pip_said() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)a package index that pip can reach.*no-such-file"):
        environment._run(["ls", "no-such-file"])
