import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from s3leader_cdk import StagingError, job_code
from s3leader_cdk._packaging import staging
from s3leader_cdk._packaging.asset import list_job, locate_runtime
from s3leader_cdk._packaging.staging import RuntimeSource

Change = Callable[[Path, RuntimeSource], object]


def content_hash(job: Path, runtime: RuntimeSource) -> str:
    # A copy, because a source reads its files once.
    return staging.content_hash(list_job(job), replace(runtime))


def touch(job: Path, runtime: RuntimeSource) -> None:
    for path in (job / "main.py", runtime.package / "__init__.py", runtime.requirements):
        os.utime(path, (1, 1))


def compile_python(job: Path, runtime: RuntimeSource) -> None:
    for folder in (job, runtime.package / "inner"):
        (folder / "__pycache__").mkdir()
        (folder / "__pycache__" / "main.cpython-314.pyc").write_bytes(b"compiled")
        (folder / "stray.pyc").write_bytes(b"compiled")


@pytest.mark.parametrize("change", [touch, compile_python])
def test_hash_stays_while_names_and_contents_do(
    job: Path, runtime: RuntimeSource, change: Change
) -> None:
    before = content_hash(job, runtime)
    change(job, runtime)
    assert content_hash(job, runtime) == before


CHANGES: dict[str, Change] = {
    "one byte of the job": lambda job, _: (job / "main.py").write_text("def handler(event): ."),
    "one byte of the runtime": lambda _, runtime: (runtime.package / "inner/lock.py").write_text(
        "TERM = 2\n"
    ),
    "one byte of the lock file": lambda _, runtime: runtime.requirements.write_text("# nothing\n"),
    "the name of a file": lambda job, _: (job / "main.py").rename(job / "handle.py"),
    "the folder of a file": lambda _, runtime: (runtime.package / "inner").rename(
        runtime.package / "outer"
    ),
    "the x bit of a file": lambda job, _: (job / "main.py").chmod(0o755),
    "an empty file more": lambda job, _: (job / "empty.py").touch(),
    "a file less": lambda _, runtime: (runtime.package / "inner/lock.py").unlink(),
    "a byte from content to name": lambda job, _: (
        (job / "main.py").rename(job / "main.pyd").write_text("ef handler(event, context): ...\n")
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_hash_changes_with(job: Path, runtime: RuntimeSource, change: Change) -> None:
    before = content_hash(job, runtime)
    change(job, runtime)
    assert content_hash(job, runtime) != before


def test_hash_changes_with_the_name_under_which_the_job_is_shipped(
    job: Path, runtime: RuntimeSource
) -> None:
    before = content_hash(job, runtime)
    assert content_hash(job.rename(job.with_name("other")), runtime) != before


def test_hash_is_the_same_wherever_the_files_are(
    job: Path, runtime: RuntimeSource, tmp_path: Path
) -> None:
    before = content_hash(job, runtime)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = replace(runtime, package=runtime.package.rename(elsewhere / "s3leader"))
    assert content_hash(job.rename(elsewhere / "job"), moved) == before


def test_job_and_runtime_are_staged_under_their_names_and_nothing_compiled(
    job: Path, runtime: RuntimeSource, tmp_path: Path
) -> None:
    compile_python(job, runtime)
    output = tmp_path / "output"
    output.mkdir()
    staging.stage(list_job(job), runtime, output)
    staged = sorted(str(path.relative_to(output)) for path in output.rglob("*") if path.is_file())
    assert staged == ["job/main.py", "s3leader/__init__.py", "s3leader/inner/lock.py"]


def test_the_checkout_s_own_runtime_is_found_first() -> None:
    root = Path(__file__).parents[3] / "lambda_src"
    assert locate_runtime() == RuntimeSource(
        package=root / "s3leader", requirements=root / "requirements.lock"
    )


@pytest.fixture
def constructs(runtime: RuntimeSource, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of constructs that are installed beside the runtime, which is not run."""
    (runtime.package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    folder = runtime.package.parent / "s3leader_cdk"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder.parent)])
    monkeypatch.delitem(sys.modules, "s3leader", raising=False)
    return folder


def test_an_installed_runtime_is_found_and_not_imported(
    runtime: RuntimeSource, constructs: Path
) -> None:
    (constructs / "requirements.lock").touch()
    found = locate_runtime(constructs)
    assert (found.package, found.requirements.parent) == (runtime.package, constructs)


def test_a_missing_runtime_is_refused_with_what_to_install(
    constructs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(StagingError, match=r"pip install s3leader\[cdk\]"):
        locate_runtime(constructs)


def test_an_installation_without_its_lock_file_is_refused(constructs: Path) -> None:
    with pytest.raises(StagingError, match=r"requirements\.lock is missing"):
        locate_runtime(constructs)


@pytest.mark.parametrize("name", ["my-job", "s3leader"])
def test_a_folder_that_cannot_be_a_package_of_its_own_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with pytest.raises(ValueError, match=f"code folder '{name}' cannot be shipped"):
        job_code(folder)


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        job_code(tmp_path / "nowhere")
