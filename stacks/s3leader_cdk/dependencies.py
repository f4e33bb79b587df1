"""Installing the runtime's dependencies for Lambda, by pip or uv, on any machine alike.

A machine's settings say where packages come from, and may say what an installation looks like
(`user = true`, `PIP_PREFIX`, constraints …). The first kind a company needs; the second is wrong
here. An unknown setting is therefore dropped: to miss an index fails, and a wrong layout might not.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from s3leader_cdk.staging_errors import StagingError

# Of pip's options, https://pip.pypa.io/en/stable/cli/: sources, transport, cache, credentials.
_PIP_KEEPS = frozenset(
    {
        *("index-url", "pypi-url", "extra-index-url", "find-links", "no-index", "trusted-host"),
        *("cert", "client-cert", "proxy", "timeout", "default-timeout", "retries"),
        *("cache-dir", "no-cache-dir", "keyring-provider", "use-feature", "use-deprecated"),
        *("resume-retries", "uploaded-prior-to"),
    }
)
# The same of uv, https://docs.astral.sh/uv/reference/environment/. Its files are kept: what else
# they set is overridden on the command line.
_UV_KEEPS = re.compile(
    r"UV_(\w*INDEX\w*|FIND_LINKS|KEYRING_PROVIDER|NATIVE_TLS|SYSTEM_CERTS|INSECURE_HOST|OFFLINE|"
    r"HTTP_\w+|CREDENTIALS_DIR|CACHE_DIR|NO_CACHE|CONFIG_FILE|NO_CONFIG|EXCLUDE_NEWER)"
)
_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# Amazon Linux 2023, from Python 3.12 on, has glibc 2.34. A wheel for an older one runs there too;
# manylinux2014, which is 2.17, is the first that there is for arm64.
_GLIBC_MINORS = range(34, 16, -1)


def install(requirements: Path, output: Path, *, python: str, architecture: str) -> None:
    """Install what a lock file names, as wheels for Lambda, or raise `StagingError`.

    Args:
        requirements: the lock file, with hashes.
        output: the folder to install into.
        python: Lambda's version of Python, such as `3.14`, from 3.12.
        architecture: `arm64` or `x86_64`.
    """
    machine = _MACHINES[architecture]
    if _has_pip():
        environment = _pip_environment()
        command = _pip(requirements, output, python, machine)
    elif uv := _find_uv():
        environment = _environment_without("UV_", _UV_KEEPS)
        command = _uv(uv, requirements, output, python, machine)
    else:
        raise StagingError(
            f"neither pip nor uv was found to install {requirements} for Lambda: {sys.executable}"
            " has no pip, and there is no uv beside it or on the PATH. Run `python -m ensurepip`,"
            " or `uv pip install pip`, in the environment that synthesizes, or install uv"
        )
    _run(command, environment, f"could not install {requirements} for Lambda")
    _drop_traces(output)


def _pip(requirements: Path, output: Path, python: str, machine: str) -> list[str]:
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in _GLIBC_MINORS]
    platforms.append(f"manylinux2014_{machine}")
    command = [
        *_pip_program(),
        "install",
        "--quiet",
        "--no-compile",
        "--no-deps",
        "--require-hashes",
    ]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
    command += [f"--platform={each}" for each in platforms]
    return [*command, "--target", str(output), "--requirement", str(requirements)]


def _uv(uv: str, requirements: Path, output: Path, python: str, machine: str) -> list[str]:
    command = [uv, "pip", "install", "--quiet", "--no-progress", "--color=never"]
    # Never links: modes are set afterwards, and must not be set in uv's cache.
    command += ["--link-mode=copy", "--no-compile-bytecode", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", f"--python={sys.executable}", f"--python-version={python}"]
    command += [f"--python-platform={machine}-manylinux_2_{_GLIBC_MINORS[0]}"]
    return [*command, "--target", str(output), "--requirement", str(requirements)]


def _has_pip() -> bool:
    found = subprocess.run(  # noqa: S603 - own arguments, no shell
        [*_python(), "-c", "import pip"], capture_output=True, check=False
    )
    return found.returncode == 0


def _find_uv() -> str | None:
    # `uv run` says which one it is; an environment may have one that is not activated.
    beside = os.pathsep.join((os.environ.get("PATH", ""), str(Path(sys.executable).parent)))
    return shutil.which(os.environ.get("UV", "uv"), path=beside) or shutil.which("uv", path=beside)


def _pip_environment() -> dict[str, str]:
    """Return an environment in which pip has this machine's settings, of those kept, alone."""
    environment = _environment_without("PIP_", re.compile("PIP_CONFIG_FILE"))
    own = {name: os.environ[name] for name in map(_variable, _PIP_KEEPS) if name in os.environ}
    printing = {"PIP_QUIET": "0", "PIP_VERBOSE": "0"}
    settings = _run([*_pip_program(), "config", "list"], environment | printing, "has no settings")
    kept = {}
    for section in ("global", "install"):  # the later one has precedence in pip
        for key, value in re.findall(rf"^{section}\.([^=]+)=(.*)$", settings, re.MULTILINE):
            if key in _PIP_KEEPS:
                kept[_variable(key)] = str(ast.literal_eval(value))
    return environment | kept | own | {"PIP_CONFIG_FILE": os.devnull}


def _variable(option: str) -> str:
    return f"PIP_{option.upper().replace('-', '_')}"


def _environment_without(prefix: str, kept: re.Pattern[str]) -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(prefix) or kept.fullmatch(name)
    }


def _python() -> list[str]:
    # Isolated from PYTHONPATH, the user's packages and the modules beside the app.
    return [sys.executable, "-I"]


def _pip_program() -> list[str]:
    return [*_python(), "-m", "pip", "--no-input", "--no-color", "--disable-pip-version-check"]


def _run(command: Sequence[str], environment: Mapping[str, str], failure: str) -> str:
    done = subprocess.run(  # noqa: S603 - own arguments, no shell
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        program = "uv" if command[1] == "pip" else "pip"
        raise StagingError(
            f"{program} {failure} (exit {done.returncode}):"
            f" {done.stderr.strip() or done.stdout.strip()}\nIt needs a package index within reach,"
            " or a filled cache; it takes index, proxy and certificates from this machine's"
            f" settings of {program}, and no others"
        )
    return done.stdout


def _drop_traces(output: Path) -> None:
    """Delete what depends on the installer and on this machine, so that both leave the same."""
    # Command-line scripts of the dependencies: of no use there, and they name this interpreter.
    shutil.rmtree(output / "bin", ignore_errors=True)
    (output / ".lock").unlink(missing_ok=True)
    for name in ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json"):
        for trace in output.glob(f"*.dist-info/{name}"):
            trace.unlink()
