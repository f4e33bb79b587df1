"""Whether a handler is decorated with @singleton, inferred from its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3leader_cdk._handler.decoration import NameResolver, Value
from s3leader_cdk._handler.modules import Folder

DEF = "def handler(event, context, term): ...\n"
FROM = "from s3leader.aws_lambda import singleton\n"
POWERTOOLS = "from aws_lambda_powertools import Logger\nlogger = Logger('billing')\n"


def resolve_handler(
    folder: Path, files: dict[str, str], handler: str = "job.main.handler"
) -> Value:
    """Write a job's sources and resolve its handler."""
    for name, text in files.items():
        file = folder / "job" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    module, _, name = handler.rpartition(".")
    return NameResolver(Folder(folder, within=folder / "job")).lookup(module, name)


DECORATED = {
    "by name": f"{FROM}@singleton\n{DEF}",
    "with options": f"{FROM}@singleton(max_attempts=3)\n{DEF}",
    "by another name": f"from s3leader.aws_lambda import singleton as once\n@once\n{DEF}",
    "by its module": f"from s3leader import aws_lambda\n@aws_lambda.singleton\n{DEF}",
    "by its whole name": f"import s3leader.aws_lambda\n@s3leader.aws_lambda.singleton\n{DEF}",
    "by an assignment": f"{FROM}{DEF}handler = singleton(handler)\n",
    "by a call with options": f"{FROM}handler: object = singleton(max_attempts=3)(print)\n",
    "by a decorator made before": f"{FROM}once = singleton(max_attempts=3)\n@once\n{DEF}",
    "below known middleware": (
        f"{FROM}{POWERTOOLS}@logger.inject_lambda_context(log_event=True)\n@singleton\n{DEF}"
    ),
    "above a decorator": f"{FROM}from acme import timed\n@singleton\n@timed\n{DEF}",
    "within known middleware": (
        f"{FROM}{POWERTOOLS}handler = logger.inject_lambda_context(singleton(print))\n"
    ),
    "within a partial": (
        f"{FROM}import functools\nhandler = functools.partial(singleton(print), 1)\n"
    ),
    "in both branches": (
        f"{FROM}try:\n    import acme\n    handler = singleton(acme.work)\n"
        f"except ImportError:\n    handler = singleton(print)\n"
    ),
    "in a with block": (
        f"{FROM}import contextlib\nwith contextlib.suppress():\n  @singleton\n  {DEF}"
    ),
    "rebound": f"raise SystemExit\n{FROM}handler = None\nhandler = singleton(print)\n",
    "either way": f"{FROM}handler = singleton(print) if __debug__ else singleton(max)\n",
}
PLAIN = {
    "a plain function": DEF,
    "a decorator of the same name": f"from functools import cache as singleton\n@singleton\n{DEF}",
    "known middleware alone": f"{POWERTOOLS}@logger.inject_lambda_context\n{DEF}",
    "the standard library's": f"import functools\n@functools.lru_cache(maxsize=1)\n{DEF}",
    "a lambda": "handler = lambda event, context: 1\n",
    "a partial": f"import functools\n{DEF}handler = functools.partial(handler, 1)\n",
    "an async function": f"async {DEF}",
    "a class": "class handler: ...\n",
    "no function": "handler = None\n",
    "the decorator without a handler": f"{FROM}handler = singleton(max_attempts=3)\n",
    "the decorator itself": FROM.replace("singleton\n", "singleton as handler\n"),
    "a decorated one that is rebound": f"{FROM}@singleton\n{DEF}{DEF}",
    "plain in both branches": "try:\n    import acme\nexcept ImportError:\n"
    "    def handler(): ...\nelse:\n    def handler(): ...\n",
}
MARK_MAY_BE_LOST = {
    "below other middleware": f"{FROM}from acme import timed\n@timed\n@singleton\n{DEF}",
    "within middleware": f"{FROM}from acme import timed\nhandler = timed(singleton(print))\n",
    "within a class of the module": (
        f"{FROM}class Around:\n    def __init__(self, f): ...\n"
        f"@singleton\n{DEF}handler = Around(handler)\n"
    ),
    "below a function of the module": (
        f"{FROM}def timed(f): return lambda *a: f(*a)\n@timed\n@singleton\n{DEF}"
    ),
}
UNKNOWN = {
    "a decorator from elsewhere": f"from acme import job\n@job\n{DEF}",
    "a decorator of the module": f"{FROM}def job(f): return singleton(f)\n@job\n{DEF}",
    "made elsewhere": "from acme import made\nhandler = made()\n",
    "imported from elsewhere": "from acme import handler\n",
    "an attribute": "import acme\nhandler = acme.App().handler\n",
    "one of a tuple": f"{FROM}handler, other = singleton(print), 5\n",
    "decorated in one branch": f"{FROM}{DEF}if not __debug__:\n    handler = singleton(handler)\n",
    "the decorator with arguments": (
        f"{FROM}import functools\njob = functools.partial(singleton, max_attempts=3)\n@job\n{DEF}"
    ),
    **MARK_MAY_BE_LOST,
    "in a circle": "from job.main import handler\n",
}


