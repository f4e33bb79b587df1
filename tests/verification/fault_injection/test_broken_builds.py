"""The clients' own event logs tell a broken election from the one that ships."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.verification.fault_injection.run_broken_builds import (
    BUILDS,
    SHIPPED,
    Build,
    failing,
    rounds_until_caught,
)


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.rule)
def test_logs_alone_show_which_rule_is_missing(build: Build, tmp_path: Path) -> None:
    assert rounds_until_caught(build, tmp_path) is not None


@pytest.mark.parametrize("settings", [(), ("--echo",), ("--clocks", "wrong")], ids=" ".join)
def test_logs_of_what_ships_keep_every_promise(settings: tuple[str, ...], tmp_path: Path) -> None:
    assert failing(replace(SHIPPED, settings=settings), tmp_path, terms=20) == []


def test_a_run_without_logs_would_prove_nothing(tmp_path: Path) -> None:
    failing(SHIPPED, tmp_path, terms=5)
    assert (tmp_path / "logs" / "candidate-1.jsonl").stat().st_size > 0
