import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local_cloud import LocalCloud, LocalCloudError
from local_cloud.child_process import kill_group, package_path
from local_cloud.cloud import stop_kept

STARTER = """
import signal, sys, time
from pathlib import Path
from local_cloud import LocalCloud
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup makes its children ignore it
with LocalCloud(Path(sys.argv[1])) as cloud:
    print(cloud.group, flush=True)
    if sys.argv[2] == "keep":
        cloud.keep()
    else:
        time.sleep(600)
"""


def runs(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


SLOWEST = 6  # times: how much slower than the machine of the seconds below another may be


def eventually(claim: Callable[[], bool], seconds: float = 10) -> bool:
    """Wait until a claim is true, on a slow machine too."""
    return happens_within(SLOWEST * seconds, claim)


def happens_within(seconds: float, claim: Callable[[], bool]) -> bool:
    """Return whether a claim comes true within the time; use it for what must not happen."""
    deadline = time.monotonic() + seconds
    while not claim() and time.monotonic() < deadline:
        time.sleep(0.05)
    return claim()


def start(directory: Path, way: str) -> tuple[subprocess.Popen[str], int]:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(directory), way],
        env={**os.environ, "PYTHONPATH": package_path()},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert starter.stdout is not None
    with starter.stdout:
        return starter, int(starter.stdout.readline())


def test_leaving_the_block_stops_the_cloud(tmp_path: Path) -> None:
    with LocalCloud(tmp_path) as cloud:
        group = cloud.group
        assert runs(group)
    assert not runs(group)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_cloud_ends_with_the_process_that_started_it(
    tmp_path: Path, number: signal.Signals
) -> None:
    starter, group = start(tmp_path, "wait")
    starter.send_signal(number)
    starter.wait()
    assert eventually(lambda: not runs(group))


def test_a_kept_cloud_runs_until_it_is_stopped(tmp_path: Path) -> None:
    starter, group = start(tmp_path, "keep")
    try:
        starter.wait()
        kept = not happens_within(1, lambda: not runs(group))
        stop_kept(tmp_path)
        assert (kept, eventually(lambda: not runs(group))) == (True, True)
    finally:
        kill_group(group)


def test_a_cloud_that_cannot_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/ls")
    with pytest.raises(LocalCloudError, match="the emulator ended during its start"):
        LocalCloud(tmp_path).__enter__()


def test_no_setting_of_this_machine_reaches_the_cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "HTTPS_PROXY", "PYTHONPATH", "S3LEADER_BUCKET"):
        monkeypatch.setenv(name, "elsewhere")
    with LocalCloud(tmp_path) as cloud:
        assert "elsewhere" not in cloud.env.values()
