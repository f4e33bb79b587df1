"""Synth finds a handler that is missing or not decorated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Annotations, Match, Template

from s3leader_cdk import LockBucket
from tests.infra.jobs import build, existing_function

PLAIN = "def handler(event, context): ...\n"
DECORATED = (
    "from s3leader.aws_lambda import singleton\n\n"
    "@singleton\ndef handler(event, context, term): ...\n"
)
OPEN = f"from acme import job\n\n@job\n{PLAIN}"
HANDLER = "billing.main.handler"

# A newer Python's syntax, and more than this one's parser can hold.
UNPARSABLE = {
    "of a newer Python": "match 1 in newer syntax: !\n",
    "with a null byte": "\0\n",
    "nested too deeply": f"x = {'-' * 100_000}1\n",
}
UNPARSED = r"main\.py cannot be parsed by the Python 3\.\d+\.\d+ that synthesizes: .* runs {}"


@pytest.fixture
def stack(tmp_path: Path) -> cdk.Stack:
    app = cdk.App(context={"aws:cdk:bundling-stacks": []}, outdir=str(tmp_path / "cdk.out"))
    return cdk.Stack(app, "Test")


def folder(at: Path, source: str) -> Path:
    """Write a job's folder with one module."""
    job = at / "billing"
    job.mkdir()
    (job / "main.py").write_text(source)
    return job


def warnings(stack: cdk.Stack) -> list[str]:
    """Return the warnings about handlers."""
    found = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    return [str(each.entry.data) for each in found if "handler-not-checked" in str(each.entry.data)]


def test_an_unknown_decorator_is_a_warning(stack: cdk.Stack, tmp_path: Path) -> None:
    build(stack, code=folder(tmp_path, OPEN), handler=HANDLER)
    (warning,) = warnings(stack)
    assert "what @job does is not known" in warning


def test_an_unknown_decorator_is_an_error_in_mode_error(stack: cdk.Stack, tmp_path: Path) -> None:
    code = folder(tmp_path, OPEN)
    with pytest.raises(
        ValueError, match=r"Test/JobFunction: the source does not show .*what @job does"
    ):
        build(stack, code=code, handler=HANDLER, handler_check="error")


@pytest.mark.parametrize(
    ("source", "mode", "expected"),
    [
        (DECORATED, "error", ("s3leader.lambda_entry.handler", HANDLER)),
        (PLAIN, "off", (HANDLER, None)),
    ],
    ids=["checked", "off"],
)
def test_lambda_calls_the_entry_unless_the_check_is_off(
    source: str, mode: str, expected: object, stack: cdk.Stack, tmp_path: Path
) -> None:
    build(stack, code=folder(tmp_path, source), handler=HANDLER, handler_check=mode)
    (found,) = Template.from_stack(stack).find_resources("AWS::Lambda::Function").values()
    called = found["Properties"]["Handler"]
    variables = found["Properties"]["Environment"]["Variables"]
    assert (called, variables.get("S3LEADER_HANDLER")) == expected
    assert warnings(stack) == []


def given(kind: str, source: str, at: Path) -> tuple[lambda_.Code, str]:
    """Return code of a kind, and the name of the handler in it."""
    if kind == "inline":
        return lambda_.Code.from_inline(source), "index.handler"
    return lambda_.Code.from_asset(str(folder(at, source))), "main.handler"


def add_candidate(
    stack: cdk.Stack, code: lambda_.Code, handler: str, way: str, **options: Any
) -> None:
    """Make a function a candidate in one of the ways that there are."""
    if way == "code":
        build(stack, code=code, handler=handler, **options)
        return
    function = existing_function(stack, code=code, handler=handler)
    if way == "function":
        build(stack, function=function, **options)
    else:
        LockBucket(stack, "Locks").attach(function, election="nightly", **options)


WAYS = pytest.mark.parametrize(
    ("kind", "way"),
    [("asset", "code"), ("asset", "function"), ("inline", "function"), ("asset", "attach")],
)


@WAYS
def test_a_function_whose_handler_is_not_decorated_is_refused(
    kind: str, way: str, stack: cdk.Stack, tmp_path: Path
) -> None:
    code, handler = given(kind, PLAIN, tmp_path)
    with pytest.raises(ValueError, match=f"handler '{handler}' of Test/.* is not decorated"):
        add_candidate(stack, code, handler, way, handler_check="warn")


