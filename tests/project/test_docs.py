"""The README's code runs as it stands there, and its commands exist."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import boto3
import pytest

from s3leader import Term
from s3leader.aws_lambda import LambdaHandler
from s3leader_cli.arguments import parser
from tests.dated_moto import mock_dated_aws

README = Path(__file__).parents[2] / "README.md"
HANDLER = "from s3leader.aws_lambda import singleton\nhandler = singleton(print)\n"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)


def block(word: str) -> str:
    """Return the one block of code that contains a word."""
    (found,) = (text for text in BLOCKS if word in text)
    return str(found)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_dated_aws():
        for name in ("locks", "data"):
            boto3.client("s3").create_bucket(Bucket=name)
        yield boto3.client("s3")


def run(code: str, **names: object) -> dict[str, Any]:
    exec(compile(code, str(README), "exec"), names)  # noqa: S102 - that is the test
    return names


class Context:
    function_name = "billing"
    aws_request_id = "1"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def test_decorated_handler_answers_as_the_readme_says(
    bucket: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3LEADER_BUCKET", "locks")
    monkeypatch.setenv("S3LEADER_ELECTION", "billing")
    invoices, charged = [10, 20, 30], []

    def unpaid(after: int | None) -> list[int]:
        return [invoice for invoice in invoices if after is None or invoice > after]

    def charge(invoice: int, fencing_token: int) -> None:
        if invoice == 30 and fencing_token == 1:
            raise ConnectionError
        charged.append((invoice, fencing_token))

    names = run(block("@singleton"), unpaid=unpaid, charge=charge)
    handler: LambdaHandler = names["handler"]
    event = {"tick": "2026-11-23T06:00:00Z"}
    with pytest.raises(ConnectionError):
        handler(event, Context())
    assert handler(event, Context())["outcome"] == "completed"
    assert charged == [(10, 1), (20, 1), (30, 2)]


def test_a_unit_test_of_a_decorated_handler_needs_no_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("S3LEADER_ELECTION", raising=False)
    names = run(block("@singleton"), unpaid=lambda after: [], charge=None)
    run(block("s3leader.testing"), handler=names["handler"])


def elsewhere() -> tuple[Term, list[int]]:
    """Run the long-running process until its third poll."""
    polled: list[int] = []

    def poll(fencing_token: int) -> None:
        polled.append(fencing_token)
        if len(polled) == 3:
            names["term"].resign()

    names: dict[str, Any] = {"poll": poll}
    exec(compile(block("from s3leader import Election"), str(README), "exec"), names)  # noqa: S102
    return names["term"], polled


def test_election_elsewhere_leads_until_it_resigns(bucket: object) -> None:
    term, polled = elsewhere()
    assert (term.outcome, polled) == ("completed", [1, 1, 1])


def test_fenced_object_carries_the_token(bucket: Any) -> None:
    run(block("FencedObject"), term=elsewhere()[0])
    body = bucket.get_object(Bucket="data", Key="reports/latest.json")["Body"].read()
    assert b'"fencing_token":1' in body


def test_constructs_synthesize(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "billing").mkdir()
    (tmp_path / "billing" / "main.py").write_text(HANDLER)
    output = str(tmp_path / "cdk.out")
    app = f"App(context={{'aws:cdk:bundling-stacks': []}}, outdir={output!r})"
    run(block("SingletonJob").replace("App()", app))
    assert (tmp_path / "cdk.out" / "Billing.template.json").exists()


def test_every_relative_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text())
    missing = [link for link in links if not (README.parent / link).exists()]
    assert (len(links) > 3, missing) == (True, [])


SHELL = {
    (page.name, number): text
    for page in (README, *sorted((README.parent / "docs").glob("*.md")))
    for number, text in enumerate(re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL))
}


@pytest.mark.parametrize("place", SHELL, ids=lambda place: f"{place[0]}-{place[1]}")
def test_every_shell_block_of_the_pages_is_one(place: tuple[str, int]) -> None:
    done = subprocess.run(
        ["bash", "-n"], input=SHELL[place], text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def commands() -> list[list[str]]:
    """Return the words of each command in the README's shell blocks."""
    blocks = [text for (page, _), text in SHELL.items() if page == "README.md"]
    lines = "\n".join(blocks).splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def test_the_command_line_takes_the_readme_s_arguments() -> None:
    asked = [words[1:] for words in commands() if words[0] == "s3leader"]
    assert [parser({}).parse_args(words).command for words in asked] == [
        *("status", "history", "depose"),
    ]


def test_every_script_that_the_readme_starts_is_there() -> None:
    scripts = [words[0] for words in commands() if words[0].startswith("scripts/")]
    assert {name for name in scripts if os.access(README.parent / name, os.X_OK)} == {*scripts}


def test_every_extra_that_the_readme_installs_is_declared() -> None:
    project = tomllib.loads((README.parent / "pyproject.toml").read_text())["project"]
    (asked,) = (words[2] for words in commands() if words[:2] == ["pip", "install"])
    assert {*re.findall(r"\w+", asked)} == {*project["optional-dependencies"]}
