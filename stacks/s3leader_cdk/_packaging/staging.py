"""The content of an asset: the runtime library, its dependencies, and a job with what it requires.

Of all assets of a process, the runtime is read once, an installation is verified and unpacked once,
and what several assets have in common is written once (`shared_files.py`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zipfile import ZipFile

from aws_cdk import aws_lambda as lambda_

from s3leader_cdk._packaging import package_cache, shared_files
from s3leader_cdk._packaging.dependencies import Installation
from s3leader_cdk._packaging.distributions import (
    RUNTIME,
    Distribution,
    check_versions,
    distributions,
)
from s3leader_cdk._packaging.errors import StagingError
from s3leader_cdk._packaging.folder_files import (
    COMPILED,
    FolderFiles,
    ShippedFile,
    check_size,
    folder_files,
)
from s3leader_cdk._packaging.platforms import Platform
from s3leader_cdk._packaging.requirement_lines import Line, logical_lines

# Part of every asset hash: increase it when the layout of the same files changes.
_LAYOUT, _LAYOUT_OF_LAYER = b"2", b"layer 2"

PYTHON = lambda_.Runtime.PYTHON_3_14
ARCHITECTURE = lambda_.Architecture.ARM_64
_PLATFORM = Platform(python=PYTHON.name.removeprefix("python"), architecture=ARCHITECTURE.name)


@dataclass(frozen=True, kw_only=True)
class RuntimeSource:
    """Where the runtime library is on this machine, and the lock file of its dependencies.

    What is there is read once.
    """

    package: Path
    requirements: Path

    @cached_property
    def dependencies(self) -> Installation:
        """The dependencies in the lock file, which are plain Python."""
        lines = logical_lines(self.requirements.read_text())
        return Installation(
            source=self.requirements,
            lines=[Line(each, each) for _, each in lines],
            platform=_PLATFORM,
            complete=True,
        )

    @cached_property
    def files(self) -> dict[ShippedFile, bytes]:
        """The files of the package, each with the SHA-256 of its content."""
        listed = folder_files(self.package, defaults=COMPILED).files
        return {each: each.digest() for each in listed}

    @cached_property
    def lock(self) -> bytes:
        """The content of the lock file."""
        return self.requirements.read_bytes()


def content_hash(
    job: FolderFiles | None, runtime: RuntimeSource, required: Installation | None = None
) -> str:
    """Return a hash of all files in the asset and of what is installed into it."""
    digests = {**runtime.files, **({} if job is None else {e: e.digest() for e in job.files})}
    check_size({each.name: each.size for each in digests})
    digest = hashlib.sha256(_LAYOUT if job is not None else _LAYOUT_OF_LAYER)
    for file in sorted(digests, key=lambda each: each.name):
        # The length separates the name from what follows, which has a fixed length.
        digest.update(f"{len(file.name)}:{file.name}:{file.mode:o}:".encode())
        digest.update(digests[file])
    digest.update(runtime.lock)
    if required is not None:
        digest.update(package_cache.key(required).encode())
    return digest.hexdigest()


def stage(
    job: FolderFiles | None,
    runtime: RuntimeSource,
    output: Path,
    required: Installation | None = None,
) -> None:
    """Write all dependencies, the runtime and the job, if there is one, into `output`."""
    with _Archives() as archives:
        _install(runtime.dependencies, required, output, archives)
    for taken in [runtime.package] if job is None else [runtime.package, job.folder]:
        if (output / taken.name).exists():
            raise StagingError(
                f"the dependencies also have a package {taken.name!r}: rename the job's folder"
            )
    content = tuple(runtime.files.items())
    if not shared_files.link(content, output):
        for file in runtime.files:
            _copy(file, output)
        shared_files.remember(content, output, [each.name for each in runtime.files])
    for file in () if job is None else job.files:
        _copy(file, output)
    check_size(_open_to_everyone(output))


@dataclass(frozen=True)
class _Package:
    """An installation that this process has verified: the names of its files, and what it has."""

    names: frozenset[str]
    distributions: dict[str, Distribution]


_packages: dict[tuple[str, str], _Package] = {}


class _Archives(ExitStack):
    """The archives of installations, each opened once, when it is needed."""

    def __init__(self) -> None:
        super().__init__()
        self._opened: dict[tuple[str, str], ZipFile] = {}

    def open(self, wanted: Installation) -> ZipFile:
        place = package_cache.place(wanted)
        if place not in self._opened:
            self._opened[place] = self.enter_context(package_cache.installed(wanted))
        return self._opened[place]

    def package(self, wanted: Installation) -> _Package:
        place = package_cache.place(wanted)
        if place not in _packages:
            archive = self.open(wanted)
            names = frozenset(filter(package_cache.is_shipped, archive.namelist()))
            _packages[place] = _Package(names, distributions(archive))
        return _packages[place]

    def unpack(self, wanted: Installation, output: Path, *, without: frozenset[str]) -> None:
        names = self.package(wanted).names - without
        content = (package_cache.place(wanted), names)
        if not shared_files.link(content, output):
            package_cache.extract(self.open(wanted), output, without=without)
            shared_files.remember(content, output, names)


def _install(
    own: Installation, required: Installation | None, output: Path, archives: _Archives
) -> None:
    """Write the runtime's dependencies, replaced by those of the same name that a job requires."""
    replaced: frozenset[str] = frozenset()
    if required is not None:
        given = archives.package(required).distributions
        check_versions(given, required.source)
        runtime = given[RUNTIME].files if RUNTIME in given else frozenset()
        archives.unpack(required, output, without=runtime)
        ours = archives.package(own).distributions
        replaced = frozenset().union(*(ours[name].files for name in ours if name in given))
    archives.unpack(own, output, without=replaced)


def _copy(file: ShippedFile, output: Path) -> None:
    target = output / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file.path, target)
    target.chmod(file.mode)


def _open_to_everyone(output: Path) -> dict[str, int]:
    """Let Lambda's user enter all folders under any umask; return the files with their sizes."""
    sizes = {}
    for folder, _, files in os.walk(output):
        Path(folder).chmod(0o755)
        for name in files:
            path = f"{folder}/{name}"
            sizes[path.removeprefix(f"{output}/")] = os.lstat(path).st_size
    return sizes
