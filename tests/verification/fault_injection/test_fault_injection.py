"""Sixteen real processes, the real store, and an S3 that does all it may to confuse them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verification.run_tool import run_tool

BROKEN = "tests.verification.fault_injection.broken_builds:"
ROUNDS = 12  # far more than were ever needed


def contest(folder: Path, *arguments: str) -> tuple[int, str]:
    return run_tool(
        "fault_injection", "--candidates", "16", *arguments, folder=folder, patience_s=1200
    )


@pytest.mark.parametrize(
    "settings", [(), ("--echo",), ("--clocks", "wrong", "--boto3", "8")], ids=" ".join
)
def test_a_faulty_s3_breaks_no_promise(settings: tuple[str, ...], tmp_path: Path) -> None:
    code, verdict = contest(tmp_path, "--terms", "14", *settings)
    assert code == 0, verdict


# With a long lease a fault of leases shows on a slow machine too: there is time to do harm in. No
# candidate waits for a lease that it ignores. All claims but those of increments, deadlines and the
# fenced object's token are judged by the event logs alone.
@pytest.mark.parametrize(
    ("build", "settings", "claims"),
    [
        ("leases_are_ignored", ["--lease", "10"], ["no two of", "unprotected increments"]),
        (
            "unknown_counts_as_applied",
            [],
            ["term numbers is won twice", "no two of", "term is higher than all before"],
        ),
        (
            "conflicts_are_believed",
            ["--patience", "20"],
            ["no candidate whose campaign reported a loss holds the lock"],
        ),
        ("done_is_forgotten", [], ["no later term is led for it"]),
        (
            "tokens_are_not_compared",
            ["--clocks", "wrong"],
            ["began after one with a higher token", "token of the fenced object never fell"],
        ),
        (
            "asyncio_deadlines_count_from_answers",
            ["--asyncio", "--terms", "4"],
            ["deadlines is later than a lease after the write"],
        ),
    ],
)
def test_event_logs_show_which_rule_is_missing(
    build: str, settings: list[str], claims: list[str], tmp_path: Path
) -> None:
    """What a broken election does is left to chance and the machine: it runs until it is caught."""
    missed, verdicts = set(claims), []
    for seed in range(1, ROUNDS + 1):
        folder = tmp_path / str(seed)
        folder.mkdir()
        broken = ("--first", BROKEN + build, "--seed", str(seed), "--rate", "0.4", *settings)
        verdicts.append(contest(folder, "--terms", "15", *broken)[1])
        failing = [line for line in verdicts[-1].splitlines() if line.startswith("FAILS")]
        missed -= {claim for claim in claims if any(claim in line for line in failing)}
        if not missed:
            return
    pytest.fail(f"{ROUNDS} rounds do not show {missed}:\n" + "\n".join(verdicts))
