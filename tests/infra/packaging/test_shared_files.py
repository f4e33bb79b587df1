"""What several assets have in common is written once, and linked as long as it is unchanged."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from s3leader_cdk._packaging.shared_files import link, remember

NAMES = ["alpha/__init__.py", "alpha/tool", "beta.py"]


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """Return an asset whose files are remembered; one is executable."""
    folder = tmp_path / "first"
    (folder / "alpha").mkdir(parents=True)
    for name in NAMES:
        (folder / name).write_text(f"# {name}\n")
    (folder / "alpha" / "tool").chmod(0o755)
    (folder / "job.py").write_text("# not shared\n")
    remember(str(folder), folder, NAMES)
    return folder


@pytest.fixture
def second(tmp_path: Path) -> Path:
    folder = tmp_path / "second"
    folder.mkdir()
    return folder


def files(folder: Path) -> dict[str, tuple[int, str]]:
    """Return each file with its inode and content."""
    found = (each for each in folder.rglob("*") if each.is_file())
    return {
        each.relative_to(folder).as_posix(): (each.stat().st_ino, each.read_text())
        for each in found
    }


def test_a_later_asset_has_the_same_files_and_no_others(first: Path, second: Path) -> None:
    assert link(str(first), second)
    written = files(first)
    del written["job.py"]
    assert files(second) == written
    assert (second / "alpha" / "tool").stat().st_mode & 0o777 == 0o755


def test_files_are_found_after_their_folder_was_renamed(first: Path, second: Path) -> None:
    first.rename(first.with_name("asset.1"))  # as CDK does once an asset is complete
    assert link(str(first), second)
    assert len(files(second)) == 3


CHANGES: dict[str, Callable[[Path], object]] = {
    "its content": lambda first: (first / "beta.py").write_text("# other\n"),
    "its mode": lambda first: (first / "beta.py").chmod(0o600),
    "its absence": lambda first: (first / "beta.py").unlink(),
    "its folder's absence": shutil.rmtree,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nothing_is_linked_if_a_file_has_changed_in(
    change: Callable[[Path], object], first: Path, second: Path
) -> None:
    change(first)
    assert not link(str(first), second)
    assert files(second) == {}


def test_nothing_is_linked_on_a_file_system_that_cannot(
    first: Path, second: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.link, iter(range(10))

    def fail(name: str, target: str, *, src_dir_fd: int) -> None:
        if next(calls) == 2:
            raise OSError(18, "Invalid cross-device link")
        real(name, target, src_dir_fd=src_dir_fd)

    fail_is_known = {*os.supports_dir_fd, fail}
    monkeypatch.setattr(os, "supports_dir_fd", fail_is_known)
    monkeypatch.setattr(os, "link", fail)
    assert not link(str(first), second)
    assert files(second) == {}


def test_nothing_is_linked_that_was_never_written(second: Path) -> None:
    assert not link("never", second)
