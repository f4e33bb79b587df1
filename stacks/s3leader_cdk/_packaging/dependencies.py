"""Installs the runtime's dependencies for Lambda, by pip or by uv, with the same result."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from s3leader_cdk._packaging.errors import StagingError
from s3leader_cdk._packaging.installer_settings import (
    pip_environment,
    pip_listing_environment,
    uv_environment,
)

_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# Amazon Linux 2023, from Python 3.12 on, has glibc 2.34. Wheels for older versions run there too;
# the oldest for arm64 is manylinux2014, which is glibc 2.17.
_GLIBC_MINORS = range(34, 16, -1)


def install(requirements: Path, output: Path, *, python: str, architecture: str) -> None:
    """Install the wheels in a lock file for Lambda, or raise `StagingError`.

    Args:
        requirements: the lock file, with hashes.
        output: the folder to install into.
        python: Lambda's version of Python, such as `3.14`, from 3.12.
        architecture: `arm64` or `x86_64`.
    """
    machine = _MACHINES[architecture]
    if _has_pip():
        command, environment = _pip(python, machine)
    elif uv := _find_uv():
        command, environment = _uv(uv, python, machine)
    else:
        raise StagingError(
            f"neither pip nor uv was found to install {requirements} for Lambda: {sys.executable}"
            " has no pip, and there is no uv next to it or on the PATH. Run `python -m ensurepip`"
            " or `uv pip install pip` in the environment that synthesizes, or install uv"
        )
    command += ["--only-binary=:all:", "--no-deps", "--require-hashes"]
    command += ["--target", str(output), "--requirement", str(requirements)]
    _run(command, environment, f"could not install {requirements} for Lambda")
    _delete_machine_files(output)


def _pip(python: str, machine: str) -> tuple[list[str], dict[str, str]]:
    program = [*_python(), "-m", "pip", "--no-input", "--no-color", "--disable-pip-version-check"]
    listing = pip_listing_environment(os.environ)
    settings = _run([*program, "config", "list"], listing, "pip could not list its settings")
    command = [*program, "install", "--quiet", "--no-compile"]
    command += ["--implementation=cp", f"--python-version={python}"]
    command += [f"--platform=manylinux_2_{minor}_{machine}" for minor in _GLIBC_MINORS]
    command += [f"--platform=manylinux2014_{machine}"]
    return command, pip_environment(os.environ, settings)


def _uv(uv: str, python: str, machine: str) -> tuple[list[str], dict[str, str]]:
    environment = uv_environment(os.environ, Path.cwd())
    command = [uv, "pip", "install", "--quiet", "--no-progress", "--color=never"]
    # Not linked, because modes are changed afterwards, which must not affect uv's cache.
    command += ["--link-mode=copy", "--no-compile-bytecode"]
    command += [f"--python={sys.executable}", f"--python-version={python}"]
    command += [f"--python-platform={machine}-manylinux_2_{_GLIBC_MINORS[0]}"]
    if environment.get("UV_NO_INDEX") in {"1", "true"}:  # uv has only an option for it
        command.append("--no-index")
    return command, environment


def _has_pip() -> bool:
    found = subprocess.run(  # noqa: S603 - own arguments, no shell
        [*_python(), "-c", "import pip"], capture_output=True, check=False
    )
    return found.returncode == 0


def _find_uv() -> str | None:
    # `uv run` sets UV to its own path. uv may also be in an environment that is not activated.
    beside = os.pathsep.join((os.environ.get("PATH", ""), str(Path(sys.executable).parent)))
    return shutil.which(os.environ.get("UV", "uv"), path=beside) or shutil.which("uv", path=beside)


def _python() -> list[str]:
    # Isolated from PYTHONPATH, the user's packages and the modules beside the app.
    return [sys.executable, "-I"]


def _run(command: Sequence[str], environment: Mapping[str, str], failure: str) -> str:
    done = subprocess.run(  # noqa: S603 - own arguments, no shell
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise StagingError(
            f"{failure} (exit {done.returncode}): {done.stderr.strip() or done.stdout.strip()}\n"
            "Check that a package index is reachable, or the cache is filled. This machine's"
            " settings for index, proxy, certificates, credentials and cache apply; all others are"
            " ignored"
        )
    return done.stdout


def _delete_machine_files(output: Path) -> None:
    """Delete what depends on this machine or on the installer."""
    # Command-line scripts of the dependencies, which name this interpreter.
    shutil.rmtree(output / "bin", ignore_errors=True)
    (output / ".lock").unlink(missing_ok=True)
    for name in ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json"):
        for trace in output.glob(f"*.dist-info/{name}"):
            trace.unlink()