ANSWERS: dict[str, tuple[str, bool | None]] = {
    **{f"decorated {name}": (source, True) for name, source in DECORATED.items()},
    **{name: (source, False) for name, source in PLAIN.items()},
    **{name: (source, None) for name, source in UNKNOWN.items()},
}


@pytest.mark.parametrize(("source", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_a_handler_is_decorated_or_plain_or_unknown(
    source: str, expected: object, tmp_path: Path
) -> None:
    assert resolve_handler(tmp_path, {"main.py": source}).decorated is expected


@pytest.mark.parametrize("source", MARK_MAY_BE_LOST.values(), ids=MARK_MAY_BE_LOST)
def test_middleware_must_use_functools_wraps(source: str, tmp_path: Path) -> None:
    found = resolve_handler(tmp_path, {"main.py": source})
    assert "it must use functools.wraps" in found.where


WORK = f"{FROM}@singleton\n{DEF}def plain(): ...\n"
ELSEWHERE = {
    "from .work import handler": True,
    "from .work import plain as handler": False,
    "from .work import *": True,
    "from . import work\nhandler = work.handler": True,
    "import job.work\nhandler = job.work.handler": True,
    "from .inner.deep import plain as handler": False,
    "from .decorators import once\n@once\ndef handler(): ...": True,
    "from .missing import handler": None,
    "from other.work import handler": None,
}


@pytest.mark.parametrize("init", ["", None], ids=["package", "namespace"])
@pytest.mark.parametrize(("source", "expected"), ELSEWHERE.items(), ids=ELSEWHERE)
def test_a_handler_is_followed_through_the_job_s_own_modules(
    source: str, expected: object, init: str | None, tmp_path: Path
) -> None:
    files = {
        "main.py": source,
        "work.py": WORK,
        "inner/deep.py": "from ..work import handler, plain\n",
        "decorators.py": f"{FROM}once = singleton(max_attempts=3)\n",
    }
    if init is not None:
        files["__init__.py"] = init
    assert resolve_handler(tmp_path, files).decorated is expected


def test_a_handler_may_be_in_the_package_itself(tmp_path: Path) -> None:
    files = {"__init__.py": "from .work import handler\n", "work.py": WORK}
    assert resolve_handler(tmp_path, files, "job.handler").decorated is True


def test_a_module_outside_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text(WORK)
    assert resolve_handler(tmp_path, {"main.py": "from beside import handler\n"}).decorated is None


@pytest.mark.parametrize(
    "rebinding",
    [
        "if ACME:\n    handler = timed(handler)\n",
        "other = timed(handler)\nhandler = timed(other)\n",
    ],
)
def test_many_rebindings_are_followed(rebinding: str, tmp_path: Path) -> None:
    source = f"from acme import ACME, timed\n{DEF}{rebinding * 600}"
    found = resolve_handler(tmp_path, {"main.py": source})
    assert (found.decorated, len(found.where) < 1000) == (None, True)


def test_an_expression_nested_too_deeply_is_unknown(tmp_path: Path) -> None:
    source = f"handler = app{'.part' * 900}\n"
    assert resolve_handler(tmp_path, {"main.py": source}).decorated is None


def test_a_module_that_cannot_be_parsed_and_does_not_matter_is_not_read(tmp_path: Path) -> None:
    files = {"main.py": f"from .newer import x\n{FROM}@singleton\n{DEF}", "newer.py": "!"}
    assert resolve_handler(tmp_path, files).decorated is True
