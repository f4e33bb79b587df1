"""Installations for Lambda, kept on this machine so that each is made once.

An entry is one uncompressed archive, whose name says what was installed: the lines, the platform
and the layout. It is moved into place when it is complete, so any number of synths may share the
cache. Its checksums are verified each time it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from s3leader_cdk._packaging.dependencies import Installation, install

VARIABLE = "S3LEADER_CACHE_DIR"
# Part of every name: increase it when the same lines lead to another archive.
_LAYOUT = "1"
_EXECUTABLE = 0o100


def key(wanted: Installation) -> str:
    """Return a hash of what is installed, the same on every machine."""
    content = [
        _LAYOUT,
        wanted.platform.python,
        wanted.platform.architecture,
        wanted.complete,
        [each.identity for each in wanted.lines],
        [each.identity for each in wanted.constraints],
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@contextmanager
def installed(wanted: Installation) -> Iterator[zipfile.ZipFile]:
    """Open the archive of an installation, which is made if there is none yet.

    Raises:
        StagingError: if it cannot be installed.
    """
    name = f"{key(wanted)}.zip"
    with TemporaryDirectory(prefix="s3leader-") as temporary:
        try:
            entry = _folder() / name
            if not _is_intact(entry):
                entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _make(wanted, entry)
        except OSError:  # the cache cannot be written, so this archive is used once
            entry = Path(temporary) / name
            _make(wanted, entry)
        with zipfile.ZipFile(entry) as archive:
            yield archive


def extract(archive: zipfile.ZipFile, output: Path, *, without: frozenset[str]) -> None:
    """Write the files of an installation, less those in `without` and the list of its files."""
    for each in archive.infolist():
        if each.filename in without or not is_shipped(each.filename):
            continue
        path = Path(archive.extract(each, output))
        path.chmod(0o755 if each.external_attr >> 16 & _EXECUTABLE else 0o644)


def is_shipped(name: str) -> bool:
    """Return whether a file of an installation is shipped: all are but the lists of files."""
    return not name.endswith(".dist-info/RECORD")


def place(wanted: Installation) -> tuple[str, str]:
    """Return what distinguishes an installation from all others of this process."""
    try:
        return str(_folder()), key(wanted)
    except FileNotFoundError:
        return "", key(wanted)


def _folder() -> Path:
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "s3leader"
    try:
        return Path.home() / ".cache" / "s3leader"
    except RuntimeError as error:  # the user has no home
        raise FileNotFoundError(str(error)) from None


def _is_intact(entry: Path) -> bool:
    try:
        with zipfile.ZipFile(entry) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile, EOFError):
        return False


def _make(wanted: Installation, entry: Path) -> None:
    # Beside the entry, because a rename is atomic only within a file system.
    with TemporaryDirectory(dir=entry.parent, prefix=".new-") as folder:
        content, made = Path(folder) / "content", Path(folder) / "archive.zip"
        content.mkdir()
        install(wanted, content)
        with zipfile.ZipFile(made, "w", strict_timestamps=False) as archive:
            for path in sorted(content.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(content).as_posix())
        made.replace(entry)
