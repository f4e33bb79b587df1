"""The history's table where the candidates are Lambda invocations."""

import json

import pytest

from tests.fast.s3leader_cli.command_line import Cli

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


def test_in_120_columns_a_holder_is_its_function_and_the_start_of_its_request_id(
    narrow: Cli,
) -> None:
    assert narrow.run("history")[1].count("│ nightly-compaction/8f0b2c31 ") == 2


def test_in_120_columns_a_term_without_a_reason_takes_one_line(narrow: Cli) -> None:
    _, out, _ = narrow.run("history")
    rows = out[out.index("╇") :].splitlines()[1:]
    assert rows[0].startswith("│    2 │")
    assert rows[1].startswith("│    1 │")


def test_the_candidate_that_sealed_a_lapsed_lock_is_shortened_too(narrow: Cli) -> None:
    assert REQUEST[8:] not in narrow.run("history")[1]


def test_no_line_is_longer_than_the_width(narrow: Cli) -> None:
    assert max(map(len, narrow.run("history")[1].splitlines())) <= 120


def test_json_has_the_whole_holder(narrow: Cli) -> None:
    _, out, _ = narrow.run("history", "--json")
    assert {term["holder"] for term in json.loads(out)["terms"]} == {HOLDER}
