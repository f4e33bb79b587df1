"""Synth finds a handler that is missing or not decorated."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any, Literal

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Annotations, Match, Template

from s3leader_cdk import LockBucket
from s3leader_cdk._handler.check import check_handler
from tests.infra.jobs import build

Mode = Literal["error", "warn", "off"]

PLAIN = "def handler(event, context): ...\n"
DECORATED = (
    "from s3leader.aws_lambda import singleton\n\n"
    "@singleton\ndef handler(event, context, term): ...\n"
)
OPEN = f"from acme import job\n\n@job\n{PLAIN}"
ENTRY = "s3leader.lambda_entry.handler"

# Syntax that no interpreter here knows, a newer one's, and more than this one's parser can hold.
UNPARSABLE = {
    "of a newer Python": "match 1 in newer syntax: !\n",
    "with a null byte": "\0\n",
    "nested too deeply": f"x = {'-' * 100_000}1\n",
}
UNPARSED = r"cannot be parsed by the Python 3\.\d+\.\d+ that synthesizes: .*; the function runs {}"


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


def job(stack: cdk.Stack, **given: Any) -> None:
    build(stack, schedule="rate(1 hour)", **given)


def function(stack: cdk.Stack, code: lambda_.Code, handler: str = "main.handler") -> Any:
    runtime = lambda_.Runtime.PYTHON_3_13
    return lambda_.Function(stack, "Function", code=code, handler=handler, runtime=runtime)


def warnings(stack: cdk.Stack) -> list[str]:
    """Return what is warned of about handlers."""
    found = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    return [str(each.entry.data) for each in found if "handler-not-checked" in str(each.entry.data)]


# --------------------------------------------------------------------- code that is a folder


@pytest.mark.parametrize("mode", ["error", "warn"])
def test_a_job_whose_handler_is_not_decorated_is_refused(
    mode: Mode, stack: cdk.Stack, tmp_path: Path
) -> None:
    code = folder(tmp_path, PLAIN)
    with pytest.raises(ValueError, match=r"'billing\.main\.handler' .*not decorated .*main\.py:1"):
        job(stack, code=code, handler="billing.main.handler", handler_check=mode)


def test_a_job_whose_handler_is_decorated_is_not_warned_of(
    stack: cdk.Stack, tmp_path: Path
) -> None:
    job(stack, code=folder(tmp_path, DECORATED), handler="billing/main.handler")
    assert warnings(stack) == []


def test_an_unknown_decorator_is_a_warning(stack: cdk.Stack, tmp_path: Path) -> None:
    job(stack, code=folder(tmp_path, OPEN), handler="billing.main.handler")
    (warning,) = warnings(stack)
    assert "what @job does is not known" in warning


def test_an_unknown_decorator_is_an_error_in_mode_error(stack: cdk.Stack, tmp_path: Path) -> None:
    code = folder(tmp_path, OPEN)
    with pytest.raises(
        ValueError, match=r"Test/JobFunction: the source does not show .*what @job does"
    ):
        job(stack, code=code, handler="billing.main.handler", handler_check="error")


def test_mode_off_checks_nothing(stack: cdk.Stack, tmp_path: Path) -> None:
    code = folder(tmp_path, PLAIN)
    job(stack, code=code, handler="billing.main.handler", handler_check="off")
    (found,) = Template.from_stack(stack).find_resources("AWS::Lambda::Function").values()
    variables = found["Properties"]["Environment"]["Variables"]
    assert (found["Properties"]["Handler"], "S3LEADER_HANDLER" in variables, warnings(stack)) == (
        *("billing.main.handler", False),
        [],
    )


def test_an_unknown_check_is_refused(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match=r"handler_check: expected .*, got 'none'"):
        job(stack, handler_check="none")


def test_lambda_calls_the_entry_with_the_handler_s_name(stack: cdk.Stack, tmp_path: Path) -> None:
    job(stack, code=folder(tmp_path, DECORATED), handler="billing.main.handler")
    (found,) = Template.from_stack(stack).find_resources("AWS::Lambda::Function").values()
    variables = found["Properties"]["Environment"]["Variables"]
    assert (found["Properties"]["Handler"], variables["S3LEADER_HANDLER"]) == (
        *(ENTRY, "billing.main.handler"),
    )


# ------------------------------------------------------- existing code and functions


def add_candidate(stack: cdk.Stack, code: lambda_.Code, handler: str, way: str) -> None:
    """Make a function a candidate in one of the ways that there are."""
    if way == "code":
        job(stack, code=code, handler=handler)
    elif way == "function":
        job(stack, function=function(stack, code, handler))
    else:
        LockBucket(stack, "Locks").attach(function(stack, code, handler), election="nightly")


@pytest.mark.parametrize(
    ("kind", "way"),
    [*product(["asset", "inline"], ["function", "attach"]), ("asset", "code")],
)
def test_a_function_whose_handler_is_not_decorated_is_refused(
    kind: str, way: str, stack: cdk.Stack, tmp_path: Path
) -> None:
    code, handler = given(kind, PLAIN, tmp_path)
    with pytest.raises(ValueError, match=f"handler '{handler}' of Test/.* is not decorated"):
        add_candidate(stack, code, handler, way)


@pytest.mark.parametrize(
    ("kind", "way"),
    [*product(["asset", "inline"], ["function", "attach"]), ("asset", "code")],
)
def test_a_function_whose_handler_is_decorated_is_not_warned_of(
    kind: str, way: str, stack: cdk.Stack, tmp_path: Path
) -> None:
    add_candidate(stack, *given(kind, DECORATED, tmp_path), way)
    assert warnings(stack) == []


def root(stack: cdk.Stack) -> cdk.Stage:
    found = cdk.Stage.of(stack)
    assert found is not None
    return found


@pytest.mark.parametrize("way", ["code", "function", "attach"])
def test_code_in_a_nested_stage_is_read(way: str, stack: cdk.Stack, tmp_path: Path) -> None:
    nested = cdk.Stack(cdk.Stage(root(stack), "Production"), "Test")
    with pytest.raises(ValueError, match=r"is not decorated with @singleton .*main\.py:1"):
        add_candidate(nested, *given("asset", PLAIN, tmp_path), way)


def test_decorated_code_in_a_nested_stage_passes_the_strict_check(
    stack: cdk.Stack, tmp_path: Path
) -> None:
    nested = cdk.Stack(cdk.Stage(cdk.Stage(root(stack), "One"), "Two"), "Test")
    existing = function(nested, *given("asset", DECORATED, tmp_path))
    LockBucket(nested, "Locks").attach(existing, election="nightly", handler_check="error")
    assert warnings(nested) == []


def given(kind: str, source: str, at: Path) -> tuple[lambda_.Code, str]:
    """Return code of a kind, and the name of the handler in it."""
    if kind == "inline":
        return lambda_.Code.from_inline(source), "index.handler"
    return lambda_.Code.from_asset(str(folder(at, source))), "main.handler"


@pytest.mark.parametrize("way", ["code", "function", "attach"])
def test_a_handler_that_another_layer_has_is_a_warning(
    way: str, stack: cdk.Stack, tmp_path: Path
) -> None:
    code = lambda_.Code.from_asset(str(folder(tmp_path, DECORATED)))
    add_candidate(stack, code, "datadog_lambda.handler.handler", way)
    (warning,) = warnings(stack)
    assert "datadog_lambda.handler.handler is not in the code" in warning


@pytest.mark.parametrize(
    ("mode", "expected"), [("warn", 1), ("off", 0)], ids=["warned of", "not checked"]
)
def test_code_that_is_not_on_this_machine_is(mode: Mode, expected: int, stack: cdk.Stack) -> None:
    bucket = cdk.aws_s3.Bucket.from_bucket_name(stack, "Artifacts", "artifacts")
    existing = function(stack, lambda_.Code.from_bucket_v2(bucket, "job.zip"))
    LockBucket(stack, "Locks").attach(existing, election="nightly", handler_check=mode)
    assert len(warnings(stack)) == expected


def test_a_function_may_run_a_newer_python_than_this_one(stack: cdk.Stack) -> None:
    code = lambda_.Code.from_inline(f"{DECORATED}\nmatch 1 in newer syntax: !\n")
    add_candidate(stack, code, "index.handler", "attach")
    assert re.search(UNPARSED.format("python3.13"), warnings(stack)[0])


@pytest.mark.parametrize("source", UNPARSABLE.values(), ids=UNPARSABLE)
@pytest.mark.parametrize(("mode", "expected"), [("warn", 1), ("off", 0)])
def test_a_job_that_this_interpreter_cannot_parse_is_synthesized(
    mode: Mode, expected: int, source: str, stack: cdk.Stack, tmp_path: Path
) -> None:
    code = folder(tmp_path, f"{DECORATED}{source}")
    job(stack, code=code, handler="billing.main.handler", handler_check=mode)
    assert len(warnings(stack)) == expected
    assert all(re.search(UNPARSED.format("python3.14"), each) for each in warnings(stack))


@pytest.mark.parametrize("source", UNPARSABLE.values(), ids=UNPARSABLE)
def test_a_job_that_this_interpreter_cannot_parse_fails_the_strict_check(
    source: str, stack: cdk.Stack, tmp_path: Path
) -> None:
    code = folder(tmp_path, f"{DECORATED}{source}")
    with pytest.raises(ValueError, match=UNPARSED.format("python3.14")):
        job(stack, code=code, handler="billing.main.handler", handler_check="error")


def test_a_module_that_is_only_imported_may_have_newer_syntax(
    stack: cdk.Stack, tmp_path: Path
) -> None:
    code = folder(tmp_path, "from billing.work import handler\n")
    (code / "work.py").write_text(f"{DECORATED}{UNPARSABLE['of a newer Python']}")
    job(stack, code=code, handler="billing.main.handler")
    assert re.search(UNPARSED.format("python3.14"), warnings(stack)[0])


def test_a_missing_module_is_rejected_in_mode_off_too(stack: cdk.Stack, tmp_path: Path) -> None:
    code = folder(tmp_path, PLAIN)
    with pytest.raises(ValueError, match="is not in code folder"):
        job(stack, code=code, handler="billing.mian.handler", handler_check="off")


def test_a_function_with_a_grant_alone_needs_no_decorator(stack: cdk.Stack) -> None:
    existing = function(stack, lambda_.Code.from_inline(PLAIN), "index.handler")
    LockBucket(stack, "Locks").grant_candidate(existing, election="nightly")
    assert warnings(stack) == []


# ------------------------------------------------------------------ a handler that is missing


@pytest.mark.parametrize(
    "handler", ["billing.main.handler", "billing/main.handler", "billing.inner.run"]
)
def test_a_handler_may_be_in_a_module_or_a_package_of_the_job(handler: str, tmp_path: Path) -> None:
    code = folder(tmp_path, DECORATED)
    (code / "inner").mkdir()
    (code / "inner" / "__init__.py").write_text("run = None\n")
    check_handler(code, handler)


@pytest.mark.parametrize(
    "handler",
    [
        "billing.main.handlr",
        "handler",
        "main.handler",
        "billing.missing.handler",
        "other.main.handler",
        "",
        "..",
        "billing",
    ],
)
def test_a_handler_that_is_not_in_the_job_is_refused_with_an_example(
    handler: str, tmp_path: Path
) -> None:
    code = folder(tmp_path, DECORATED)
    match = rf"handler '{re.escape(handler)}' is not in .*'billing\.main"
    with pytest.raises(ValueError, match=match):
        check_handler(code, handler)


@pytest.mark.parametrize(
    "source",
    ["handler = made()", "from .inner import run as handler", "from .inner import *"],
)
def test_the_kind_of_definition_of_a_handler_does_not_matter(source: str, tmp_path: Path) -> None:
    check_handler(folder(tmp_path, source), "billing.main.handler")
