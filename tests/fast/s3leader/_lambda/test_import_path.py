"""A handler that is named by its import path: only an elected invocation imports the job."""

from __future__ import annotations

import json
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aws_lambda_powertools import Logger

from s3leader import InvalidArgument
from s3leader._core.requests import Create, Found, Read
from s3leader._io.memory_store import MemoryStore
from s3leader._lambda.import_path import ImportedHandler
from s3leader._lambda.settings import Arguments
from s3leader.aws_lambda import LambdaHandler, _decorator, singleton
from s3leader.testing import invoke
from tests.fast.s3leader._lambda.invocations import FIRST, TICK, UNSEALED, Context

WORK = "def work(event, context, term): return f'worked in term {term.number}'"
BAD_FUNCTIONS = {
    "": "names a function that jobs.main does not define",
    "work = 5": "'jobs.main:work' is 5, expected a function",
    "async def work(event, context, term): ...": "is an async function",
    "def work(event, context, term): yield": "contains `yield`",
    "def work(event, context): ...": "third positional parameter, `term`",
    "from s3leader.aws_lambda import singleton\n@singleton\n"
    + WORK: "is decorated with @singleton already",
}
BAD_MODULES = {
    "import no_such_module_of_anybody": ModuleNotFoundError,
    "import jobs.elsewhere": ModuleNotFoundError,
    "raise ZeroDivisionError": ZeroDivisionError,
    "def work(:": SyntaxError,
}


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Write the module `jobs.main`, of which nothing has been imported."""
    (tmp_path / "jobs").mkdir()
    monkeypatch.syspath_prepend(tmp_path)

    def write(source: str) -> None:
        (tmp_path / "jobs" / "main.py").write_text(textwrap.dedent(source))

    write(WORK)
    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "jobs"]:
        del sys.modules[name]


pytestmark = pytest.mark.usefixtures("job")


def named(store: MemoryStore, path: str = "jobs.main:work") -> LambdaHandler:
    return _decorator(Arguments(election="nightly", bucket="locks"), store)(
        ImportedHandler.parse(path)
    )


def outcome(store: MemoryStore) -> object:
    found = store.perform(Read(FIRST))
    assert isinstance(found, Found)
    return json.loads(found.body)["outcome"]


def test_the_elected_invocation_imports_the_job_and_returns_its_result() -> None:
    handler = singleton("jobs.main:work")
    assert "jobs" not in sys.modules
    assert invoke(handler, tick=TICK)["result"] == "worked in term 1"


def test_a_follower_does_not_import_the_job() -> None:
    store = MemoryStore()
    store.perform(Create(FIRST, UNSEALED))
    assert named(store)({"tick": TICK}, Context())["reason"] == "held"
    assert "jobs" not in sys.modules


def test_the_decorators_options_apply() -> None:
    store = MemoryStore()
    invoke(singleton("jobs.main:work", election="nightly", prefix="x/"), tick=TICK, store=store)
    assert store.keys() == ("x/nightly/lock_0000000001.json",)


def test_undecorated_imports_the_function_and_calls_it(job: Callable[[str], None]) -> None:
    job("def work(event, context, term): return event['x'] + 1")
    handler = singleton("jobs.main:work")
    assert (handler.undecorated({"x": 1}, None, None), handler.undecorated.__name__) == (2, "work")  # type: ignore[arg-type]


def test_middleware_above_it_is_called_too() -> None:
    handler = Logger(service="billing").inject_lambda_context(singleton("jobs.main:work"))
    assert invoke(handler, tick=TICK)["elected"]


@pytest.mark.parametrize(("source", "problem"), BAD_FUNCTIONS.items(), ids=BAD_FUNCTIONS)
def test_a_function_that_the_decorator_would_refuse_fails_the_term(
    job: Callable[[str], None], source: str, problem: str
) -> None:
    job(source)
    store = MemoryStore()
    with pytest.raises(InvalidArgument, match=problem.replace("(", r"\(")):
        named(store)({"tick": TICK}, Context())
    assert outcome(store) == "failed"


@pytest.mark.parametrize(("source", "error"), BAD_MODULES.items(), ids=BAD_MODULES)
def test_what_importing_the_job_raises_fails_the_term_and_is_raised(
    job: Callable[[str], None], source: str, error: type[Exception]
) -> None:
    job(source)
    store = MemoryStore()
    with pytest.raises(error) as raised:
        named(store)({"tick": TICK}, Context())
    assert (outcome(store), isinstance(raised.value, InvalidArgument)) == ("failed", False)


def test_a_result_that_is_not_finished_fails_the_term(job: Callable[[str], None]) -> None:
    job("def work(event, context, term): return iter(())")
    with pytest.raises(InvalidArgument, match="work returned an iterator"):
        invoke(singleton("jobs.main:work"), tick=TICK)


def test_a_module_that_could_not_be_imported_is_imported_again_by_a_retry(
    job: Callable[[str], None], tmp_path: Path
) -> None:
    job(f"open({str(tmp_path / 'there')!r}).close()\n{WORK}")
    handler = named(MemoryStore())
    with pytest.raises(FileNotFoundError):
        handler({"tick": TICK}, Context())
    (tmp_path / "there").touch()
    answer = handler({"tick": TICK}, Context())
    assert (answer["result"], answer["attempt"]) == ("worked in term 2", 2)


@pytest.mark.parametrize("path", ["jobs.nowhere:work", "nobodys.main:work", "sys.nowhere:work"])
def test_a_module_that_is_missing_is_named_when_it_can_be_known(path: str) -> None:
    with pytest.raises(InvalidArgument, match=f"'{path}' names the module .* cannot be found"):
        invoke(singleton(path), tick=TICK)


@pytest.mark.parametrize(
    "path",
    ["no_such_module:work", "no_such_package.main:work", "jobs.nowhere:work", "jobs.no.main:work"],
)
def test_a_missing_module_beside_imported_ones_is_refused_at_once(path: str) -> None:
    __import__("jobs")
    with pytest.raises(InvalidArgument, match="which cannot be found: correct the path, or ship"):
        singleton(path)


def test_a_module_of_an_unknown_package_is_not_looked_for_at_once() -> None:
    singleton("jobs.nowhere:work")
    assert "jobs" not in sys.modules


@pytest.mark.parametrize(
    "path",
    [
        *("nightly", "jobs.main.work", "", ":", "a:", ":a", "a:b:c", "a:b.c", "a/b:c", "a:b()"),
        *(".a:b", "a.:b", "a..b:c", "a:def", "import:a", "a b:c", " a:b", "a-b:c"),
    ],
)
def test_a_text_that_is_no_path_is_refused_at_once(path: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        singleton(path)
    assert f"was given {path!r}, expected a handler, or its import path" in str(raised.value)


@pytest.mark.parametrize(
    ("path", "example"),
    [
        ("jobs.main.work", "'jobs.main:work' for work() in jobs/main.py"),
        ("jobs.work", "'jobs:work' for work() in jobs.py"),
        ("nightly", "'billing.main:work' for work() in billing/main.py"),
    ],
)
def test_a_path_with_a_dot_for_its_colon_is_shown_with_one(path: str, example: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        singleton(path)
    assert f"such as {example}. Options" in str(raised.value)


def test_a_short_lease_is_renewed_while_the_job_is_imported(
    job: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    job(f"import threading\nWHILE = [each.name for each in threading.enumerate()]\n{WORK}")
    monkeypatch.setenv("S3LEADER_LEASE_SECONDS", "10")
    before = {each.name for each in threading.enumerate()}
    named(MemoryStore())({"tick": TICK}, Context())
    (renewing,) = {*sys.modules["jobs.main"].WHILE} - before
    assert "renew" in renewing
