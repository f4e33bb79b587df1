import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local_cloud.test_lifetime import eventually

ROOT = Path(__file__).resolve().parents[2]


def command_lines(directory: Path) -> list[str]:
    """Return the processes that work in a directory: the cloud and the CDK CLI both name it."""
    command = ["ps", "-ww", "-eo", "args"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in shown.splitlines() if f"{directory}/" in line]


def start(directory: Path) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(str(ROOT / name) for name in ("scripts", "lambda_src"))
    return subprocess.Popen(
        [sys.executable, "-m", "s3leader_demo", "--directory", str(directory)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_demo_leaves_no_process_behind(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    demo = start(tmp_path)
    cdk_runs = eventually(lambda: any("cdk.out" in line for line in command_lines(tmp_path)), 30)
    demo.send_signal(number)
    ended = demo.wait(180)
    gone = eventually(lambda: not command_lines(tmp_path), 10)
    assert (cdk_runs, ended, gone) == (True, code, True)
