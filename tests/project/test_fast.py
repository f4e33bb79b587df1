"""What keeps `scripts/test --fast` fast can fail: `tests/fast/conftest.py`."""

import subprocess
import sys
from pathlib import Path

import pytest

GUARD = Path(__file__).parents[1] / "fast" / "conftest.py"
LISTENS = "import socket\n\ndef test_it() -> None:\n    socket.create_server(('127.0.0.1', 0))\n"
LISTENS_IN_THREAD = """
import http.server, threading

def serve() -> None:
    try:
        http.server.HTTPServer(("127.0.0.1", 0), None)
    except AssertionError:
        pass

def test_it() -> None:
    thread = threading.Thread(target=serve)
    thread.start()
    thread.join()
"""
SYNTHESIZES = "import aws_cdk\n\ndef test_it() -> None: ...\n"


def run(folder: Path, test: str) -> tuple[int, str]:
    """Run a test guarded as those in tests/fast are."""
    (folder / "conftest.py").write_text(GUARD.read_text())
    (folder / "test_it.py").write_text(test)
    (folder / "aws_cdk.py").write_text("")  # the real one takes seconds
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    done = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("test", [LISTENS, LISTENS_IN_THREAD], ids=["in the test", "in a thread"])
def test_a_fast_test_that_starts_a_server_fails(tmp_path: Path, test: str) -> None:
    code, output = run(tmp_path, test)
    assert (code, "listens on a socket: move it to tests/contract" in output) == (1, True)


def test_fast_tests_that_import_the_cdk_are_not_run(tmp_path: Path) -> None:
    code, output = run(tmp_path, SYNTHESIZES)
    assert (code, "imports aws_cdk: move it to tests/infra" in output) == (4, True)


def test_any_other_test_passes(tmp_path: Path) -> None:
    assert run(tmp_path, "def test_it() -> None: ...\n")[0] == 0
