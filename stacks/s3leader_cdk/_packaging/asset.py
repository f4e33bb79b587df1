"""Assets for Lambda: the runtime library, its pinned dependencies, and for a job its folder.

pip or uv installs them on this machine, without Docker. The asset hash covers the names, contents
and x bits of all shipped files, the lock file of the runtime, and what else is installed: the job's
requirements, for which Python and architecture. It changes exactly when one of them changes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk._packaging import package_cache
from s3leader_cdk._packaging.dependencies import Installation
from s3leader_cdk._packaging.distributions import RUNTIME, check_versions, distributions
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

RUNTIME_PACKAGE = "s3leader"
REQUIREMENTS = "requirements.lock"
PYTHON = lambda_.Runtime.PYTHON_3_14
ARCHITECTURE = lambda_.Architecture.ARM_64
# For the layer, which is plain Python and therefore the same everywhere.
RUNTIMES = (
    lambda_.Runtime.PYTHON_3_11,
    lambda_.Runtime.PYTHON_3_12,
    lambda_.Runtime.PYTHON_3_13,
    lambda_.Runtime.PYTHON_3_14,
)
ARCHITECTURES = (lambda_.Architecture.ARM_64, lambda_.Architecture.X86_64)

# Part of every asset hash: increase it when the layout of the same files changes.
_LAYOUT, _LAYOUT_OF_LAYER = b"2", b"layer 2"
_PLATFORM = Platform(python=PYTHON.name.removeprefix("python"), architecture=ARCHITECTURE.name)
_HERE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class RuntimeSource:
    """Where the runtime library is on this machine, and the lock file of its dependencies."""

    package: Path
    requirements: Path

    @property
    def dependencies(self) -> Installation:
        """The dependencies in the lock file, which are plain Python."""
        lines = logical_lines(self.requirements.read_text())
        return Installation(
            source=self.requirements,
            lines=[Line(each, each) for _, each in lines],
            platform=_PLATFORM,
            complete=True,
        )


def job_code(folder: str | Path, *, exclude: Sequence[str] = ()) -> lambda_.Code:
    """Return the code asset of the job in `folder`, which is shipped as a package of that name.

    For `…/compaction/handler.py` the handler is `compaction.handler.handler`. Tests and files of
    development tools are not shipped; `docs/constructs.md` lists them. The job's requirements are
    not installed: `JobFunction` does that.

    Args:
        folder: the job's folder.
        exclude: .gitignore patterns of further files to exclude; `!tests/` includes the tests.
    """
    return listed_code(list_job(folder, exclude=exclude))


def list_job(
    folder: str | Path, *, exclude: Sequence[str] = (), output: str | None = None
) -> FolderFiles:
    """List the files that are shipped of a job's folder, without the app's `output` folder."""
    # The CDK CLI sets CDK_OUTDIR.
    output = os.environ.get("CDK_OUTDIR") if output is None else output
    listed = folder_files(
        checked_job(Path(folder)),
        exclude=exclude,
        output=None if output is None else Path(output),
    )
    if not listed.files:
        raise StagingError(
            f"code folder {str(folder)!r} has no files to ship: put the job's modules into it, and"
            " check that neither exclude nor a default pattern excludes them"
        )
    return listed


def listed_code(job: FolderFiles, required: Installation | None = None) -> lambda_.Code:
    """Return the code asset of a job's files and of what the job requires."""
    return _asset(job.folder, _LocalStaging(job, locate_runtime(), required))


def layer_code() -> lambda_.Code:
    """Return the code asset of a layer that holds the runtime."""
    runtime = locate_runtime()
    return _asset(runtime.package, _LocalStaging(None, runtime, None))


