"""A handler that names its job by an import path: the named function is checked at synth."""

from __future__ import annotations

import re
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Annotations, Match, Template

from s3leader import InvalidArgument
from s3leader._lambda.import_path import ImportedHandler
from s3leader_cdk._handler.decoration import NameResolver, Value
from s3leader_cdk._handler.modules import Folder
from tests.infra.handler.test_decoration import FROM, POWERTOOLS
from tests.infra.jobs import build, existing_function

WORK = "def work(event, context, term): ...\n"
NAMED = f"{FROM}handler = singleton('job.work:work')\n"


def resolve(folder: Path, work: str = WORK, main: str = NAMED) -> Value:
    """Write a job's sources and resolve its handler."""
    (folder / "job").mkdir()
    (folder / "job" / "main.py").write_text(main)
    (folder / "job" / "work.py").write_text(work)
    return NameResolver(Folder(folder, within=folder / "job")).lookup("job.main", "handler")


USABLE = {
    "alone": NAMED,
    "with options": f"{FROM}handler = singleton('job.work:work', max_attempts=3)\n",
    "by a constant": f"{FROM}JOB = 'job.work:work'\nhandler = singleton(JOB)\n",
    "in middleware": f"{FROM}{POWERTOOLS}handler = logger.inject_lambda_context("
    "singleton('job.work:work'))\n",
    "in both branches": f"{FROM}if __debug__:\n  handler = singleton('job.work:work')\n"
    "else:\n  handler = singleton('job.work:work', wait=None)\n",
    "of the same module": f"{FROM}{WORK}handler = singleton('job.main:work')\n",
    "of which one path is good": (
        f"{FROM}JOB = 'job.work:no' if __debug__ else 'job.work:work'\nhandler = singleton(JOB)\n"
    ),
    "of which one branch is good": f"{FROM}{WORK}handler = singleton('job.work:work') if __debug__"
    " else singleton('job.work:no')\n",
}
USABLE_FUNCTIONS = {
    "plain": WORK,
    "below an unknown decorator": f"from acme import timed\n@timed\n{WORK}",
    "imported from elsewhere": "from acme import work\n",
    "a partial": "import functools\nwork = functools.partial(print, 1)\n",
}
UNUSABLE = {
    "async": (f"async {WORK}", "is an async function"),
    "a generator": ("def work(event, context, term): yield\n", "contains yield"),
    "two parameters": ("def work(event, context): ...\n", "cannot be called with (event, "),
    "missing": ("def works(event, context, term): ...\n", "work.py does not define work"),
    "decorated too": (f"{FROM}@singleton\n{WORK}", "it is decorated with @singleton already"),
    "no function": ("work = None\n", "it is not a function (None: "),
    "a module": ("import json as work\n", "it is not a function (json)"),
}
WRONG_PATHS = {
    "job.nowhere:work": "module job.nowhere is not in the code",
    "job.work.inner:work": "module job.work.inner is not in the code",
    "job.work": "a path is written like 'billing.main:work'",
    "job.work:jobs.work": "a path is written like 'billing.main:work'",
}


def state(found: Value) -> tuple[bool | None, str, str]:
    return found.decorated, found.rejection, found.doubt


@pytest.mark.parametrize("main", USABLE.values(), ids=USABLE)
def test_a_handler_made_of_an_import_path_is_decorated(main: str, tmp_path: Path) -> None:
    assert state(resolve(tmp_path, main=main)) == (True, "", "")


@pytest.mark.parametrize("work", USABLE_FUNCTIONS.values(), ids=USABLE_FUNCTIONS)
def test_a_function_that_may_be_used_is_accepted(work: str, tmp_path: Path) -> None:
    assert state(resolve(tmp_path, work)) == (True, "", "")


