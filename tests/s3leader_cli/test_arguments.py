"""Usage errors, the version, and how many terms `history` leaves out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import s3leader
from s3leader_cli.__main__ import main
from tests.s3leader_cli.command_line import Cli

COMMANDS = ["status", "history", "depose"]


def usage_error(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(words) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_bucket_is_named_with_the_variable_that_replaces_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.delenv("S3LEADER_BUCKET", raising=False)
    said = usage_error(capsys, command, "nightly")
    assert "Missing option '--bucket' (env var: 'S3LEADER_BUCKET')" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_election_is_named(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert "Missing argument 'ELECTION'" in usage_error(capsys, command, "--bucket", "locks")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("wrong", [["--limt", "3"], ["another"], ["-x"]], ids=str)
def test_a_mistyped_argument_shows_the_usage_of_its_command(
    capsys: pytest.CaptureFixture[str], command: str, wrong: list[str]
) -> None:
    reason = ["--reason", "x"] if command == "depose" else []
    said = usage_error(capsys, command, "nightly", "--bucket", "locks", *reason, *wrong)
    assert said.startswith(f"Usage: s3leader {command} ")
    assert wrong[0] in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "unknown"),
    [
        *((("status", "nightly", short), short) for short in ("--buck", "--pre", "--js", "--leas")),
        (("--verbose", "status", "nightly"), "--verbose"),
    ],
)
def test_an_abbreviated_or_misplaced_option_is_refused(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], unknown: str
) -> None:
    said = usage_error(capsys, *words, "--bucket", "locks")
    assert f"No such option '{unknown}'" in said or f"No such option: {unknown}" in said


def test_the_command_prints_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"s3leader {s3leader.__version__}\n"


def test_the_version_is_that_of_the_distribution() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'version = "{s3leader.__version__}"' in project


def test_a_copy_without_its_distribution_has_an_unknown_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Lambda has only the package's files."""
    monkeypatch.setattr("importlib.metadata.MetadataPathFinder.find_distributions", lambda *_: [])
    assert s3leader.__version__ == "unknown"
    assert not hasattr(s3leader, "version")


def test_importing_the_library_does_not_look_for_its_version() -> None:
    program = "import sys, s3leader; print('importlib.metadata' in sys.modules)"
    command = [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {program}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def history(cli: Cli, terms: int, *words: str) -> tuple[str, bool]:
    """Return what `history` prints of so many terms, and its JSON's `more`."""
    for _ in range(terms):
        cli.lead().resign("resigned")
    table = cli.run("history", *words)[1]
    return table, json.loads(cli.run("history", "--json", *words)[1])["more"]


def test_history_says_how_many_terms_it_leaves_out(cli: Cli) -> None:
    table, more = history(cli, 5, "--limit", "2")
    left_out = "3 older terms are not shown; --limit N or --all shows more\n"
    assert (table.endswith(left_out), more) == (True, True)


def test_history_leaves_out_one_term_in_the_singular(cli: Cli) -> None:
    assert "\n1 older term is not shown" in history(cli, 21)[0]


@pytest.mark.parametrize(("terms", "limit"), [(2, "2"), (2, "3"), (0, "1")])
def test_a_whole_history_leaves_nothing_out(cli: Cli, terms: int, limit: str) -> None:
    table, more = history(cli, terms, "--limit", limit)
    assert ("not shown" in table, more) == (False, False)


def test_without_a_command_the_help_is_printed_as_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    err = capsys.readouterr().err
    assert ("\n  status " in err, "\\n" in err) == (True, False)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("statsu", "No such command 'statsu': did you mean status?"),
        ("xyzzy", "No such command 'xyzzy': there are list, status, watch, "),
    ],
)
def test_a_mistyped_command_says_which_there_are(
    capsys: pytest.CaptureFixture[str], word: str, said: str
) -> None:
    assert said in usage_error(capsys, word, "nightly")


@pytest.mark.parametrize("words", [("list",), ("status", "nightly")], ids=str)
def test_a_prefix_without_its_slash_is_refused(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    said = usage_error(capsys, *words, "--bucket", "locks", "--prefix", "el")
    assert said == "s3leader: prefix 'el' must end in a slash: 'el/'\n"
