"""Lists the files of a folder that are shipped to Lambda, with their names and modes.

Symbolic links are followed, because the archive that CDK uploads has none. .gitignore patterns,
which CDK matches, exclude tool files, tests and files that commonly hold secrets. Any other file
that cannot be shipped is an error.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

from aws_cdk import IgnoreStrategy

from s3leader_cdk._packaging.errors import StagingError

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

# Files of virtual environments and of CDK outputs, which are not shipped under any name.
_MARKERS = ("pyvenv.cfg", "cdk.out")
# AWS Lambda's quota for code and layers together: its "250 MB" are MiB.
MAX_UNZIPPED_BYTES = 262_144_000
# Control characters, surrogates, a backslash (may be unpacked as a folder).
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class ShippedFile:
    """A file as it will be in Lambda; `name` has `/` between folders, `size` is in bytes."""

    name: str
    path: Path
    executable: bool
    size: int

    @property
    def mode(self) -> int:
        """Readable by all under any umask, because Lambda runs the code as another user."""
        return 0o755 if self.executable else 0o644

    def digest(self) -> bytes:
        """Return the SHA-256 of the content, or raise `StagingError`."""
        with _reading(self.path), self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()

    def head(self, size: int) -> bytes:
        """Return the first `size` bytes of the content, or raise `StagingError`."""
        with _reading(self.path), self.path.open("rb") as file:
            return file.read(size)


@dataclass(frozen=True, kw_only=True)
class FolderFiles:
    """The files shipped from a folder, sorted by name; each name begins with the folder's own.

    `withheld` are files that commonly hold secrets, excluded by the defaults but not by `exclude`.
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
    """List the files that are shipped of `folder`, an absolute path.

    Args:
        folder: the folder.
        exclude: .gitignore patterns that ignore case, after the defaults, so `!tests/` ships tests.
        defaults: the patterns before them.
        output: the app's output folder, which is never shipped.

    Raises:
        StagingError: if a file cannot be read, is not a regular file, or has a name that cannot be
            used in Lambda.
        TypeError: if `exclude` is a string.
    """
    if isinstance(exclude, str):
        raise TypeError(f"exclude {exclude!r} is a string: give a list of patterns, [{exclude!r}]")
    walk = _Walk(
        root=folder,
        ignored=(*defaults, *exclude),
        excluded=tuple(exclude),
        output=None if output is None else output.resolve(),
    )
    files = sorted(walk.files(folder, (folder.resolve(),)), key=lambda each: each.name)
    return FolderFiles(folder=folder, files=tuple(files), withheld=tuple(sorted(walk.withheld)))


def check_size(sizes: Mapping[str, int]) -> None:
    """Raise `StagingError` if files, by name and size in bytes, exceed Lambda's quota."""
    total = sum(sizes.values())
    if total > MAX_UNZIPPED_BYTES:
        largest = sorted(sizes.items(), key=lambda each: each[1], reverse=True)[:3]
        named = ", ".join(f"{name} ({size / 1e6:.0f} MB)" for name, size in largest)
        raise StagingError(
            f"the code has {total:,} bytes, but Lambda takes {MAX_UNZIPPED_BYTES:,} unpacked,"
            f" layers included. The largest files are {named}: exclude what the job does not need,"
            " or let the job read it from S3"
        )


@dataclass(kw_only=True)
class _Walk:
    root: Path
    ignored: tuple[str, ...]
    excluded: tuple[str, ...]
    output: Path | None
    withheld: list[Path] = field(default_factory=list)

    def files(self, folder: Path, ancestors: tuple[Path, ...]) -> Iterator[ShippedFile]:
        """Yield the shipped files of `folder`; `ancestors` are its real parent folders."""
        with _reading(folder):
            paths = list(folder.iterdir())
        for path in paths:
            with _reading(path):
                is_folder = path.is_dir()
            if self._is_excluded(path, is_folder=is_folder):
                continue
            if is_folder:
                real = path.resolve()
                if any(each.is_relative_to(real) for each in ancestors):
                    raise _unshippable(path, f"it links to {real}, which holds the link itself")
                yield from self.files(path, (*ancestors, real))
            else:
                yield self._file(path)

    def _is_excluded(self, path: Path, *, is_folder: bool) -> bool:
        relative = path.relative_to(self.root).as_posix()
        if not _matches(self.ignored, relative, is_folder=is_folder):
            if _UNUSABLE.search(path.name):
                raise _unshippable(path, "its name cannot be used in Lambda")
            marked = any((path / name).is_file() for name in _MARKERS)
            return is_folder and (marked or path.resolve() == self.output)
        known_secret = any(fnmatch(path.name.lower(), pattern) for pattern in SECRETS)
        if known_secret and not _matches(self.excluded, relative, is_folder=is_folder):
            self.withheld.append(path)
        return True

    def _file(self, path: Path) -> ShippedFile:
        with _reading(path):
            status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _unshippable(path, "it is neither a file nor a folder")
        return ShippedFile(
            name=(self.root.name / path.relative_to(self.root)).as_posix(),
            path=path,
            # As in git, the x bit of the file's user decides.
            executable=bool(status.st_mode & stat.S_IXUSR),
            size=status.st_size,
        )


@cache
def _matches(patterns: tuple[str, ...], relative: str, *, is_folder: bool) -> bool:
    """Ask CDK, in another process, once for each name: the jobs of an app have many in common."""
    strategy = _strategy(patterns)
    match = strategy.completely_ignores if is_folder else strategy.ignores
    return match(f"/{relative}")


@cache
def _strategy(patterns: tuple[str, ...]) -> IgnoreStrategy:
    return IgnoreStrategy.git("/", list(patterns))  # patterns are relative to the root


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        link = f"it links to {str(path.readlink())!r}, and " if path.is_symlink() else ""
        raise _unshippable(path, f"{link}it cannot be read ({error.strerror})") from None


def _unshippable(path: Path, reason: str) -> StagingError:
    return StagingError(
        f"{str(path)!r} cannot be shipped: {reason}. Fix or remove it, or exclude it by a"
        f" .gitignore pattern, such as exclude=[{path.name!r}]"
    )
