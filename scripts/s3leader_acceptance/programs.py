"""Programs that run as long as this process: they end with it, also if it is killed."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local_cloud.child_process import ChildProcess, package_path, under_parent

# The wrapper's path and output are not the program's.
_SHELL = 'out=$1 errors=$2; export PYTHONPATH="$3"; shift 3; exec "$@" >"$out" 2>"$errors"'


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program has ended; `code` is None if it was stopped since it took too long."""

    code: int | None
    output: str
    errors: str


class Program:
    """A running program, whose output goes to files named `log`."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], log: Path) -> None:
        """Start the program in the folder of its log."""
        self.log = log.with_suffix(".log")
        self._output = log.with_suffix(".out")
        files = [str(self._output), str(self.log)]
        self._child = ChildProcess(
            under_parent(["sh", "-c", _SHELL, "sh", *files, env.get("PYTHONPATH", ""), *command]),
            env={**env, "PYTHONPATH": package_path()},
            cwd=log.parent,
            output=subprocess.DEVNULL,
        )

    def wait(self, seconds: float) -> Ended:
        """Wait for its end, at most so long, and stop it then."""
        try:
            code: int | None = self._child.process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            self.stop()
        texts = (
            path.read_text(errors="replace") if path.exists() else ""
            for path in (self._output, self.log)
        )
        output, errors = texts
        return Ended(code=code, output=output, errors=errors)

    def stop(self) -> None:
        """Kill the program, if it runs."""
        self._child.kill()
