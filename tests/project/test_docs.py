"""The code of README.md and docs/library.md runs as written; what pages name exists."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import click
import pytest

from s3leader import Election, LeadershipLost, Term
from s3leader._core import protocol
from s3leader.aws_lambda import LambdaHandler
from s3leader.testing import invoke
from s3leader_cli.app import app
from s3leader_cli.run.words import split_command
from tests.dated_moto import mock_dated_aws

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [
    README,
    *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
HANDLER = "from s3leader.aws_lambda import singleton\nhandler = singleton(print)\n"
BLOCKS = [
    text
    for page in (README, ROOT / "docs" / "library.md")
    for text in re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
]


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


def test_the_decorated_handler_of_the_readme_continues_from_its_checkpoint(
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


def test_a_handler_that_names_its_job_runs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "billing").mkdir()
    (tmp_path / "billing" / "main.py").write_text("def work(event, context, term): return 17\n")
    monkeypatch.syspath_prepend(tmp_path)
    handler = run(block('singleton("billing.main:work")'))["handler"]
    with patch.dict(sys.modules):  # the package of another test has the same name
        sys.modules.pop("billing", None)
        assert invoke(handler)["result"] == 17


def elsewhere() -> tuple[Term, list[int]]:
    """Run the long-running process until its third poll."""
    polled: list[int] = []

    def poll(fencing_token: int) -> None:
        polled.append(fencing_token)
        if len(polled) == 3:
            names["term"].resign()

    names: dict[str, Any] = {"poll": poll}
    exec(compile(block("    with term, term.keep_renewing()"), str(README), "exec"), names)  # noqa: S102
    return names["term"], polled


def test_election_elsewhere_leads_until_it_resigns(bucket: object) -> None:
    term, polled = elsewhere()
    assert (term.outcome, polled) == ("completed", [1, 1, 1])


def test_a_worker_leads_all_shards_until_it_is_stopped(
    bucket: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_signal: list[Any] = []
    consumed: set[str] = set()

    def consume(shard: str, fencing_token: int) -> None:
        consumed.add(shard)
        if len(consumed) == 3:
            on_signal[0]()

    monkeypatch.setattr("signal.signal", lambda _, handler: on_signal.append(handler))
    run(block("Partitions(").replace("range(64)", "range(3)"), consume=consume)["share"]()
    locks = [Election(f"shards/{number}", bucket="locks").observe() for number in range(3)]
    assert [lock.outcome for lock in locks if lock] == ["resigned"] * 3


def test_an_observer_is_reported_of_a_lost_term(
    bucket: object, capsys: pytest.CaptureFixture[str]
) -> None:
    election = run(block("class Pages(Observer)"))["election"]
    term = election.campaign()
    Election("nightly", bucket="locks").depose(reason="a test", force=True)
    with pytest.raises(LeadershipLost):
        term.renew()
    assert "nightly: term 1 is lost: " in capsys.readouterr().out


def test_a_term_is_observed_with_open_telemetry(
    bucket: object, capsys: pytest.CaptureFixture[str]
) -> None:
    run(block("OpenTelemetryObserver"))
    assert "'election': 'nightly', 'term': 1" in capsys.readouterr().out


def test_the_asyncio_program_leads_until_its_block_is_left(bucket: object) -> None:
    polled: list[int] = []

    def poll(fencing_token: int) -> None:
        polled.append(fencing_token)
        if len(polled) == 2:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(block("AsyncElection("), poll=poll)
    lock = Election("poller", bucket="locks").observe()
    assert lock is not None
    assert (polled, lock.outcome, lock.state) == ([1, 1], "failed", {"polled": True})


def test_fenced_object_carries_the_token(bucket: Any) -> None:
    run(block("FencedObject"), term=elsewhere()[0])
    body = bucket.get_object(Bucket="data", Key="reports/latest.json")["Body"].read()
    assert b'"fencing_token":1' in body


def test_large_file_is_created_once(bucket: Any) -> None:
    names = {"s3": bucket, "rows": b"1,2\n", "term": Election("report", bucket="locks").campaign()}
    run(block("create_until_known"), **names)
    with pytest.raises(FileExistsError, match=r"reports/term_1\.csv"):
        run(block("create_until_known"), **names)
    assert bucket.get_object(Bucket="data", Key="reports/term_1.csv")["Body"].read() == b"1,2\n"


def test_constructs_synthesize(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "billing").mkdir()
    (tmp_path / "billing" / "main.py").write_text(HANDLER)
    output = str(tmp_path / "cdk.out")
    app = f"App(context={{'aws:cdk:bundling-stacks': []}}, outdir={output!r})"
    run(block("SingletonJob").replace("App()", app))
    assert (tmp_path / "cdk.out" / "Billing.template.json").exists()


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def links(page: Path) -> list[tuple[Path, str]]:
    """Return the file and the anchor of each relative link."""
    found = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", prose(page))
    return [((page.parent / target).resolve() if target else page, to) for target, to in found]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page: Path) -> None:
    assert [
        (str(target), anchor)
        for target, anchor in links(page)
        if not target.exists() or (anchor and anchor not in anchors(target))
    ] == []


def test_the_states_in_the_concepts_are_those_of_the_protocol() -> None:
    drawn = re.findall(r"```text\n(.*?)```", (ROOT / "docs/concepts.md").read_text(), re.DOTALL)
    lines = {line.strip() for line in (protocol.__doc__ or "").splitlines()}
    assert drawn
    assert {line.strip() for text in drawn for line in text.splitlines()} - lines == set()


def test_every_page_is_linked_from_another() -> None:
    linked = {target for page in PAGES for target, _ in links(page) if target != page}
    folders = {target for target in linked if target.is_dir()}
    docs = {page for page in PAGES if page.is_relative_to(ROOT / "docs")}
    assert {page for page in docs - linked if page.parent not in folders} == set()


def test_every_file_that_a_page_names_exists() -> None:
    folders = r"docs|examples|lambda_src|scripts|stacks|tests"
    named = {
        (page.name, name)
        for page in PAGES
        if page.name != "CHANGELOG.md"  # names what existed then
        for name in re.findall(rf"`((?:{folders})/[\w./-]+)`", page.read_text())
    }
    assert {each for each in named if not (ROOT / each[1]).exists()} == set()


def test_every_module_that_a_page_runs_exists() -> None:
    text = "".join(page.read_text() for page in PAGES)
    modules = set(re.findall(r"python -m ([\w.]+)", text)) - {"venv", "pip"}
    assert {name for name in modules if importlib.util.find_spec(name) is None} == set()


def test_every_test_that_a_page_names_exists() -> None:
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in [path.stem, *re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)]
    }
    named = {
        name for page in PAGES for name in re.findall(r"\b(test_\w+)(?:\.py)?`", page.read_text())
    }
    assert named - written == set()


SHELL = {
    (page.name, number): text
    for page in PAGES
    for number, text in enumerate(re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL))
}
SHOWN = "\n".join(
    line[2:] for page in PAGES for line in page.read_text().splitlines() if line.startswith("$ ")
)


@pytest.mark.parametrize("place", SHELL, ids=lambda place: f"{place[0]}-{place[1]}")
def test_every_shell_block_of_the_pages_is_one(place: tuple[str, int]) -> None:
    done = subprocess.run(
        ["bash", "-n"], input=SHELL[place], text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def commands(*pages: str) -> list[list[str]]:
    """Return the words of each command in the shell blocks of pages (default: all)."""
    texts = [text for (page, _), text in SHELL.items() if page in pages or not pages]
    lines = "\n".join(re.sub(r"'\n.*?\n'", "''", text, flags=re.DOTALL) for text in texts)
    lines = lines.replace("\\\n", " ")  # a command may go on in the next line
    return [words for line in lines.splitlines() if (words := shlex.split(line, comments=True))]


def parsed(words: list[str]) -> str:
    """Parse the words without running the command, and return its name."""
    own, _ = split_command(words)
    # docs/operating.md sets the bucket once, and --endpoint-url sets a variable.
    with patch.dict(os.environ, S3LEADER_BUCKET="locks"), click.Context(app) as context:
        command = app.get_command(context, own[0])
        assert command is not None, own
        command.make_context(own[0], own[1:], parent=context)
    return own[0]


def test_the_command_line_takes_the_arguments_of_the_pages() -> None:
    lines = [*commands(), *(shlex.split(line, comments=True) for line in SHOWN.splitlines())]
    named = {parsed(words[1:]) for words in lines if words[0] == "s3leader"}
    assert {"status", "history", "depose", "run", "trigger", "redrive", "repair"} <= named


def test_every_script_that_a_page_starts_is_executable() -> None:
    scripts = {words[0] for words in commands() if words[0].startswith("scripts/")}
    assert {"scripts/demo", "scripts/test"} <= scripts
    assert {name for name in scripts if not os.access(ROOT / name, os.X_OK)} == set()


def test_every_extra_that_the_readme_installs_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (asked,) = (words[2] for words in commands("README.md") if words[:2] == ["pip", "install"])
    assert {*re.findall(r"\w+", asked)} == {*project["optional-dependencies"]}


def test_the_readme_is_a_page() -> None:
    assert len(README.read_text().splitlines()) <= 120


def test_the_price_of_a_standby_is_the_same_on_each_page() -> None:
    """By `poll`: that of five seconds, and the default."""
    curve = re.findall(
        r"^\| (\d+) s \| [\d,]+ \| ([\d.]+) \| [\d.]+ \| [\d.]+ \| 0",
        (ROOT / "docs/performance.md").read_text().partition("**The curve")[2],
        re.MULTILINE,
    )
    prices = dict(reversed(curve))  # the first table's row of each key comes last, and stays
    library = (ROOT / "docs/library.md").read_text()
    assert f"costs ${prices['5']} a month instead of ${prices['2']}," in library
    assert (
        f"at 5 s, ${prices['5']}" in next((ROOT / "docs/decisions").glob("0030-*.md")).read_text()
    )
