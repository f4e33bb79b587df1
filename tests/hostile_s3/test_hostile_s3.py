"""Sixteen real processes, the real boto3 store, and an S3 that does all it may to confuse them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_cloud.lifeline import Lifeline

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 300
BROKEN = "tests.hostile_s3.broken:"

pytestmark = [pytest.mark.local_cloud, pytest.mark.xdist_group("hostile_s3")]


def contest(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run a contest in processes that end with this one; return its exit code and verdict."""
    command = [sys.executable, "-m", "local_cloud.lifeline", "{lifeline}"]
    command += [sys.executable, "-m", "s3leader_check.hostile", "--candidates", "16", *arguments]
    paths = [ROOT / "scripts", ROOT / "lambda_src", ROOT]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, paths))}
    log = folder / "log.txt"
    with log.open("wb") as output:
        running = Lifeline(command, env=env, cwd=ROOT, output=output)
    try:
        code = running.process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        code = -1
    finally:
        running.kill()
    return code, log.read_text()


def test_a_hostile_s3_leads_nobody_astray(tmp_path: Path) -> None:
    code, verdict = contest(tmp_path, "--terms", "20")
    assert code == 0, verdict


def test_clocks_that_are_all_wrong_harm_neither_terms_nor_ticks_nor_fenced_writes(
    tmp_path: Path,
) -> None:
    code, verdict = contest(tmp_path, "--terms", "20", "--clocks", "wrong")
    assert code == 0, verdict


@pytest.mark.parametrize(
    ("fault", "clocks", "claim"),
    [
        ("unknown_counts_as_applied", "allowed", "no two of"),
        ("unknown_counts_as_applied", "allowed", "each reign's term is higher"),
        ("leases_are_ignored", "allowed", "no two of"),
        ("leases_are_ignored", "allowed", "unprotected increments"),
        ("tokens_are_not_compared", "wrong", "the token of the fenced object never fell"),
    ],
)
def test_the_witness_tells_when_an_election_is_broken(
    fault: str, clocks: str, claim: str, verdicts: dict[str, str], tmp_path: Path
) -> None:
    if fault not in verdicts:
        arguments = (
            "--terms",
            "12",
            "--rate",
            "0.4",
            "--clocks",
            clocks,
            "--first",
            BROKEN + fault,
        )
        verdicts[fault] = contest(tmp_path, *arguments)[1]
    failing = [line for line in verdicts[fault].splitlines() if line.startswith("FAILS")]
    assert any(claim in line for line in failing), verdicts[fault]


@pytest.fixture(scope="module")
def verdicts() -> dict[str, str]:
    return {}