@WAYS
def test_a_function_whose_handler_is_decorated_passes_the_strict_check(
    kind: str, way: str, stack: cdk.Stack, tmp_path: Path
) -> None:
    add_candidate(stack, *given(kind, DECORATED, tmp_path), way, handler_check="error")


@pytest.mark.parametrize("way", ["code", "function"])
def test_code_in_a_nested_stage_is_read(way: str, stack: cdk.Stack, tmp_path: Path) -> None:
    root = cdk.Stage.of(stack)
    assert root is not None
    nested = cdk.Stack(cdk.Stage(cdk.Stage(root, "One"), "Two"), "Test")
    with pytest.raises(ValueError, match=r"is not decorated with @singleton .*main\.py:1"):
        add_candidate(nested, *given("asset", PLAIN, tmp_path), way)


def test_a_handler_that_another_layer_has_is_a_warning(stack: cdk.Stack, tmp_path: Path) -> None:
    code, _ = given("asset", DECORATED, tmp_path)
    add_candidate(stack, code, "datadog_lambda.handler.handler", "attach")
    (warning,) = warnings(stack)
    assert "datadog_lambda.handler.handler is not in the code" in warning


@pytest.mark.parametrize(("mode", "expected"), [("warn", 1), ("off", 0)])
def test_code_that_is_not_on_this_machine_is_warned_of_unless_the_check_is_off(
    mode: str, expected: int, stack: cdk.Stack
) -> None:
    bucket = cdk.aws_s3.Bucket.from_bucket_name(stack, "Artifacts", "artifacts")
    code = lambda_.Code.from_bucket_v2(bucket, "job.zip")
    add_candidate(stack, code, "main.handler", "attach", handler_check=mode)
    assert len(warnings(stack)) == expected


def test_a_function_may_run_a_newer_python_than_this_one(stack: cdk.Stack) -> None:
    code = lambda_.Code.from_inline(f"{DECORATED}{UNPARSABLE['of a newer Python']}")
    add_candidate(stack, code, "index.handler", "attach")
    (warning,) = warnings(stack)
    assert "the function runs python3.12" in warning


@pytest.mark.parametrize("source", UNPARSABLE.values(), ids=UNPARSABLE)
def test_a_job_that_this_interpreter_cannot_parse_is_warned_of(
    source: str, stack: cdk.Stack, tmp_path: Path
) -> None:
    build(stack, code=folder(tmp_path, f"{DECORATED}{source}"), handler=HANDLER)
    (warning,) = warnings(stack)
    assert re.search(UNPARSED.format("python3.14"), warning)


def test_a_function_with_a_grant_alone_needs_no_decorator(stack: cdk.Stack) -> None:
    function = existing_function(stack, code=lambda_.Code.from_inline(PLAIN))
    LockBucket(stack, "Locks").grant_candidate(function, election="nightly")
    assert warnings(stack) == []


@pytest.mark.parametrize("handler", ["billing/main.handler", "billing.inner.run"])
def test_a_handler_may_be_in_a_module_or_a_package_of_the_job(
    handler: str, stack: cdk.Stack, tmp_path: Path
) -> None:
    code = folder(tmp_path, DECORATED)
    (code / "inner").mkdir()
    (code / "inner" / "__init__.py").write_text("from billing.main import handler as run\n")
    build(stack, code=code, handler=handler, handler_check="error")


@pytest.mark.parametrize(
    ("handler", "mode"),
    [
        ("billing.main.handlr", "warn"),
        ("billing.missing.handler", "off"),
        ("main.handler", "off"),
        ("billing", "warn"),
        ("..", "warn"),
        ("", "warn"),
    ],
)
def test_a_handler_that_is_not_in_the_job_is_refused_with_an_example(
    handler: str, mode: str, stack: cdk.Stack, tmp_path: Path
) -> None:
    code = folder(tmp_path, DECORATED)
    match = rf"handler '{re.escape(handler)}' is not in .*'billing\.main"
    with pytest.raises(ValueError, match=match):
        build(stack, code=code, handler=handler, handler_check=mode)
