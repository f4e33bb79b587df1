"""With `--json`, an error of any command is one JSON document on standard output."""

import json
from collections.abc import Iterator

import click
import pytest

from s3leader import BucketUnusable, InvalidArgument, StoreUnavailable
from s3leader._core.requests import Read
from s3leader._io.memory_store import Fault
from s3leader_cli.__main__ import main
from s3leader_cli.app import app
from s3leader_cli.aws import deployed_job
from s3leader_cli.aws.failures import OutcomeUnknown, RequestFailed
from s3leader_cli.exit_codes import Unchanged
from tests.s3leader_cli.command_line import TICK, Cli

SAMPLES = {"tick": TICK, "above": "1", "done": "none"}
RAISED = [
    (Unchanged(), "not_confirmed", 1),
    (BucketUnusable("no right", action="a", resource="r", code="403"), "bucket_unusable", 1),
    (StoreUnavailable("no answer"), "store_unavailable", 1),
    (InvalidArgument("expected a slash"), "usage", 2),
    (RequestFailed("no right", code="AccessDenied"), "denied", 1),
    (RequestFailed("throttled", code="Throttling"), "request_failed", 1),
    (OutcomeUnknown("502"), "outcome_unknown", 1),
    (click.ClickException("no such tick"), "failed", 1),
    (click.UsageError("--a goes without --b"), "usage", 2),
    (ModuleNotFoundError(name="rich"), "package_missing", 1),
]


def leaves(command: click.Command | None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of all commands with `--json`, and of what they require."""
    assert command is not None
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from leaves(command.get_command(context, name), (*path, name))
    elif any("--json" in each.opts for each in command.params) and path != ("run",):
        words = [*path]
        for each in command.params:
            if each.required:
                words += [each.opts[0]] if each.opts[0].startswith("-") else []
                words.append(SAMPLES.get(each.name or "", "nightly"))
        yield tuple(words)


COMMANDS = [*leaves(app)]


def document(out: str) -> tuple[str, str]:
    (line,) = out.splitlines()
    error = json.loads(line)["error"]
    assert error.keys() == {"kind", "message"}
    return error["kind"], error["message"]


def raising(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let every command raise this, once its options are known."""
    invoke = click.Command.invoke

    def fail(self: click.Command, context: click.Context) -> object:
        if isinstance(self, click.Group):
            return invoke(self, context)
        raise error

    monkeypatch.setattr(click.Command, "invoke", fail)


@pytest.mark.parametrize("raised", RAISED, ids=[each[1] for each in RAISED])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_error_is_one_document_and_text_for_people(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    raised: tuple[Exception, str, int],
) -> None:
    error, kind, code = raised
    raising(monkeypatch, error)
    assert main([*words, "--json"]) == code
    out, err = capsys.readouterr()
    found, message = document(out)
    assert (found, err.splitlines()[-1]) == (kind, f"s3leader: {message}")
    assert main(words) == code
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_word_that_click_does_not_know_is_a_document_too(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert main([*words, "--no-such-option", "--json"]) == 2
    kind, message = document(capsys.readouterr().out)
    assert (kind, "--no-such-option" in message) == ("usage", True)


def test_option_that_is_the_value_of_another_is_none(cli: Cli) -> None:
    cli.lead()
    assert cli.run("depose", "--force", "--reason", "--json")[:2] == (1, "")


def test_configuration_that_cannot_be_read_is_a_document(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3LEADER_CONFIG", "/no/such/file")
    code, out, _ = cli.run("status", "--json")
    assert (code, document(out)[0]) == (2, "usage")


def test_run_leaves_standard_output_to_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--json", "--no-such-option", "--", "true"]) != 0
    assert capsys.readouterr().out == ""


def test_every_command_with_the_option_is_tested() -> None:
    assert {"list", "watch", "repair", "certify", "cost"} <= {each[0] for each in COMMANDS}


def test_error_of_s3_is_a_document(cli: Cli) -> None:
    cli.lead()
    cli.store.script(Fault.REFUSED, on=Read, times=9)
    code, out, _ = cli.run("status", "--json")
    assert (code, document(out)[0]) == (1, "bucket_unusable")


@pytest.mark.parametrize("command", ["skip", "depose"])
def test_command_that_nobody_confirms_is_a_document(cli: Cli, command: str) -> None:
    cli.lead().resign("failed") if command == "skip" else cli.lead()
    more = [TICK] if command == "skip" else ["--force"]
    code, out, _ = cli.run(command, *more, "--reason", "why", "--json")
    assert (code, *document(out)) == (1, "not_confirmed", "nothing was changed")


def test_missing_right_is_a_document(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_jobs(*_: object) -> None:
        raise RequestFailed("no right", code="AccessDeniedException")

    monkeypatch.setattr(deployed_job, "find_jobs", find_jobs)
    code, out, _ = cli.run("logs", "--json")
    assert (code, *document(out)) == (1, "denied", "no right")


def test_nothing_is_added_to_output_that_has_begun(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`watch` prints a line for each change; an error that ends it is on standard error."""

    def pause(_: float) -> None:
        raise RequestFailed("no right")

    cli.lead()
    monkeypatch.setattr("time.sleep", pause)
    code, out, err = cli.run("watch", "--json")
    assert (code, [json.loads(each)["event"] for each in out.splitlines()]) == (1, ["leads"])
    assert err == "s3leader: no right\n"


def test_interruption_is_no_error(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def observe(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("s3leader.Election.observe", observe)
    code, out, _ = cli.run("status", "--json")
    assert (code, out) == (130, "")
