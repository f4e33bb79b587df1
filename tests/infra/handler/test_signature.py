"""Synth rejects a handler that `@singleton` would reject at import."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_

from s3leader.aws_lambda import singleton
from s3leader.errors import InvalidArgument
from s3leader_cdk import JobFunction
from tests.infra.handler.test_decoration import FROM, POWERTOOLS, resolve_handler

REFUSED = {
    "async": "@singleton\nasync def handler(event, context, term): ...\n",
    "a generator": "@singleton\ndef handler(event, context, term):\n  if event:\n    yield 1\n",
    "yield from": "@singleton\ndef handler(event, context, term):\n  return (yield from event)\n",
    "two parameters": "@singleton\ndef handler(event, context): ...\n",
    "four parameters": "@singleton\ndef handler(event, context, term, bucket): ...\n",
    "a required keyword": "@singleton\ndef handler(event, context, term, *, bucket): ...\n",
    "keywords only": "@singleton\ndef handler(**given): ...\n",
    "below middleware": (
        f"{POWERTOOLS}@logger.inject_lambda_context\n@singleton\ndef handler(event, context): ...\n"
    ),
    "by a call with options": (
        "def work(event, context): ...\nhandler = singleton(max_attempts=2)(work)\n"
    ),
    "a lambda": "handler = singleton(lambda event, context: 1)\n",
    "a call within middleware": (
        "from aws_lambda_powertools import Logger\n"
        "handler = Logger().inject_lambda_context(singleton(lambda event: 1))\n"
    ),
    "in both branches": (
        "if __debug__:\n  @singleton\n  def handler(event): ...\n"
        "else:\n  @singleton\n  def handler(): ...\n"
    ),
}
ACCEPTED = {
    "positional only": "@singleton\ndef handler(event, context, term, /): ...\n",
    "any": "@singleton\ndef handler(*given): ...\n",
    "some and any": "@singleton\ndef handler(event, *rest, **options): ...\n",
    "a fourth with a default": (
        "@singleton\ndef handler(event, context, term, bucket=None, *, dry_run=False): ...\n"
    ),
    "a yield in a function within": (
        "@singleton\ndef handler(event, context, term):\n"
        "  def each():\n    yield 1\n  return list(each())\n"
    ),
    "above another decorator": (
        "from acme import timed\n@singleton\n@timed\ndef handler(event, context): ...\n"
    ),
    "above a library's decorator": (
        "import contextlib\n@singleton\n@contextlib.contextmanager\ndef handler(event): yield\n"
    ),
    "around a wrapped one": (
        "from functools import partial\ndef work(a, b, c, d): ...\n"
        "handler = singleton(partial(work, 1))\n"
    ),
    "in one branch": (
        "if __debug__:\n  @singleton\n  def handler(event, context, term): ...\n"
        "else:\n  @singleton\n  def handler(event): ...\n"
    ),
}


@pytest.mark.parametrize("name", REFUSED | ACCEPTED)
def test_a_handler_that_the_decorator_would_reject_is_found(name: str, tmp_path: Path) -> None:
    source = (REFUSED | ACCEPTED)[name]
    found = resolve_handler(tmp_path, {"main.py": f"{FROM}{source}"})
    assert (found.decorated, bool(found.rejection)) == (True, name in REFUSED)
    if "import" not in source:
        expected = pytest.raises(InvalidArgument) if name in REFUSED else nullcontext()
        with expected:  # the decorator agrees
            exec(source, {"singleton": singleton})  # noqa: S102 - a source written above


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("async", r"main\.py:3\) is an async function: .*asyncio\.run"),
        ("a generator", r"main\.py:3\) contains yield: .*before it returns"),
        ("two parameters", r"cannot be called with \(event, context, term\): .* defaults"),
    ],
)
@pytest.mark.parametrize("way", ["folder", "asset"])
def test_the_error_at_synth_names_the_problem_and_the_fix(
    way: str, name: str, match: str, tmp_path: Path
) -> None:
    stack = cdk.Stack(cdk.App(outdir=str(tmp_path / "cdk.out")), "Test")
    folder = tmp_path / "billing"
    folder.mkdir()
    source = f"{FROM}{REFUSED[name]}"
    (folder / "main.py").write_text(source)
    code: Any = folder if way == "folder" else lambda_.Code.from_asset(str(folder))
    module = "billing.main" if way == "folder" else "main"
    with pytest.raises(
        ValueError, match=rf"reject handler '{module}\.handler' of Test/Function .*{match}"
    ):
        JobFunction(stack, "Function", code=code, handler=f"{module}.handler")
