"""The entry point of the constructs' functions: a handler without an election never runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = {
    "main.py": """
from s3leader.aws_lambda import singleton
import functools

def plain(event, context): print("worked")
decorated = singleton(lambda event, context, term: "worked")
value = 5

def middleware(handler):
    @functools.wraps(handler)
    def wrapper(event, context): return handler(event, context)
    return wrapper

def silent(handler):
    return lambda event, context: handler(event, context)

named = singleton("billing.work:work")
under_wraps = middleware(decorated)
under_a_partial = functools.partial(under_wraps)
under_a_lambda = silent(decorated)
around_plain = middleware(plain)
""",
    "broken.py": "import no_such_module_of_anybody",
    "work.py": "def work(event, context, term): return 'worked'",
}
CALL = """
from s3leader import lambda_entry
from s3leader.testing import invoke
print(invoke(lambda_entry.handler, tick="2025-11-23T06:00:00Z")["result"])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    job = tmp_path_factory.mktemp("shipped") / "billing"
    job.mkdir()
    for name, text in SOURCES.items():
        (job / name).write_text(text)
    return job.parent


def started(folder: Path, named: str | None) -> subprocess.CompletedProcess[str]:
    """Start a function in a process of its own, and invoke it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    environment.pop("S3LEADER_HANDLER", None)
    if named is not None:
        environment["S3LEADER_HANDLER"] = named
    command = [sys.executable, "-c", CALL]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "named",
    [
        "billing.main.decorated",
        "billing/main.decorated",
        "billing.main.under_wraps",
        "billing.main.under_a_partial",
        "billing.main.named",
        "billing.work:work",
    ],
)
def test_a_decorated_handler_is_loaded_as_lambda_would(named: str, folder: Path) -> None:
    assert started(folder, named).stdout.endswith("worked\n")


@pytest.mark.parametrize("name", ["plain", "value", "under_a_lambda", "around_plain"])
def test_a_handler_without_an_election_fails_the_start_and_never_works(
    name: str, folder: Path
) -> None:
    done = started(folder, f"billing.main.{name}")
    refusal = f"handler 'billing.main.{name}' is not decorated with @singleton"
    assert (refusal in done.stderr, done.stdout, done.returncode) == (True, "", 1)


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ("billing.main.missing", "has no attribute 'missing'"),
        ("billing.nowhere.handler", "No module named 'billing.nowhere'"),
        ("billing.broken.handler", "No module named 'no_such_module_of_anybody'"),
        ("./billing/main.decorated", "ImportError: S3LEADER_HANDLER is './billing"),
        ("billing.work:", "S3LEADER_HANDLER is 'billing.work:', which cannot be used: @singleton"),
        ("billing.work:plain", "'billing.work:plain' names a function that billing.work does not"),
        (".main.decorated", "ImportError: S3LEADER_HANDLER is '.main"),
        (None, "S3LEADER_HANDLER is '': give module and function"),
    ],
)
def test_a_handler_that_cannot_be_loaded_is_named(
    named: str | None, problem: str, folder: Path
) -> None:
    assert problem in started(folder, named).stderr
