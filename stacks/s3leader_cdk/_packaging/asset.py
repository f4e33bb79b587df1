"""Assets for Lambda: the runtime library, its pinned dependencies, and for a job its folder.

pip or uv installs them on this machine, without Docker. The asset hash covers the names, contents
and x bits of all shipped files, the lock file of the runtime, and what else is installed: the job's
requirements, for which Python and architecture. It changes exactly when one of them changes.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk._packaging.dependencies import Installation
from s3leader_cdk._packaging.errors import StagingError
from s3leader_cdk._packaging.folder_files import FolderFiles, folder_files
from s3leader_cdk._packaging.staging import RuntimeSource, content_hash, stage

RUNTIME_PACKAGE = "s3leader"
REQUIREMENTS = "requirements.lock"
# For the layer, which is plain Python and therefore the same everywhere.
RUNTIMES = (
    lambda_.Runtime.PYTHON_3_11,
    lambda_.Runtime.PYTHON_3_12,
    lambda_.Runtime.PYTHON_3_13,
    lambda_.Runtime.PYTHON_3_14,
)
ARCHITECTURES = (lambda_.Architecture.ARM_64, lambda_.Architecture.X86_64)

_HERE = Path(__file__).resolve().parents[1]


@cache
def runtime_names() -> list[str]:
    """Return the names of the runtimes that the library runs on."""
    return [each.name for each in RUNTIMES]


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


@cache
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


def _asset(folder: Path, staging: _LocalStaging) -> lambda_.Code:
    return lambda_.Code.from_asset(
        str(folder),
        asset_hash=content_hash(staging.job, staging.runtime, staging.required),
        asset_hash_type=cdk.AssetHashType.CUSTOM,
        bundling=cdk.BundlingOptions(
            # CDK requires an image even if local bundling never uses it.
            image=_unused_image(),
            local=staging,
        ),
    )


@cache
def _unused_image() -> cdk.DockerImage:
    return cdk.DockerImage.from_registry("docker-is-not-used")


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
