"""What is shipped to Lambda: the runtime library, its pinned dependencies, and the job's folder.

The job comes with the runtime in one asset; a layer has the runtime alone. Staged by pip on this
machine, without Docker. The asset's hash is made of names and contents of the job, the runtime and
the lock file, so it changes exactly when one of them does.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_

RUNTIME_PACKAGE = "s3leader"
REQUIREMENTS = "requirements.lock"
PYTHON = lambda_.Runtime.PYTHON_3_14
ARCHITECTURE = lambda_.Architecture.ARM_64
# Where the layer runs: all of it is plain Python, which is the same everywhere.
RUNTIMES = (
    lambda_.Runtime.PYTHON_3_11,
    lambda_.Runtime.PYTHON_3_12,
    lambda_.Runtime.PYTHON_3_13,
    lambda_.Runtime.PYTHON_3_14,
)
ARCHITECTURES = (lambda_.Architecture.ARM_64, lambda_.Architecture.X86_64)

# Part of every asset's hash: raise it when the same files are to be laid out in another way.
_LAYOUT, _LAYOUT_OF_LAYER = b"1", b"layer 1"
_VERSION = PYTHON.name.removeprefix("python")
_PLATFORM = {"arm64": "manylinux2014_aarch64", "x86_64": "manylinux2014_x86_64"}[ARCHITECTURE.name]
_HERE = Path(__file__).resolve().parent


class StagingError(RuntimeError):
    """The code for Lambda could not be put together; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class RuntimeSource:
    """Where the runtime library is on this machine, and the lock file of its dependencies."""

    package: Path
    requirements: Path


def job_code(folder: str | Path) -> lambda_.Code:
    """Return the code asset of the job in `folder`, which is shipped under its own name.

    A handler in `…/compaction/handler.py` is therefore `compaction.handler.handler`.
    """
    job = _checked_job(Path(folder))
    return _asset(job, _LocalStaging(job, locate_runtime()))


def layer_code() -> lambda_.Code:
    """Return the code asset of a layer that holds the runtime."""
    runtime = locate_runtime()
    return _asset(runtime.package, _LocalStaging(None, runtime))


def locate_runtime(here: Path = _HERE) -> RuntimeSource:
    """Find the runtime beside these constructs in a checkout, else as an installed package.

    It is looked up and never imported: constructs do not depend on what they ship.
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


def content_hash(job: Path | None, runtime: RuntimeSource) -> str:
    """Hash names and contents of all that decides what the asset holds."""
    digest = hashlib.sha256(_LAYOUT if job is not None else _LAYOUT_OF_LAYER)
    for name, path in _staged_files(job, runtime):
        content = path.read_bytes()
        # Lengths keep a byte from moving between a name and a content unnoticed.
        digest.update(f"{len(name)}:{name}:{len(content)}:".encode())
        digest.update(content)
    digest.update(runtime.requirements.read_bytes())
    return digest.hexdigest()


def stage(job: Path | None, runtime: RuntimeSource, output: Path) -> None:
    """Put the dependencies, the runtime and the job, if there is one, into `output`."""
    _install(runtime.requirements, output)
    # Command-line scripts of the dependencies: of no use there, and they name this interpreter.
    shutil.rmtree(output / "bin", ignore_errors=True)
    for taken in (folder.name for folder in (runtime.package, job) if folder is not None):
        if (output / taken).exists():
            raise StagingError(f"the dependencies hold a package {taken!r} too: rename the job's")
    for name, path in _staged_files(job, runtime):
        target = output / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _asset(folder: Path, staging: _LocalStaging) -> lambda_.Code:
    return lambda_.Code.from_asset(
        str(folder),
        asset_hash=content_hash(staging.job, staging.runtime),
        asset_hash_type=cdk.AssetHashType.CUSTOM,
        bundling=cdk.BundlingOptions(
            # CDK asks for an image even where local bundling never leaves it a turn.
            image=cdk.DockerImage.from_registry("docker-is-not-used"),
            local=staging,
        ),
    )


@jsii.implements(cdk.ILocalBundling)
class _LocalStaging:
    def __init__(self, job: Path | None, runtime: RuntimeSource) -> None:
        self.job = job
        self.runtime = runtime

    def try_bundle(self, output_dir: str, options: Any = None, **_: Any) -> bool:  # noqa: ANN401 - jsii's shape
        # Returning False would make CDK turn to Docker and hide the reason: raise instead.
        output = Path(output_dir)
        # Lambda puts a layer's folder `python` on the path.
        stage(self.job, self.runtime, output if self.job is not None else output / "python")
        return True


def _staged_files(job: Path | None, runtime: RuntimeSource) -> Iterator[tuple[str, Path]]:
    folders = [runtime.package] if job is None else [runtime.package, job]
    for folder in sorted(folders, key=lambda each: each.name):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                yield (folder.name / path.relative_to(folder)).as_posix(), path


def _install(requirements: Path, output: Path) -> None:
    # For Lambda's platform, not this one's: wheels only, and each with the hash it was locked by.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--no-compile", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={_VERSION}"]
    command += [f"--platform={_PLATFORM}", "--target", str(output)]
    command += ["--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - own arguments, no shell
    if done.returncode != 0:
        raise StagingError(
            f"pip could not install {requirements} for Lambda (exit {done.returncode}):"
            f" {done.stderr.strip() or done.stdout.strip()}\nIt needs pip in {sys.executable} and"
            " a package index within reach, or a filled pip cache"
        )


def _source(package: Path, requirements: Path) -> RuntimeSource:
    if not requirements.is_file():
        raise StagingError(
            f"{requirements} is missing, so the dependencies of {package} are not known: restore"
            " it from the repository, or reinstall s3leader"
        )
    return RuntimeSource(package=package, requirements=requirements)


def _checked_job(folder: Path) -> Path:
    job = folder.resolve()
    if not job.is_dir():
        raise ValueError(
            f"code folder {str(folder)!r} does not exist as a folder at {job}: give one, such as"
            " Path(__file__).parent / 'billing', which does not depend on where the app is run"
        )
    if not job.name.isidentifier() or job.name == RUNTIME_PACKAGE:
        raise ValueError(
            f"code folder {job.name!r} cannot be shipped as a package of that name: give it a name"
            f" that Python can import, of letters, digits and _, other than {RUNTIME_PACKAGE!r}"
        )
    return job
