"""An app with many jobs installs, verifies, reads and writes what they share once."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from s3leader_cdk._packaging import package_cache, staging
from s3leader_cdk._packaging.asset import list_job
from s3leader_cdk._packaging.dependencies import Installation
from s3leader_cdk._packaging.folder_files import ShippedFile
from s3leader_cdk._packaging.platforms import Platform
from s3leader_cdk._packaging.requirement_lines import Line
from s3leader_cdk._packaging.staging import RuntimeSource

JOBS = 5


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Return the counts of installer runs, archives and files; the installer is replaced."""
    done: Counter[str] = Counter()

    def install(wanted: Installation, output: Path) -> None:
        done["installer"] += 1
        for line in wanted.lines:
            (output / f"{line.text}.py").write_text(line.text)

    def counting(module: Any, name: str) -> None:
        real = getattr(module, name)

        def counted(*args: Any, **options: Any) -> Any:
            done[name] += 1
            return real(*args, **options)

        monkeypatch.setattr(module, name, counted)

    monkeypatch.setattr(package_cache, "install", install)
    counting(package_cache, "installed")
    counting(package_cache, "extract")
    counting(shutil, "copyfile")
    counting(ShippedFile, "digest")
    return done


def required(name: str) -> Installation:
    platform = Platform(python="3.14", architecture="arm64")
    return Installation(
        source=Path("requirements.txt"), lines=[Line(name, name)], platform=platform
    )


def stage_jobs(tmp_path: Path, runtime: RuntimeSource, requirements: list[str]) -> list[Path]:
    """Stage a job for each of the requirements, each in a folder of its own; return the assets."""
    outputs = []
    for number, each in enumerate(requirements):
        folder = tmp_path / f"job{number}"
        folder.mkdir()
        (folder / "main.py").write_text("")
        job, output = list_job(folder), tmp_path / f"output{number}"
        staging.content_hash(job, runtime, required(each))
        output.mkdir()
        staging.stage(job, runtime, output, required(each))
        outputs.append(output)
    return outputs


def test_jobs_with_equal_requirements_cost_one_installer_run_and_their_own_files(
    tmp_path: Path, runtime: RuntimeSource, work: Counter[str]
) -> None:
    runtime.requirements.write_text("powertools==3 --hash=sha256:aa\n")
    outputs = stage_jobs(tmp_path, runtime, ["alpha"] * JOBS)
    assert work == {
        "installer": 2,  # of the runtime's dependencies and of the jobs'
        "installed": 2,
        "extract": 2,
        "copyfile": 2 + JOBS,  # the runtime has two files
        "digest": 2 + JOBS,
    }
    assert all((each / "alpha.py").read_text() == "alpha" for each in outputs)


def test_each_job_with_other_requirements_costs_one_installer_run(
    tmp_path: Path, runtime: RuntimeSource, work: Counter[str]
) -> None:
    outputs = stage_jobs(tmp_path, runtime, [f"alpha{number}" for number in range(JOBS)])
    assert (work["installer"], work["extract"]) == (JOBS + 1, JOBS + 1)
    assert [len([*each.glob("alpha*.py")]) for each in outputs] == [1] * JOBS


def test_a_second_synth_runs_no_installer(
    tmp_path: Path, runtime: RuntimeSource, work: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage_jobs(tmp_path, runtime, ["alpha", "beta"])
    monkeypatch.setattr(staging, "_packages", {})  # as another process
    monkeypatch.setattr("s3leader_cdk._packaging.shared_files._written", {})
    (tmp_path / "again").mkdir()
    stage_jobs(tmp_path / "again", runtime, ["alpha", "beta"])
    assert work["installer"] == 3


def test_an_asset_that_is_changed_afterwards_does_not_change_later_ones(
    tmp_path: Path, runtime: RuntimeSource, work: Counter[str]
) -> None:
    (before,) = stage_jobs(tmp_path, runtime, ["alpha"])
    (before / "alpha.py").write_text("patched")
    (before / "s3leader" / "inner" / "lock.py").write_text("patched")
    (tmp_path / "later").mkdir()
    (later,) = stage_jobs(tmp_path / "later", runtime, ["alpha"])
    assert (later / "alpha.py").read_text() == "alpha"
    assert (later / "s3leader" / "inner" / "lock.py").read_text() == "TERM = 1\n"
    assert work["installer"] == 2
