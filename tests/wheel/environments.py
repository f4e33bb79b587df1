"""Virtual environments that hold the built wheel, and nothing of the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PIP = ["pip", "--quiet", "--no-input", "--disable-pip-version-check"]
PATIENCE_S = 1200
# What a developer's shell says of Python, AWS and the CDK is not the stranger's.
_OURS = ("AWS_", "CDK_", "MYPY", "PYTEST", "PYTHON", "S3LEADER_", "VIRTUAL_ENV")


def variables(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process' environment variables without the project's, and `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    beside_us = str(Path(sys.executable).parent)
    folders = kept["PATH"].split(os.pathsep)
    kept["PATH"] = os.pathsep.join(each for each in folders if each != beside_us)
    return kept | dict(more or {})


def build(target: str, root: Path, folder: Path) -> Path:
    """Build a distribution and return its file."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target]
    subprocess.run(
        [*command, "--directory", str(folder)], cwd=root, check=True, capture_output=True
    )
    (built,) = folder.iterdir()
    return built


def contents(wheel: Path) -> dict[str, bytes]:
    """Return what is in a wheel, by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel: Path) -> Message:
    """Return what a wheel says of itself."""
    (text,) = (body for name, body in contents(wheel).items() if name.endswith("/METADATA"))
    return Parser().parsestr(text.decode())


@dataclass(frozen=True)
class Environment:
    """A virtual environment; programs in it run isolated, in a given folder."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def prints(self, *arguments: str | Path, cwd: Path, **more: str) -> str:
        """Run Python, which has to succeed, and return what it prints."""
        done = self.run(self.python, "-I", *arguments, cwd=cwd, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def answer(self, script: str, *arguments: str, cwd: Path, **more: str) -> Any:
        """Run a script and return the JSON on the last line that it prints."""
        printed = self.prints("-c", script, *arguments, cwd=cwd, **more)
        return json.loads(printed.splitlines()[-1])

    def run(self, *command: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=cwd,
            env=variables(more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def files(self, *packages: str, cwd: Path) -> list[Path]:
        """Return the files that packages would be imported from."""
        script = "import json, sys; from importlib.util import find_spec\n"
        script += "print(json.dumps([find_spec(name).origin for name in sys.argv[1:]]))"
        return [Path(file) for file in self.answer(script, *packages, cwd=cwd)]


@contextmanager
def empty(folder: Path, *, pip: bool = False) -> Iterator[Environment]:
    """Make an environment that has nothing in it, or pip alone; with a CDK in it, it is large."""
    venv.create(folder, with_pip=pip, symlinks=True)
    try:
        yield Environment(folder)
    finally:
        shutil.rmtree(folder)


def install(environment: Environment, wheel: Path, extras: str = "", *options: str) -> None:
    """Install the wheel with this interpreter's pip, without compiling what is never imported."""
    command = [sys.executable, "-I", "-m", *PIP, f"--python={environment.python}", "install"]
    command += ["--no-compile", *options, f"{wheel}{extras}"]
    done = environment.run(*command, cwd=environment.folder)
    assert done.returncode == 0, done.stderr


def locked(folder: Path) -> str:
    """Return pip's option that holds it to the versions of requirements.lock.

    Without their hashes, since then pip would ask for the wheel's own too.
    """
    lock = (ROOT / "requirements.lock").read_text()
    lines = re.findall(r"^([a-z0-9].*==.*?) \\$", lock, re.MULTILINE)
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(lines))
    return f"--constraint={constraints}"
