"""The virtual environment of the other libraries: `.bench-peers` in the project, ignored by git."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
FOLDER: Final = ROOT / ".bench-peers"
REQUIREMENTS: Final = Path(__file__).with_name("requirements.txt")
# The same for all, so that ratios compare libraries and not versions of boto3.
_SHARED: Final = ("aws-lambda-powertools", "boto3", "botocore", "s3transfer", "urllib3")


def requirements() -> str:
    """Return the requirements: those of the file, and the shared packages as they are here."""
    shared = "".join(f"{name}=={version(name)}\n" for name in _SHARED)
    return REQUIREMENTS.read_text(encoding="utf-8") + shared


def python(folder: Path = FOLDER) -> Path:
    """Return the interpreter of the environment."""
    return folder / "bin" / "python"


def is_ready(folder: Path = FOLDER) -> bool:
    """Return whether the environment has what is required, for this interpreter."""
    stamp = folder / ".stamp"
    return stamp.exists() and stamp.read_text(encoding="utf-8") == _digest()


def make(folder: Path = FOLDER, say: Callable[[str], None] = print) -> None:
    """Create the environment, unless it is ready.

    Raises:
        RuntimeError: a step failed; says which, and has its output.
    """
    if is_ready(folder):
        return
    say(f"installing the other libraries into {folder.name} (half a minute, once) …")
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    listed = folder / "requirements.txt"
    listed.write_text(requirements(), encoding="utf-8")
    pip = [str(python(folder)), "-m", "pip", "install", "--quiet", "--no-input"]
    _run([*pip, "--disable-pip-version-check", "--requirement", str(listed)])
    (folder / ".stamp").write_text(_digest(), encoding="utf-8")  # last: it says that all is there


def versions(folder: Path = FOLDER) -> dict[str, str]:
    """Return what `make` has installed, by name."""
    pinned = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in pinned if not line.startswith("#"))
    return dict(sorted((name, number) for name, number in pairs))


def _digest() -> str:
    made_of = f"{sys.version}\n{Path(sys.executable).resolve()}\n{requirements()}"
    return hashlib.sha256(made_of.encode()).hexdigest()


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command[:5])} … failed. `--peers` needs a package index that pip can reach;"
            f" correct the cause, then run it again:\n{(done.stdout + done.stderr)[-2000:]}"
        )