@pytest.mark.parametrize(("work", "problem"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_function_that_cannot_be_used_is_rejected(
    work: str, problem: str, tmp_path: Path
) -> None:
    assert problem in resolve(tmp_path, work).rejection


@pytest.mark.parametrize(("path", "problem"), WRONG_PATHS.items())
def test_a_path_that_leads_nowhere_is_rejected(path: str, problem: str, tmp_path: Path) -> None:
    found = resolve(tmp_path, main=f"{FROM}handler = singleton({path!r}, max_attempts=3)\n")
    assert problem in found.rejection


@pytest.mark.parametrize(
    ("main", "work", "doubt"),
    [
        (NAMED.replace("job.work", "acme.jobs"), WORK, "module acme.jobs is not in the code"),
        (NAMED, "match 1 in newer syntax: !\n", "work.py cannot be parsed by the Python"),
    ],
    ids=["of a dependency", "unparsable"],
)
def test_a_function_that_the_source_does_not_show_is_doubted(
    main: str, work: str, doubt: str, tmp_path: Path
) -> None:
    assert doubt in resolve(tmp_path, work, main).doubt


@pytest.mark.parametrize("path", ["a.b:c", "a:b", "a", "a:", ":b", ".a:b", "a:b.c", "a:if", "ä:ö"])
def test_synth_and_runtime_agree_on_what_a_path_is(path: str, tmp_path: Path) -> None:
    found = resolve(tmp_path, main=f"{FROM}handler = singleton({path!r})\n")
    try:
        ImportedHandler.parse(path)
    except InvalidArgument as error:
        refused = "or its import path" in str(error)  # not: the module cannot be found
    else:
        refused = False
    assert found.rejection.startswith("a path is written like") is refused


@pytest.fixture
def stack(tmp_path: Path) -> cdk.Stack:
    app = cdk.App(context={"aws:cdk:bundling-stacks": []}, outdir=str(tmp_path / "cdk.out"))
    return cdk.Stack(app, "Test")


def folder(at: Path, work: str, path: str = "billing.work:work") -> str:
    code = at / "billing"
    code.mkdir()
    (code / "main.py").write_text(f"{FROM}handler = singleton({path!r})\n")
    (code / "work.py").write_text(work)
    return str(code)


def test_synth_accepts_a_handler_that_names_its_job(stack: cdk.Stack, tmp_path: Path) -> None:
    code = folder(tmp_path, WORK)
    build(stack, code=code, handler="billing.main.handler", handler_check="error")


def test_synth_refuses_a_job_that_the_elected_invocation_could_not_use(
    stack: cdk.Stack, tmp_path: Path
) -> None:
    expected = (
        r"names its job by 'billing.work:work', which the elected invocation could not use: the"
        r" function \(.*work\.py:1\) is an async function.*\(singleton\(.*main\.py:2\)"
    )
    with pytest.raises(ValueError, match=expected):
        build(stack, code=folder(tmp_path, f"async {WORK}"), handler="billing.main.handler")


def test_synth_refuses_a_job_whose_module_is_not_shipped(stack: cdk.Stack, tmp_path: Path) -> None:
    code = folder(tmp_path, WORK)
    with pytest.raises(ValueError, match=r"'billing.work.work' is in a module that is not shipped"):
        build(stack, code=code, handler="billing.main.handler", exclude=["work.py"])


@pytest.mark.parametrize("mode", ["warn", "error", "off"])
def test_a_job_that_a_dependency_has_is_reported_by_the_mode(
    mode: str, stack: cdk.Stack, tmp_path: Path
) -> None:
    code = folder(tmp_path, WORK, "acme.jobs:work")
    reported = (
        "the source does not show whether handler 'billing.main.handler' can import its job"
        " 'acme.jobs:work' (module acme.jobs is not in the code"
    )
    if mode == "error":
        with pytest.raises(ValueError, match=re.escape(reported)):
            build(stack, code=code, handler="billing.main.handler", handler_check=mode)
        return
    build(stack, code=code, handler="billing.main.handler", handler_check=mode)
    warnings = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    assert [reported in str(each.entry.data) for each in warnings] == (
        [True] if mode == "warn" else []
    )


@pytest.mark.parametrize("mode", ["warn", "error", "off"])
def test_a_job_function_takes_the_path_itself_and_lambda_calls_the_entry(
    mode: str, stack: cdk.Stack, tmp_path: Path
) -> None:
    code = folder(tmp_path, WORK)
    build(stack, code=code, handler="billing.work:work", handler_check=mode)
    (found,) = Template.from_stack(stack).find_resources("AWS::Lambda::Function").values()
    properties = found["Properties"]
    named = properties["Environment"]["Variables"]["S3LEADER_HANDLER"]
    assert (properties["Handler"], named) == ("s3leader.lambda_entry.handler", "billing.work:work")


@pytest.mark.parametrize(
    ("handler", "problem"),
    [
        ("billing.work:other", r"cannot be used: .*work\.py does not define other"),
        ("billing.work:two", r"cannot be used: the function \(.*work\.py:2\) cannot be called"),
        ("billing.work:a.b", "cannot be used: a path is written like 'billing.main:work'"),
        ("billing.nowhere:work", "is not in code folder"),
        ("acme.jobs:work", "is not in code folder"),
        (":work", "is not in code folder"),
    ],
)
def test_a_job_function_refuses_a_path_that_leads_nowhere(
    handler: str, problem: str, stack: cdk.Stack, tmp_path: Path
) -> None:
    code = folder(tmp_path, f"{WORK}def two(event, context): ...\n")
    with pytest.raises(ValueError, match=f"handler '{handler}' .*{problem}"):
        build(stack, code=code, handler=handler)


def test_a_path_in_code_that_is_packaged_already_is_checked_too(
    stack: cdk.Stack, tmp_path: Path
) -> None:
    code = lambda_.Code.from_asset(folder(tmp_path, f"async {WORK}"))
    with pytest.raises(ValueError, match=r"handler 'work:work' .* is an async function"):
        build(stack, code=code, handler="work:work")


def test_an_existing_function_has_no_entry_that_takes_a_path(
    stack: cdk.Stack, tmp_path: Path
) -> None:
    code = lambda_.Code.from_asset(folder(tmp_path, WORK))
    function = existing_function(stack, code=code, handler="work:work")
    with pytest.raises(ValueError, match=r"'work:work' of Test/Function is an import path, which"):
        build(stack, function=function)