def locate_runtime(here: Path = _HERE) -> RuntimeSource:
    """Find the runtime next to these constructs in a checkout, else as an installed package.

    It is never imported: constructs do not depend on what they ship.
    """
    checkout = here.parent.parent / "lambda_src"
    if (checkout / RUNTIME_PACKAGE).is_dir():
        return _source(checkout / RUNTIME_PACKAGE, checkout / REQUIREMENTS)
    spec = importlib.util.find_spec(RUNTIME_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise StagingError(
            f"the runtime package {RUNTIME_PACKAGE!r} is neither in {checkout} nor installed:"
            " run `pip install s3leader[cdk]` in the environment that synthesizes"
        )
    return _source(Path(spec.submodule_search_locations[0]), here / REQUIREMENTS)


def content_hash(
    job: FolderFiles | None, runtime: RuntimeSource, required: Installation | None = None
) -> str:
    """Return a hash of all files in the asset and of what is installed into it."""
    digest = hashlib.sha256(_LAYOUT if job is not None else _LAYOUT_OF_LAYER)
    for file in _shipped(job, runtime):
        # The length separates the name from what follows, which has a fixed length.
        digest.update(f"{len(file.name)}:{file.name}:{file.mode:o}:".encode())
        digest.update(file.digest())
    digest.update(runtime.requirements.read_bytes())
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
    _install(runtime.dependencies, required, output)
    for taken in [runtime.package] if job is None else [runtime.package, job.folder]:
        if (output / taken.name).exists():
            raise StagingError(
                f"the dependencies also have a package {taken.name!r}: rename the job's folder"
            )
    for file in _shipped(job, runtime):
        target = output / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.path, target)
    _open_to_everyone(output)
    staged = (path for path in output.rglob("*") if path.is_file())
    check_size({path.relative_to(output).as_posix(): path.stat().st_size for path in staged})


def _install(own: Installation, required: Installation | None, output: Path) -> None:
    """Write the runtime's dependencies, replaced by those of the same name that a job requires."""
    replaced: frozenset[str] = frozenset()
    with package_cache.installed(own) as archive:
        if required is not None:
            with package_cache.installed(required) as others:
                given = distributions(others)
                check_versions(given, required.source)
                runtime = given[RUNTIME].files if RUNTIME in given else frozenset()
                package_cache.extract(others, output, without=runtime)
            files = [each.files for name, each in distributions(archive).items() if name in given]
            replaced = frozenset().union(*files)
        package_cache.extract(archive, output, without=replaced)


def _open_to_everyone(output: Path) -> None:
    # Lambda runs the code as another user, who could not read it under a strict umask.
    for folder, _, files in os.walk(output):
        Path(folder).chmod(0o755)
        for path in (Path(folder, name) for name in files):
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def _asset(folder: Path, staging: _LocalStaging) -> lambda_.Code:
    return lambda_.Code.from_asset(
        str(folder),
        asset_hash=content_hash(staging.job, staging.runtime, staging.required),
        asset_hash_type=cdk.AssetHashType.CUSTOM,
        bundling=cdk.BundlingOptions(
            # CDK requires an image even if local bundling never uses it.
            image=cdk.DockerImage.from_registry("docker-is-not-used"),
            local=staging,
        ),
    )


@jsii.implements(cdk.ILocalBundling)
class _LocalStaging:
    def __init__(
        self, job: FolderFiles | None, runtime: RuntimeSource, required: Installation | None
    ) -> None:
        self.job = job
        self.runtime = runtime
        self.required = required

    def try_bundle(self, output_dir: str, options: Any = None, **_: Any) -> bool:  # noqa: ANN401 - jsii's shape
        # An exception, because after False CDK would try Docker and hide the reason.
        output = Path(output_dir)
        # Lambda adds a layer's folder `python` to sys.path.
        try:
            into = output if self.job is not None else output / "python"
            stage(self.job, self.runtime, into, self.required)
        except OSError as error:
            raise StagingError(f"the code for Lambda could not be staged: {error}") from error
        return True


def _shipped(job: FolderFiles | None, runtime: RuntimeSource) -> list[ShippedFile]:
    listed = folder_files(runtime.package, defaults=COMPILED).files
    files = listed if job is None else (*listed, *job.files)
    check_size({each.name: each.size for each in files})
    return sorted(files, key=lambda each: each.name)


def _source(package: Path, requirements: Path) -> RuntimeSource:
    if not requirements.is_file():
        raise StagingError(
            f"{requirements} is missing, which lists the dependencies of {package}: restore it from"
            " the repository, or reinstall s3leader"
        )
    return RuntimeSource(package=package, requirements=requirements)


def checked_job(folder: Path) -> Path:
    """Return the absolute path of a job's folder, or raise `ValueError` if it cannot be shipped."""
    job = folder.resolve()
    if not job.is_dir():
        raise ValueError(
            f"code folder {str(folder)!r} does not exist as a folder at {job}: give a folder, such"
            " as Path(__file__).parent / 'billing', which does not depend on the working directory"
        )
    if not job.name.isidentifier() or job.name == RUNTIME_PACKAGE:
        raise ValueError(
            f"code folder {job.name!r} cannot be shipped as a package of that name: rename it to an"
            f" importable name of letters, digits and _, other than {RUNTIME_PACKAGE!r}"
        )
    return job
