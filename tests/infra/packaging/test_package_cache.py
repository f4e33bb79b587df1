"""An installation in the cache is used if it is whole, and made once otherwise."""

import threading
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from s3leader_cdk import StagingError
from s3leader_cdk._packaging import package_cache
from s3leader_cdk._packaging.dependencies import Installation
from s3leader_cdk._packaging.package_cache import extract, installed
from s3leader_cdk._packaging.platforms import Platform
from s3leader_cdk._packaging.requirement_lines import Line

WANTED = Installation(
    source=Path("requirements.txt"),
    lines=[Line("alpha==1", "alpha==1")],
    platform=Platform(python="3.14", architecture="arm64"),
)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Replace the installer; return a list of the folders that it is run for."""
    found: list[Path] = []

    def install(wanted: Installation, output: Path) -> None:
        found.append(output)
        (output / "alpha").mkdir()
        (output / "alpha" / "__init__.py").write_text("VERSION = 1\n" * 100)
        (output / "alpha" / "tool").touch(mode=0o700)

    monkeypatch.setattr(package_cache, "install", install)
    return found


def content(output: Path) -> dict[str, str]:
    """Return the names and modes of what is installed."""
    with installed(WANTED) as archive:
        extract(archive, output, without=frozenset())
    files = (each for each in output.rglob("*") if each.is_file())
    return {each.name: f"{each.stat().st_mode & 0o777:o}" for each in files}


def damaged(entry: Path) -> None:
    whole = entry.read_bytes()
    entry.write_bytes(whole.replace(b"VERSION = 1", b"VERSION = 2", 1))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a byte is wrong": damaged,
    "its end is missing": lambda entry: entry.write_bytes(entry.read_bytes()[:-100]),
    "it is empty": lambda entry: entry.write_bytes(b""),
}


def test_an_installation_is_made_once(runs: list[Path], tmp_path: Path) -> None:
    assert (
        content(tmp_path / "1") == content(tmp_path / "2") == {"__init__.py": "644", "tool": "755"}
    )
    assert len(runs) == 1


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_an_entry_is_replaced_if(
    damage: Callable[[Path], object], runs: list[Path], packages: Path, tmp_path: Path
) -> None:
    expected = content(tmp_path / "1")
    (entry,) = packages.iterdir()
    damage(entry)
    assert content(tmp_path / "2") == expected
    assert content(tmp_path / "3") == expected
    assert len(runs) == 2


def test_an_installation_that_fails_leaves_nothing(
    packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(wanted: Installation, output: Path) -> None:
        (output / "half.py").touch()
        raise StagingError("no wheel")

    monkeypatch.setattr(package_cache, "install", fail)
    with pytest.raises(StagingError, match="no wheel"), installed(WANTED):
        pass
    assert list(packages.iterdir()) == []


def test_two_synths_at_once_use_whole_entries(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2)
    names: list[Path] = []

    def install(wanted: Installation, output: Path) -> None:
        both.wait(60)  # neither has an entry yet
        (output / "alpha.py").write_text("VERSION = 1\n")
        names.append(output)

    monkeypatch.setattr(package_cache, "install", install)
    found: list[dict[str, str]] = []

    def synthesize(output: Path) -> None:
        found.append(content(output))

    threads = [threading.Thread(target=synthesize, args=[tmp_path / name]) for name in "12"]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert (found, len(names)) == ([{"alpha.py": "644"}] * 2, 2)
    (entry,) = packages.iterdir()
    with ZipFile(entry) as archive:
        assert archive.testzip() is None


def test_without_a_cache_that_can_be_written_it_is_installed_each_time(
    runs: list[Path], packages: Path, tmp_path: Path
) -> None:
    packages.write_text("no folder")
    assert content(tmp_path / "1") == content(tmp_path / "2")
    assert len(runs) == 2


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"S3LEADER_CACHE_DIR": "own", "XDG_CACHE_HOME": "xdg", "HOME": "home"}, "own"),
        ({"XDG_CACHE_HOME": "xdg", "HOME": "home"}, "xdg/s3leader"),
        ({"HOME": "home"}, "home/.cache/s3leader"),
    ],
)
def test_the_cache_is_in(
    variables: dict[str, str],
    expected: str,
    runs: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("S3LEADER_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    content(tmp_path / "output")
    assert [each.suffix for each in (tmp_path / expected).iterdir()] == [".zip"]
