"""mypy, as a test: it takes a minute of one core, which the tests that wait for servers leave."""

import subprocess
import sys
from pathlib import Path


def test_mypy_finds_no_error() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
