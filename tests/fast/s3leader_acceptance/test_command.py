"""The command before it creates anything, and what it keeps on disk."""

import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from s3leader_acceptance import __main__ as command
from s3leader_acceptance.account import AcceptanceError, Account
from s3leader_acceptance.checks.table import CHECKS
from s3leader_acceptance.plan import cost
from s3leader_acceptance.progress import Progress
from s3leader_acceptance.results import Check, passed
from s3leader_acceptance.runner import run_checks
from s3leader_acceptance.state import State, read_states


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials, no Region, and an empty folder."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["acceptance", *arguments])
    return command.main()


def test_list_names_each_check_without_credentials(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = run(monkeypatch, "--list"), capsys.readouterr().out
    assert (code, all(check.name in printed for check in CHECKS)) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--only", "race"], 2, "no check is named 'race': expected one of certify"),
        (["--region", "eu-west-1"], 1, "no AWS credentials found: sign in, or give --profile"),
        (["--profile", "none", "--yes"], 1, "The config profile (none) could not be found"),
        (["--everything"], 2, "No such option"),
    ],
)
def test_it_refuses_with_the_remedy(
    arguments: list[str],
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = run(monkeypatch, *arguments)
    assert (ended, message in capsys.readouterr().err) == (code, True)


def test_it_refuses_without_a_region(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    ended = run(monkeypatch)
    assert (ended, "no Region: give --region" in capsys.readouterr().err) == (1, True)


def test_fast_is_for_emulators(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account = SimpleNamespace(endpoint=None)
    monkeypatch.setattr(Account, "open", lambda **_: account)
    ended = run(monkeypatch, "--fast", "--yes")
    assert (ended, "AWS is not as fast" in capsys.readouterr().err) == (2, True)


def test_destroy_has_nothing_to_do_where_no_state_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = run(monkeypatch, "--destroy")
    assert (ended, "no run has left anything" in capsys.readouterr().err) == (0, True)


def test_run_costs_less_than_a_dollar() -> None:
    assert 0.01 < cost() < 1


# ------------------------------------------------------------------------------------ state


@pytest.fixture
def state(tmp_path: Path) -> State:
    account: Any = Account(
        session=None,  # type: ignore[arg-type] # nothing is requested
        number="123456789012",
        region="eu-west-1",
        profile=None,
        endpoint=None,
    )
    return State.create(tmp_path / "runs", account)


def test_state_is_read_as_it_was_written(state: State, tmp_path: Path) -> None:
    state.assets.append(("bucket", "key"))
    state.schedules.append(("group", "name"))
    state.save()
    assert read_states(tmp_path / "runs") == [state]


def test_state_is_readable_by_its_user_alone(state: State) -> None:
    mode = (state.folder / "state.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_forgotten_run_leaves_its_report(state: State, tmp_path: Path) -> None:
    (state.folder / "acceptance.md").write_text("# ")
    state.forget()
    assert (read_states(tmp_path / "runs"), state.folder.exists()) == ([], True)


def test_state_in_use_is_not_free(state: State) -> None:
    with state.locked() as first, state.locked() as second:
        assert (first, second) == (True, False)


def test_two_runs_have_two_names(state: State, tmp_path: Path) -> None:
    account: Any = type("", (), {"number": "1", "region": "r", "endpoint": None})
    assert State.create(tmp_path / "runs", account).stack != state.stack


# ----------------------------------------------------------------------------------- runner


def refusal(code: str, status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Operation")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (refusal("AccessDenied", 403), "not checked"),
        (refusal("InternalFailure", 501), "not checked"),
        (refusal("UnknownOperationException"), "not checked"),
        (refusal("ThrottlingException"), "fail"),
        (NoCredentialsError(), "fail"),
        (None, "pass"),
    ],
)
@pytest.mark.parametrize("early", [True, False])
def test_error_in_a_check_is_its_result(
    error: Exception | None, outcome: str, *, early: bool
) -> None:
    def check(_: Any) -> Any:
        if early and error is not None:
            raise error
        yield
        if error is not None:
            raise error
        return passed()

    said: list[str] = []
    progress: Any = type("", (), {"say": lambda _, text: said.append(text)})()
    deployment: Any = type("", (), {"progress": progress, "programs": []})()
    one = Check(name="one", assumption="", run=check)
    (finding,) = run_checks(deployment, [one])
    assert finding.result.outcome == outcome


def test_wait_says_what_for_and_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    Progress().wait("the answer", lambda: None, seconds=0, every=0)
    assert "not within 0 s: the answer" in capsys.readouterr().err


def test_wait_returns_what_it_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter([None, 42])
    found = Progress().wait("the answer", lambda: next(answers), seconds=90, every=0)
    assert (found, "waiting for the answer: at most 90 s" in capsys.readouterr().err) == (42, True)


def test_errors_of_the_account_are_one_class() -> None:
    with pytest.raises(AcceptanceError, match="no AWS credentials"):
        Account.open(profile=None, region="eu-west-1", endpoint=None)
