"""Which files of a folder are shipped, under which names and with which modes.

What a folder shows is what is shipped: links are followed, because the archive that CDK uploads
has none. Files of tools, tests, and files that commonly hold secrets are left out, by patterns as
in .gitignore that CDK matches. Anything else that cannot be shipped is refused.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from aws_cdk import IgnoreStrategy

from s3leader_cdk.staging_errors import StagingError

COMPILED = ("__pycache__/", "*.py[co]")
SECRETS = (".env", ".env.*", ".envrc", ".netrc", ".pypirc", ".aws", ".ssh")
_TESTS = ("tests/", "test_*.py", "conftest.py", ".coverage", ".coverage.*", "htmlcov/")
_TOOLS = (
    *(".git", ".hg", ".svn", ".venv/", "venv/", "node_modules/", ".tox/", ".nox/"),
    *(".mypy_cache/", ".pytest_cache/", ".ruff_cache/", ".hypothesis/", ".ipynb_checkpoints/"),
    *("*.egg-info/", ".eggs/", ".aws-sam/", "cdk.out*/", "cdk.context.json"),
    *(".idea/", ".vscode/", "*~", "*.sw[op]", ".#*", r"\#*#", ".DS_Store", "._*"),
)
DEFAULT_EXCLUDE = (*COMPILED, *SECRETS, *_TESTS, *_TOOLS)

# A file that says what the folder around it is, under any name.
_MARKERS = {"pyvenv.cfg": "a virtual environment", "cdk.out": "the output of a CDK app"}
# AWS Lambda's quota for code and layers together: 250 MB, by which it means this.
MAX_UNZIPPED_BYTES = 262_144_000
# Control characters, a backslash (which may be unpacked as a folder), nothing but dots.
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]|^\.+$")


@dataclass(frozen=True, kw_only=True)
class ShippedFile:
    """A file as it will be in Lambda; its name has `/` between folders, its size is in bytes."""

    name: str
    path: Path
    executable: bool
    size: int

    @property
    def mode(self) -> int:
        """Permissions that depend on no umask: Lambda runs as a user of its own."""
        return 0o755 if self.executable else 0o644

    def digest(self) -> bytes:
        """Return the SHA-256 of the content, or raise `StagingError`."""
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        except OSError as error:
            raise _unreadable(self.path, error) from None

    def head(self, size: int) -> bytes:
        """Return the first `size` bytes of the content, or raise `StagingError`."""
        try:
            with self.path.open("rb") as file:
                return file.read(size)
        except OSError as error:
            raise _unreadable(self.path, error) from None


@dataclass(frozen=True, kw_only=True)
class FolderFiles:
    """What is shipped of a folder, under the folder's own name, ordered by name.

    `withheld` are files that commonly hold secrets and that nobody but the defaults left out.
    """

    folder: Path
    files: tuple[ShippedFile, ...]
    withheld: tuple[Path, ...]


def folder_files(
    folder: Path,
    *,
    exclude: Sequence[str] = (),
    defaults: Sequence[str] = DEFAULT_EXCLUDE,
    output: Path | None = None,
) -> FolderFiles:
    """List what is shipped of `folder`, an absolute path.

    Args:
        folder: the folder.
        exclude: patterns as in .gitignore, without regard to case; they come after the defaults,
            so that `!tests/` ships the tests after all.
        defaults: the patterns before them.
        output: the app's output folder, which is not shipped wherever it is.

    Raises:
        StagingError: if a file cannot be read, is no regular file, or has a name that cannot be
            used in Lambda; or if `folder` itself is made by a tool.
        TypeError: if `exclude` is a text.
    """
    if isinstance(exclude, str):
        raise TypeError(f"exclude {exclude!r} is one text: give a list of patterns, [{exclude!r}]")
    output = None if output is None else output.resolve()
    _check_whole(folder, output)
    walk = _Walk(
        root=folder,
        ignored=IgnoreStrategy.git(str(folder), [*defaults, *exclude]),
        asked=IgnoreStrategy.git(str(folder), list(exclude)),
        output=output,
    )
    files = sorted(walk.files(folder, (folder.resolve(),)), key=lambda each: each.name)
    return FolderFiles(folder=folder, files=tuple(files), withheld=tuple(sorted(walk.withheld)))


def check_size(sizes: Mapping[str, int]) -> None:
    """Raise `StagingError` if files, by name and size in bytes, are more than Lambda takes."""
    total = sum(sizes.values())
    if total > MAX_UNZIPPED_BYTES:
        largest = sorted(sizes.items(), key=lambda each: each[1], reverse=True)[:3]
        named = ", ".join(f"{name} ({size / 1e6:.0f} MB)" for name, size in largest)
        raise StagingError(
            f"the code for Lambda would have {total:,} bytes, and Lambda takes"
            f" {MAX_UNZIPPED_BYTES:,} unpacked, layers included. The largest files are {named}:"
            " exclude what the job does not need, or have it read from S3"
        )


@dataclass(kw_only=True)
class _Walk:
    root: Path
    ignored: IgnoreStrategy
    asked: IgnoreStrategy
    output: Path | None
    withheld: list[Path] = field(default_factory=list)

    def files(self, folder: Path, above: tuple[Path, ...]) -> Iterator[ShippedFile]:
        """Yield what is shipped from `folder`; `above` are the real folders that lead to it."""
        try:
            paths = list(folder.iterdir())
        except OSError as error:
            raise _unreadable(folder, error) from None
        for path in paths:
            status, failure = _status(path)
            is_folder = status is not None and stat.S_ISDIR(status.st_mode)
            if self._left_out(path, is_folder=is_folder):
                continue
            if status is None:
                raise _unshippable(path, failure)
            if is_folder:
                yield from self._folder(path, above)
            elif stat.S_ISREG(status.st_mode):
                yield self._file(path, status)
            else:
                raise _unshippable(path, "it is neither a file nor a folder")

    def _left_out(self, path: Path, *, is_folder: bool) -> bool:
        if _UNUSABLE.search(path.name):
            raise _unshippable(path, "its name cannot be used in Lambda")
        if not _matches(self.ignored, path, is_folder=is_folder):
            return is_folder and (path.resolve() == self.output or _marked(path) is not None)
        known_secret = any(fnmatch(path.name, pattern) for pattern in SECRETS)
        if known_secret and not _matches(self.asked, path, is_folder=is_folder):
            self.withheld.append(path)
        return True

    def _folder(self, path: Path, above: tuple[Path, ...]) -> Iterator[ShippedFile]:
        real = path.resolve()
        if any(each.is_relative_to(real) for each in above):
            raise _unshippable(path, f"it links to {real}, which holds the link itself")
        yield from self.files(path, (*above, real))

    def _file(self, path: Path, status: os.stat_result) -> ShippedFile:
        return ShippedFile(
            name=(self.root.name / path.relative_to(self.root)).as_posix(),
            path=path,
            # As git has it: the first of the three x bits decides.
            executable=bool(status.st_mode & stat.S_IXUSR),
            size=status.st_size,
        )


def _check_whole(folder: Path, output: Path | None) -> None:
    what = "the output of this CDK app" if folder == output else _marked(folder)
    if what is not None:
        raise StagingError(
            f"code folder {str(folder)!r} is {what} as well, whose files would be shipped with it:"
            " give the job's modules a folder of their own"
        )


def _marked(folder: Path) -> str | None:
    return next((what for name, what in _MARKERS.items() if (folder / name).is_file()), None)


def _matches(patterns: IgnoreStrategy, path: Path, *, is_folder: bool) -> bool:
    match = patterns.completely_ignores if is_folder else patterns.ignores
    return match(str(path))


def _status(path: Path) -> tuple[os.stat_result | None, str]:
    try:
        return path.stat(), ""
    except OSError as error:
        if path.is_symlink():
            return None, f"it links to {str(path.readlink())!r}, which cannot be reached"
        return None, f"it cannot be read ({error.strerror})"


def _unreadable(path: Path, error: OSError) -> StagingError:
    return _unshippable(path, f"it cannot be read ({error.strerror})")


def _unshippable(path: Path, reason: str) -> StagingError:
    return StagingError(
        f"{str(path)!r} cannot be shipped: {reason}. Correct or remove it, or leave it out by"
        f" exclude=[…] of the job, with a pattern as in .gitignore, such as {path.name!r}"
    )
