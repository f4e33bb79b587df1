"""Sixteen real processes, the real boto3 store, and an S3 that does all it may to confuse them."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3leader_check.run import run

BROKEN = "tests.hostile_s3.broken:"

pytestmark = [pytest.mark.local_cloud, pytest.mark.xdist_group("hostile_s3")]


def contest(folder: Path, *arguments: str) -> tuple[int, str]:
    return run("hostile", "--candidates", "16", *arguments, folder=folder, patience_s=300)


def test_a_hostile_s3_leads_nobody_astray(tmp_path: Path) -> None:
    code, verdict = contest(tmp_path, "--terms", "20")
    assert code == 0, verdict


def test_clocks_that_are_all_wrong_harm_neither_terms_nor_ticks_nor_fenced_writes(
    tmp_path: Path,
) -> None:
    code, verdict = contest(tmp_path, "--terms", "20", "--clocks", "wrong")
    assert code == 0, verdict


@pytest.mark.parametrize(
    ("fault", "clocks", "claims"),
    [
        ("unknown_counts_as_applied", "allowed", ["no two of", "term is higher than all before"]),
        ("leases_are_ignored", "allowed", ["no two of", "unprotected increments"]),
        ("tokens_are_not_compared", "wrong", ["the token of the fenced object never fell"]),
    ],
)
def test_the_witness_tells_when_an_election_is_broken(
    fault: str, clocks: str, claims: list[str], tmp_path: Path
) -> None:
    broken = ("--first", BROKEN + fault, "--clocks", clocks)
    _, verdict = contest(tmp_path, "--terms", "15", "--rate", "0.4", *broken)
    failing = [line for line in verdict.splitlines() if line.startswith("FAILS")]
    missed = [claim for claim in claims if not any(claim in line for line in failing)]
    assert not missed, verdict
