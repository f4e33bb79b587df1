"""Installs dependencies for Lambda, by pip or by uv, with the same result."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from s3leader_cdk._packaging.errors import StagingError
from s3leader_cdk._packaging.installer_settings import (
    pip_environment,
    pip_listing_environment,
    uv_environment,
)
from s3leader_cdk._packaging.platforms import Platform
from s3leader_cdk._packaging.requirement_lines import Line

# pip judges environment markers by the machine that it runs on, and has no option for another one.
_PIP_FOR_ANOTHER_MACHINE = """\
import json, runpy, sys
from pip._vendor.packaging import markers
environment = json.loads(sys.argv.pop(1))
markers.default_environment
markers.default_environment = environment.copy
runpy.run_module("pip", run_name="__main__")
"""
# How pip and uv name a package without a usable wheel.
_PACKAGE = r"([\w.-]+(?:==[\w.!+]*\w)?)"
_WITHOUT_WHEEL = (
    re.compile(rf"No matching distribution found for {_PACKAGE}"),
    re.compile(rf"\b{_PACKAGE} ha(?:s|ve) no (?:usable )?wheels"),
    re.compile(rf"there (?:is no version|are no versions) of {_PACKAGE}"),
    re.compile(rf"{_PACKAGE} was not found in"),
)


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What is installed and for what.

    Attributes:
        source: the file that `lines` come from, for messages.
        lines: a requirements file for pip and uv.
        constraints: a constraints file for them.
        platform: that of the function.
        complete: whether `lines` are a lock file of the whole installation, with hashes.
    """

    source: Path
    lines: Sequence[Line]
    constraints: Sequence[Line] = ()
    platform: Platform
    complete: bool = False


def install(wanted: Installation, output: Path) -> None:
    """Install wheels for Lambda into the folder `output`, or raise `StagingError`."""
    if not wanted.lines:
        return
    if _has_pip():
        command, environment = _pip(wanted.platform)
    elif uv := _find_uv():
        command, environment = _uv(uv, wanted.platform)
    else:
        raise StagingError(
            f"neither pip nor uv was found to install {wanted.source} for Lambda: {sys.executable}"
            " has no pip, and there is no uv next to it or on the PATH. Run `python -m ensurepip`"
            " or `uv pip install pip` in the environment that synthesizes, or install uv"
        )
    command += ["--only-binary=:all:", "--target", str(output)]
    if wanted.complete:
        command.append("--no-deps")
    if wanted.complete or any("--hash" in each.text for each in wanted.lines):
        command.append("--require-hashes")  # as pip does by itself
    with TemporaryDirectory() as folder:
        for option, lines in (("requirement", wanted.lines), ("constraint", wanted.constraints)):
            if lines:
                (Path(folder) / option).write_text("\n".join(each.text for each in lines), "utf-8")
                command += [f"--{option}", str(Path(folder) / option)]
        failure = f"could not install {wanted.source} for Lambda ({wanted.platform})"
        _run(command, environment, failure)
    _delete_machine_files(output)


def _pip(platform: Platform) -> tuple[list[str], dict[str, str]]:
    options = ["--no-input", "--no-color", "--disable-pip-version-check"]
    listing = frozenset(pip_listing_environment(os.environ).items())
    settings = _list_settings((*_python(), "-m", "pip", *options, "config", "list"), listing)
    command = [*_python(), "-c", _PIP_FOR_ANOTHER_MACHINE, json.dumps(platform.markers)]
    command += [*options, "install", "--quiet", "--no-compile"]
    command += ["--implementation=cp", f"--python-version={platform.python}"]
    command += [f"--platform={tag}" for tag in platform.pip_tags]
    return command, pip_environment(os.environ, settings)


def _uv(uv: str, platform: Platform) -> tuple[list[str], dict[str, str]]:
    environment = uv_environment(os.environ, Path.cwd())
    command = [uv, "pip", "install", "--quiet", "--no-progress", "--color=never"]
    # Not linked, because modes are changed afterwards, which must not affect uv's cache.
    command += ["--link-mode=copy", "--no-compile-bytecode"]
    command += [f"--python={sys.executable}", f"--python-version={platform.python}"]
    command += [f"--python-platform={platform.uv_name}"]
    if environment.get("UV_NO_INDEX") in {"1", "true"}:  # uv has only an option for it
        command.append("--no-index")
    return command, environment


def _has_pip() -> bool:
    return _succeeds((*_python(), "-c", "import pip"))


# An app with many jobs installs for each list of requirements, and asks the rest once.
@cache
def _succeeds(command: tuple[str, ...]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - own arguments, no shell


@cache
def _list_settings(command: tuple[str, ...], environment: frozenset[tuple[str, str]]) -> str:
    return _run(command, dict(environment), "pip could not list its settings")


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
        said = done.stderr.strip() or done.stdout.strip()
        raise StagingError(
            f"{failure} (exit {done.returncode}): {_without_wheel(said)}{said}\n"
            "Check that a package index is reachable, or the cache is filled. This machine's"
            " settings for index, proxy, certificates, credentials and cache apply; all others are"
            " ignored"
        )
    return done.stdout


def _without_wheel(said: str) -> str:
    """Return which package has no wheel, and the remedy; nothing for other failures."""
    text = " ".join(said.split())  # uv wraps its lines
    found = next((match for each in _WITHOUT_WHEEL if (match := each.search(text))), None)
    if found is None:
        return ""
    return (
        f"no wheel of {found[1]} was found for this platform, and nothing is built from source:"
        " require a version that has one, choose another runtime= or architecture=, put a wheel"
        " that you built for it into a folder, which a line `--find-links <folder>` in the"
        " requirements file names, or use a container image.\n"
    )


def _delete_machine_files(output: Path) -> None:
    """Delete what depends on this machine or on the installer."""
    # Command-line scripts of the dependencies, which name this interpreter.
    shutil.rmtree(output / "bin", ignore_errors=True)
    (output / ".lock").unlink(missing_ok=True)
    for name in ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"):
        for trace in output.glob(f"*.dist-info/{name}"):
            trace.unlink()
    # The files of each distribution, without the hashes of what is deleted above.
    for record in output.glob("*.dist-info/RECORD"):
        names = sorted(row[0] for row in csv.reader(record.read_text("utf-8").splitlines()) if row)
        kept = [[name, "", ""] for name in names if (output / name).is_file()]
        with record.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(kept)
