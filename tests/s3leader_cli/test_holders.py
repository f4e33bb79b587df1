"""The history's table where the candidates are Lambda invocations."""

import json

import pytest

from tests.s3leader_cli.command_line import Cli

REQUEST = "8f0b2c31-52a6-4f5e-9d7e-0c1d2e3f4a5b"
HOLDER = f"nightly-compaction/{REQUEST}/00c0ffee"


@pytest.fixture
def narrow(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Two terms, the first taken over from, in 120 columns."""
    monkeypatch.setenv("COLUMNS", "120")
    cli.lead(HOLDER)
    cli.pass_time(34)
    cli.lead(HOLDER)
    return cli


def test_in_120_columns_a_term_without_a_reason_takes_one_line_with_a_shortened_holder(
    narrow: Cli,
) -> None:
    _, out, _ = narrow.run("history")
    rows = out[out.index("╇") :].splitlines()[1:]
    for term, row in zip((2, 1), rows, strict=False):
        assert row.startswith(f"   {term} │")
        assert "│ nightly-compaction/8f0b2c31 │ 2026-11-23 06:00:00Z │" in row
    assert REQUEST[8:] not in out  # neither the holder nor the candidate that sealed its lock
    assert max(map(len, out.splitlines())) <= 120


def test_in_80_columns_no_day_is_broken(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s3leader_cli.observe.view._WIDTH", 80)
    cli.lead(HOLDER)
    _, out, _ = cli.run("history")
    assert "│ 2026-11-23 │ 1   │ 2026-11-23 │" in out
    assert "│ 06:00:00Z  │     │ 06:00:01Z  │" in out
    assert max(map(len, out.splitlines())) <= 80


def test_json_has_the_whole_holder(narrow: Cli) -> None:
    _, out, _ = narrow.run("history", "--json")
    assert {term["holder"] for term in json.loads(out)["terms"]} == {HOLDER}
