"""Running a long check as a process of its own, as the tests do."""

import os
import subprocess
import sys
from pathlib import Path

from local_cloud.child_process import ChildProcess, package_path, under_parent

_ROOT = Path(__file__).resolve().parent.parent.parent


def run_tool(module: str, *arguments: str, folder: Path, patience_s: float) -> tuple[int, str]:
    """Run a module of this package, that cannot outlive this process; return exit code and output.

    The code is -1 if it did not end in time. `folder` is for what it prints.
    """
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": package_path(), "TMPDIR": str(folder)}
    command = [sys.executable, "-m", f"tests.verification.{module}", *arguments]
    log = folder / "log.txt"
    with log.open("wb") as output:
        running = ChildProcess(under_parent(command), env=env, cwd=_ROOT, output=output)
    try:
        code = running.process.wait(patience_s)
    except subprocess.TimeoutExpired:
        code = -1
    finally:
        running.kill()
    return code, log.read_text(errors="replace")
